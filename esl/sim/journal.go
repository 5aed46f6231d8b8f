package sim

import (
	"time"

	"maskline/esl"
)

// Entry is one line of the switch's own record of its legs: Options.Journal is told when a leg begins, is answered and ends.
type Entry struct {
	What    string    `json:"what"` // begin, answer, end
	At      time.Time `json:"at"`
	Leg     string    `json:"leg"`
	Call    string    `json:"call"` // the leg that the call is named after: the caller's, or leg 1 of a placed call
	Role    string    `json:"role,omitempty"`
	Inbound bool      `json:"inbound,omitempty"`
	From    string    `json:"from,omitempty"` // what the leg shows as its caller
	To      string    `json:"to,omitempty"`   // what it dials
	Cause   esl.Cause `json:"cause,omitempty"`
	By      string    `json:"by,omitempty"` // sip_hangup_disposition of its end
	Owner   string    `json:"owner,omitempty"`
}

// journal tells Options.Journal of a leg; s.mu is held. A stranger's leg is none.
func (c *channel) journal(what string, at time.Time) {
	if c.sw.opt.Journal == nil || c.stranger || c.lost {
		return
	}
	e := Entry{What: what, At: at, Leg: c.uuid, Call: orElse(c.vars.get("maskline_call"), c.uuid), Role: c.vars.get("maskline_role"),
		Inbound: c.inbound, From: c.cidNumber, To: c.dest, Owner: c.vars.get("maskline_owner")}
	if what == "end" {
		e.Cause, e.By = c.cause, c.disposition
	}
	c.sw.opt.Journal(e)
}
