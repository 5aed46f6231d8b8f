package models

import (
	"net/netip"
	"regexp"
	"slices"
	"time"
)

// HeaderField names where an INVITE holds a number.
type HeaderField string

// The fields.
const (
	FieldFrom       HeaderField = "from"
	FieldPAI        HeaderField = "p-asserted-identity"
	FieldPPI        HeaderField = "p-preferred-identity"
	FieldRPID       HeaderField = "remote-party-id"
	FieldRequestURI HeaderField = "request-uri"
	FieldTo         HeaderField = "to"
)

// NumberForm is how a trunk wants numbers written.
type NumberForm string

// The forms.
const (
	FormGlobal   NumberForm = "global"   // +86138…
	FormE164     NumberForm = "e164"     // 86138…
	FormNational NumberForm = "national" // 138… and 0755…
)

// Trunk is a way in from and out to a carrier. An inbound call is accepted from a trunk only: by address, or as a registered user.
type Trunk struct {
	Name string // letters, digits, - and _; the gateway's name on the switch
	// Inbound.
	Addresses   []netip.Prefix // where its INVITEs come from
	Registers   string         // user name under which the carrier's equipment registers with us; "" is none
	RegisterKey string         // its password
	CallerIn    HeaderField    // which field holds the caller; "" is From
	DialledIn   HeaderField    // which field holds the dialled number; "" is the Request-URI
	// TrustCaller says that the carrier vouches for the caller's number. Without it every caller of the trunk counts as hidden, so that a
	// spoofed A reaches nobody.
	TrustCaller bool
	// Outbound.
	Proxy    string // host or host:port, optionally ;transport=tcp; "" takes no outbound calls
	User     string // digest user; "" is none
	Password string
	Register bool          // whether we register with the carrier
	Ping     time.Duration // OPTIONS interval; 0 is none
	// ShowIn lists the fields that carry X outward beside From, which always does.
	ShowIn     []HeaderField
	FromDomain string // host of From and PAI; "" is the switch's address
	DialForm   NumberForm
	Codecs     []string // PCMA, PCMU, …; empty is the switch's own order
	External   string   // our address as the carrier sees it; "" is the switch's own
	Channels   int      // calls at once outward; 0 is unlimited
	Rate       float64  // new calls a second that we place on it; 0 is no bound
	Order      int      // lower is tried first
}

var trunkName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$`)

// Validate checks a trunk as it stands in the configuration.
func (t Trunk) Validate() error {
	known := []HeaderField{"", FieldFrom, FieldPAI, FieldPPI, FieldRPID}
	switch {
	case !trunkName.MatchString(t.Name):
		return Fail(Invalid, "name", "a trunk's name has 1 to 32 letters, digits, - and _")
	case len(t.Addresses) == 0 && t.Registers == "" && t.Proxy == "":
		return Fail(Invalid, "addresses", "trunk %s has neither addresses, nor a registering user, nor a proxy: it could carry no call", t.Name)
	case t.Registers != "" && t.RegisterKey == "":
		return Fail(Invalid, "register_key", "trunk %s lets %s register without a password", t.Name, t.Registers)
	case !slices.Contains(known, t.CallerIn):
		return Fail(Invalid, "caller_in", "caller_in of trunk %s is from, p-asserted-identity, p-preferred-identity or remote-party-id", t.Name)
	case !slices.Contains([]HeaderField{"", FieldRequestURI, FieldTo}, t.DialledIn):
		return Fail(Invalid, "dialled_in", "dialled_in of trunk %s is request-uri or to", t.Name)
	case !slices.Contains([]NumberForm{"", FormGlobal, FormE164, FormNational}, t.DialForm):
		return Fail(Invalid, "dial_form", "dial_form of trunk %s is global, e164 or national", t.Name)
	case t.Channels < 0:
		return Fail(Invalid, "channels", "channels of trunk %s is 0 for unlimited, or more", t.Name)
	case t.Rate < 0 || t.Rate > 10_000:
		return Fail(Invalid, "rate", "rate of trunk %s is up to 10000 new calls a second, or 0 for no bound", t.Name)
	}
	for _, f := range t.ShowIn {
		if !slices.Contains(known[1:], f) {
			return Fail(Invalid, "show_in", "show_in of trunk %s holds %q; it may hold from, p-asserted-identity, p-preferred-identity, remote-party-id", t.Name, f)
		}
	}
	return nil
}

// Written is a global number in the form that the trunk dials.
func (t Trunk) Written(global string, n Numbering) string {
	switch t.DialForm {
	case FormE164:
		return global[1:]
	case FormNational:
		return n.NationalForm(global)
	default:
		return global
	}
}
