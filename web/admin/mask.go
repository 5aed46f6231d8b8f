package admin

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"maskline/models"
)

// auditMost bounds the JSON of one side of an audit line, bytes. What is longer is told by its size and hash.
const auditMost = 16 << 10

// numberKeys are fields that hold a number of the platform's, never a person's.
var numberKeys = []string{"x", "y", "numbers", "dialled", "shown"}

// ofPlatform says that a route is about private numbers, so that "number" is none of a person's.
func ofPlatform(path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, Prefix+"/"), "/")
	return first == "numbers" || first == "stock" || first == "orders"
}

// phones finds telephone numbers in a text, and amounts, which are left alone.
var phones = regexp.MustCompile(`\+?[0-9]{7,20}(\.[0-9]+)?`)

func maskPhones(text string) string {
	return phones.ReplaceAllStringFunc(text, func(found string) string {
		if strings.Contains(found, ".") {
			return found
		}
		return models.Mask(found)
	})
}

// masked is v as JSON without secrets and persons' numbers; "" for nil. With keep, the field number holds a private number.
func masked(v any, keep bool) string {
	if v == nil {
		return ""
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	var tree any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&tree) != nil {
		return ""
	}
	out, err := json.Marshal(maskTree("", tree, keep))
	if err != nil {
		return ""
	}
	if len(out) > auditMost {
		sum := sha256.Sum256(out)
		out, _ = json.Marshal(map[string]any{"bytes": len(out), "sha256": hex.EncodeToString(sum[:])})
	}
	return string(out)
}

func maskTree(key string, v any, keep bool) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = maskTree(k, v[k], keep)
		}
	case []any:
		for i := range v {
			v[i] = maskTree(key, v[i], keep)
		}
	case string:
		return maskField(strings.ToLower(key), v, keep)
	}
	return v
}

func maskField(key, v string, keep bool) string {
	switch {
	case v == "":
		return v
	case strings.Contains(key, "secret"), strings.Contains(key, "password"), strings.Contains(key, "token"):
		return "***"
	case strings.HasPrefix(v, "http://"), strings.HasPrefix(v, "https://"):
		return maskURL(v)
	case slices.Contains(numberKeys, key), key == "number" && keep:
		return v
	case key == "id", strings.HasSuffix(key, "_id"), strings.HasSuffix(key, "_at"), strings.HasSuffix(key, "key"), key == "sha256", key == "licence":
		return v
	}
	return maskPhones(v)
}

// maskURL keeps of a URL what says where it leads; keys stand in the rest.
func maskURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "***"
	}
	if u.RawQuery != "" {
		u.RawQuery = "***"
	}
	return u.Redacted()
}

// tell reads an answer for the audit line; nil when it is no JSON object.
func tell(answer []byte) map[string]any {
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(answer))
	d.UseNumber()
	if d.Decode(&m) != nil {
		return nil
	}
	return m
}

// plainText is a string or a number of a document.
func plainText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// whole is a whole number of a document; 0 for anything else.
func whole(v any) int64 {
	n, ok := v.(json.Number)
	if !ok {
		return 0
	}
	i, err := n.Int64()
	if err != nil {
		return 0
	}
	return i
}
