package cdr

import "slices"

// inviteVars are what a routing reads of an INVITE, and how the leg was told apart when it was refused.
var inviteVars = [...]string{
	"sip_network_ip", "sip_received_ip", "sip_auth_username", "sip_authorized", "sip_req_user", "sip_to_user", "sip_from_user",
	"sip_P-Asserted-Identity", "sip_P-Preferred-Identity", "sip_Remote-Party-ID", refusedVar,
}

// refusedVar is set on a leg that a daemon refused at once, without looking it up; its value says why.
const refusedVar = "maskline_refused"

// Invite is what is left on an ended leg of the INVITE that made it, so that a call which no daemon took is still somebody's. It is zero on
// legs that we dialled. Numbers stand in it as they came: it prints as nothing.
type Invite [len(inviteVars)]string

// ReadInvite takes the Invite out of the variables of a leg.
func ReadInvite(variable func(string) string) (v Invite) {
	if variable("direction") != "inbound" {
		return Invite{}
	}
	for i, name := range inviteVars {
		v[i] = variable(name)
	}
	return v
}

// Var is the variable of this name, "" for one that is not kept.
func (v Invite) Var(name string) string {
	if i := slices.Index(inviteVars[:], name); i >= 0 {
		return v[i]
	}
	return ""
}

// Known says that the leg came in and that it is known from where.
func (v Invite) Known() bool { return v != Invite{} }

// Refused is why a daemon refused the leg at once; "" if none did.
func (v Invite) Refused() string { return v.Var(refusedVar) }

// String keeps numbers out of logs.
func (Invite) String() string { return "" }

// GoString keeps them out of %#v.
func (Invite) GoString() string { return "cdr.Invite{}" }

// merge takes what either has, so that the order does not matter.
func (v Invite) merge(o Invite) Invite {
	for i := range v {
		v[i] = max(v[i], o[i])
	}
	return v
}
