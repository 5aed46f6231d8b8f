package flow

import (
	"net/netip"
	"strings"

	"maskline/esl"
	"maskline/models"
)

// arrival is what an INVITE says once its trunk's rules have been applied.
type arrival struct {
	trunk   string // "" when it comes from none of ours
	dialled string // global form; "" when it cannot be read
	caller  models.Party
}

// read says who calls whom. The dialplan has refused strangers already; a switch whose list is wider than ours is caught here.
func (t *trunks) read(parked esl.Event) (arrival, bool) { return t.readFrom(parked.Var) }

// readFrom is read for the variables of a leg, from wherever they are known.
func (t *trunks) readFrom(variable func(string) string) (arrival, bool) {
	trunk, ok := t.from(variable)
	if !ok {
		return arrival{}, false
	}
	a := arrival{trunk: trunk.Name, caller: models.Hidden}
	if g, err := t.numbering.Global(userOf(dialledField(trunk, variable))); err == nil {
		a.dialled = g
	}
	if trunk.TrustCaller && !wantsPrivacy(variable, trunk) {
		if p, err := t.numbering.Party(userOf(callerField(trunk, variable))); err == nil {
			a.caller = p
		}
	}
	return a, true
}

func (t *trunks) from(variable func(string) string) (models.Trunk, bool) {
	source := variable("sip_network_ip")
	if source == "" {
		source = variable("sip_received_ip")
	}
	addr, err := netip.ParseAddr(source)
	registered := variable("sip_auth_username")
	authorized := variable("sip_authorized") == "true"
	for _, trunk := range t.all {
		if authorized && registered != "" && trunk.Registers == registered {
			return trunk, true
		}
		if err != nil {
			continue
		}
		for _, p := range trunk.Addresses {
			if p.Contains(addr.Unmap()) {
				return trunk, true
			}
		}
	}
	return models.Trunk{}, false
}

func dialledField(trunk models.Trunk, variable func(string) string) string {
	if trunk.DialledIn == models.FieldTo {
		return variable("sip_to_user")
	}
	return variable("sip_req_user")
}

func callerField(trunk models.Trunk, variable func(string) string) string {
	switch trunk.CallerIn {
	case models.FieldPAI:
		return variable("sip_P-Asserted-Identity")
	case models.FieldPPI:
		return variable("sip_P-Preferred-Identity")
	case models.FieldRPID:
		return variable("sip_Remote-Party-ID")
	default:
		return variable("sip_from_user")
	}
}

// wantsPrivacy says that the caller asked not to be known. A trunk that vouches for him in PAI still tells us who he is: then he is
// hidden from the callee, as everybody is, and known to the routing (RFC 3325).
func wantsPrivacy(variable func(string) string, trunk models.Trunk) bool {
	if trunk.CallerIn == models.FieldPAI || trunk.CallerIn == models.FieldRPID {
		return false
	}
	from := strings.ToLower(variable("sip_from_user"))
	return from == "" || from == "anonymous" || from == "restricted" || from == "unavailable"
}

// userOf takes the user part of what may be a bare user, a sip: or tel: URI, or a name-addr; parameters and a password fall away.
func userOf(field string) string {
	if i := strings.IndexByte(field, '<'); i >= 0 {
		field = field[i+1:]
		if j := strings.IndexByte(field, '>'); j >= 0 {
			field = field[:j]
		}
	}
	for _, scheme := range []string{"sip:", "sips:", "tel:"} {
		if len(field) > len(scheme) && strings.EqualFold(field[:len(scheme)], scheme) {
			field = field[len(scheme):]
			break
		}
	}
	if i := strings.IndexAny(field, "@;:?"); i >= 0 {
		field = field[:i]
	}
	return strings.ReplaceAll(strings.TrimSpace(field), "%2B", "+")
}
