package api

import (
	"net/http"
	"regexp"
	"strings"
	"time"
)

// token is what the two authentication headers say (spec/privatenumber.md §1.1), not yet believed.
type token struct {
	wsse                          bool
	username, nonce, created, sum string
	at                            time.Time // created, taken as UTC
}

// createdLayout is Created's form: no fractions, always Z, whatever zone the client meant (spec/privatenumber.md §1.1).
const createdLayout = "2006-01-02T15:04:05Z"

// attribute is one name="value"; the separators between attributes, their order and the kind of quotes differ from client to client.
var attribute = regexp.MustCompile(`(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)')`)

// readToken reads Authorization and X-AKSK or X-WSSE. Authorization's first word says which scheme it is. lenient takes dsl= for type=,
// as an early Java client writes it. The first fault found is the answer, the outer header before the inner, presence before value.
func readToken(h http.Header, lenient bool) (token, *result) {
	authorization := strings.TrimSpace(h.Get("Authorization"))
	if authorization == "" {
		return token{}, &noAuthorization
	}
	scheme, rest := firstWord(authorization)
	var t token
	name, faults := "X-AKSK", akskFaults
	switch {
	case strings.EqualFold(scheme, "WSSE"):
		t.wsse = true
	case strings.EqualFold(scheme, "AKSK"):
	case h.Get("X-WSSE") != "" && h.Get("X-AKSK") == "":
		return token{}, fault(wsseFaults, noScheme)
	default:
		return token{}, fault(akskFaults, noScheme)
	}
	if t.wsse {
		name, faults = "X-WSSE", wsseFaults
	}
	if r := checkAuthorization(attributes(rest), lenient); r != nil {
		return token{}, r
	}
	return t.read(strings.TrimSpace(h.Get(name)), faults)
}

func checkAuthorization(a map[string]string, lenient bool) *result {
	realm, hasRealm := a["realm"]
	profile, hasProfile := a["profile"]
	kind, hasType := a["type"]
	if !hasType && lenient {
		kind, hasType = a["dsl"]
	}
	switch {
	case !hasRealm:
		return &noRealm
	case !hasProfile:
		return &noProfile
	case !hasType:
		return &noType
	case realm != "SDP":
		return &wrongRealm
	case profile != "UsernameToken":
		return &wrongProfile
	case !strings.EqualFold(kind, "Appkey"):
		return &wrongType
	}
	return nil
}

func (t token) read(value string, faults map[headerFault]result) (token, *result) {
	if value == "" {
		return token{}, fault(faults, noHeader)
	}
	word, rest := firstWord(value)
	if !strings.EqualFold(word, "UsernameToken") {
		return token{}, fault(faults, noToken)
	}
	a := attributes(rest)
	for _, need := range []struct {
		name string
		to   *string
		miss headerFault
	}{
		{"username", &t.username, noUsername}, {"nonce", &t.nonce, noNonce}, {"created", &t.created, noCreated},
		{"passworddigest", &t.sum, noDigest},
	} {
		if *need.to = a[need.name]; *need.to == "" {
			return token{}, fault(faults, need.miss)
		}
	}
	at, err := time.Parse(createdLayout, t.created)
	if err != nil || len(t.created) != len(createdLayout) {
		return token{}, fault(faults, badCreated)
	}
	t.at = at
	return t, nil
}

func fault(faults map[headerFault]result, f headerFault) *result {
	r := faults[f]
	return &r
}

// firstWord cuts a header's first word from what follows it.
func firstWord(s string) (word, rest string) {
	if i := strings.IndexAny(s, " \t,"); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// attributes are a header's name="value" pairs by their names in lower case. Of a repeated name the first counts.
func attributes(s string) map[string]string {
	found := map[string]string{}
	for _, m := range attribute.FindAllStringSubmatch(s, -1) {
		name := strings.ToLower(m[1])
		if _, ok := found[name]; !ok {
			found[name] = m[2] + m[3]
		}
	}
	return found
}

// goodNonce says whether a nonce is 1 to 128 letters and digits (spec/privatenumber.md §1.1); - and _ come from clients that send a UUID
// or URL-safe Base64 as it is.
func goodNonce(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_'
	}) < 0
}
