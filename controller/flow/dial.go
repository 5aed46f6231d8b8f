package flow

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"maskline/controller/guard"
	"maskline/esl"
	"maskline/models"
)

// order is all that the switch is told before the dial: from then on it needs nobody. What each variable does, and the packets that
// showed it, stand in conf/freeswitch/README.md, "What the daemon sets on each leg".
type order struct {
	caller []esl.Var // on the caller's leg
	ring   bool      // the caller hears his own network's ring (180); else the variable ringback is played to him
	dial   esl.Dial
}

// ringsIn is how long a trunk that is not the last may take until the callee's side shows a sign, before the next one is tried.
const ringsIn = 12 * time.Second

// calleeFaults end the dialling: the callee, not the trunk, refused, and another trunk would ring him again.
var calleeFaults = []esl.Cause{esl.UserBusy, esl.NoAnswer, esl.NoUserResponse, esl.CallRejected, esl.UnallocatedNumber, esl.NumberChanged, esl.SubscriberAbsent,
	esl.DestinationOutOfOrder, esl.InvalidNumberFormat, esl.AllottedTimeout, esl.IncomingCallBarred, esl.OriginatorCancel}

// keptApart keeps what one party sends from the other: headers, bodies, names, reasons. The hand-off dialplan sets it on the caller's leg; it is set
// once more before the dial, since a dialplan that lacks it would show the callee every header of the caller's INVITE.
var keptApart = []esl.Var{{Name: "sip_copy_custom_headers", Value: "false"}, {Name: "sip_copy_multipart", Value: "false"}, {Name: "ignore_display_updates", Value: "true"},
	{Name: "disable_q850_reason", Value: "true"}}

func (k *call) order(c models.Connect, picked []models.Trunk) (order, error) {
	if err := k.guard(c); err != nil {
		return order{}, err
	}
	tone, err := k.preVoice(c.PreVoice)
	if err != nil {
		return order{}, err
	}
	if tone == "" && k.heard {
		tone = k.e.Ringback
	}
	o := order{ring: tone == "", caller: append([]esl.Var{{Name: "maskline_owner", Value: k.e.Owner}, {Name: "continue_on_fail", Value: "true"}}, keptApart...)}
	if !o.ring {
		// A caller who was answered before hears transfer_ringback instead.
		o.caller = append(o.caller, esl.Var{Name: "ringback", Value: tone}, esl.Var{Name: "transfer_ringback", Value: tone})
		o.dial.Vars = append(o.dial.Vars, esl.Var{Name: "instant_ringback", Value: "true"})
	}
	onAnswer, err := k.atAnswer(c)
	if err != nil {
		return order{}, err
	}
	o.dial.Vars = slices.Concat(o.dial.Vars, k.calleeVars(c), onAnswer)
	for i, t := range picked {
		o.dial.Endpoints = append(o.dial.Endpoints, k.endpoint(c, t, i == len(picked)-1))
	}
	return o, nil
}

// guard refuses to dial what would show a party the other's number (DESIGN §6.4) or call him back.
func (k *call) guard(c models.Connect) error {
	caller := k.s.Caller.Reveal()
	switch {
	case k.s.Caller.Known() && c.Show == caller && !c.ShowsCaller:
		f := &guard.Finding{Where: guard.InDial, Name: "origination_caller_id_number", How: guard.Plain}
		k.alarm(f)
		return f
	case c.Show == c.To:
		return errors.New("the callee would see his own number as the caller")
	case c.To == caller:
		return errors.New("the caller would reach himself")
	}
	return nil
}

// preVoice is what the caller hears from the first moment until the callee's side is heard: the tenant's tone once, then our ring-back. It
// is "" when there is none, or none that can be played: then he is sent 180 and his own network rings.
func (k *call) preVoice(name string) (string, error) {
	path, ok := k.find(name)
	if !ok {
		return "", nil
	}
	if strings.ContainsAny(path, "!;|,'\\$ ") {
		return "", fmt.Errorf("path of prompt %s holds a character that the switch would read as its own", name)
	}
	return "file_string://" + path + "!" + k.e.Ringback, nil
}

// legVars are the variables of every leg that we dial: role is a or b, show is what its party sees. Nothing of another leg comes along.
func (k *call) legVars(role, show string, answerIn time.Duration) []esl.Var {
	names := make([]string, len(calleeFaults))
	for i, cause := range calleeFaults {
		names[i] = string(cause)
	}
	return slices.Concat(keptApart, []esl.Var{
		{Name: "maskline_role", Value: role}, {Name: "maskline_call", Value: k.s.LegA}, {Name: "presence_data", Value: "maskline:" + k.s.LegA},
		{Name: "maskline_host", Value: k.s.Host},
		{Name: "origination_caller_id_number", Value: show}, {Name: "origination_caller_id_name", Value: show},
		{Name: "sip_copy_custom_headers", Value: "false"}, {Name: "sip_copy_multipart", Value: "false"},
		{Name: "ignore_display_updates", Value: "true"}, {Name: "disable_q850_reason", Value: "true"}, {Name: "outbound_redirect_fatal", Value: "true"},
		{Name: "hangup_after_bridge", Value: "true"},
		{Name: "media_timeout", Value: "300000"}, {Name: "media_hold_timeout", Value: "1800000"},
		{Name: "fail_on_single_reject", Value: strings.Join(names, ",")},
		// The switch's own bound on the whole dialling is 60 s; each leg has its own (leg_timeout, leg_progress_timeout).
		{Name: "originate_timeout", Value: strconv.Itoa(int((answerIn + tryAtMost*ringsIn) / time.Second))},
	})
}

// calleeVars are the variables of every leg to the callee: what he sees is X.
func (k *call) calleeVars(c models.Connect) []esl.Var {
	early := "false"
	if c.Media == models.MediaNone || c.Media == models.MediaFail {
		early = "true"
	}
	return append(k.legVars("b", c.Show, c.AnswerIn),
		esl.Var{Name: "ignore_early_media", Value: early},
		// Once the callee's network sends early media the bridge stands and leg_timeout counts no longer: this bounds the ringing then, from that
		// moment on.
		esl.Var{Name: "bridge_answer_timeout", Value: strconv.Itoa(int(c.AnswerIn / time.Second))})
}

// atAnswer is what the switch does by itself when the callee answers, in this order.
func (k *call) atAnswer(c models.Connect) ([]esl.Var, error) {
	var vars []esl.Var
	add := func(app, arg string) {
		vars = append(vars, esl.Var{Name: "execute_on_answer_" + strconv.Itoa(len(vars)+1), Value: app + " " + arg})
	}
	var record []esl.Var
	if c.Record {
		path, err := k.e.Recordings.Path(k.s.RecordAs)
		if err != nil {
			return nil, fmt.Errorf("place of the recording: %w", err)
		}
		record = []esl.Var{{Name: "RECORD_STEREO", Value: "true"}, {Name: "RECORD_STEREO_SWAP", Value: "true"}}
		add("record_session", path)
		if path, ok := k.find(c.RecordTone); ok {
			add("displace_session", path+" rw")
		}
	}
	if seconds := int64(c.MaxTalk / time.Second); seconds > 0 {
		add("sched_hangup", fmt.Sprintf("+%d %s", seconds, esl.AllottedTimeout))
		if path, ok := k.find(c.LastMinute); ok && seconds > 60 {
			add("sched_broadcast", fmt.Sprintf("+%d playback::%s %s", seconds-60, path, hears(c.LastMinuteTo)))
		}
	}
	return append(record, vars...), nil
}

// hears says on which side of leg 2 a broadcast is heard: its own party is B.
func hears(side models.Side) string {
	switch side {
	case models.SideA:
		return "bleg"
	case models.SideB:
		return "aleg"
	default:
		return "both"
	}
}

// find is a prompt's path; a name that is set and cannot be found is counted and left out.
func (k *call) find(name string) (string, bool) {
	if name == "" {
		return "", false
	}
	path, ok := k.e.Prompts.Find(k.spID, name)
	if !ok {
		k.e.Observe.PromptMissing()
		k.log.Warn("prompt does not exist or cannot be played", "prompt", name)
	}
	return path, ok
}

// endpoint is one trunk's way to the callee.
func (k *call) endpoint(c models.Connect, t models.Trunk, last bool) esl.Endpoint {
	e := esl.Endpoint{Leg: models.NewID(), Gateway: t.Name, Number: t.Written(c.To, k.e.Numbering), Timeout: c.AnswerIn,
		Vars: []esl.Var{{Name: "maskline_trunk", Value: t.Name}}}
	if !last {
		e.Vars = append(e.Vars, esl.Var{Name: "leg_progress_timeout", Value: strconv.Itoa(int(ringsIn / time.Second))})
	}
	// The number as this trunk wants to see it; the leg's own variable wins over the one for all.
	if shown := t.Written(c.Show, k.e.Numbering); shown != c.Show {
		e.Vars = append(e.Vars, esl.Var{Name: "origination_caller_id_number", Value: shown}, esl.Var{Name: "origination_caller_id_name", Value: shown})
	}
	if t.FromDomain != "" {
		e.Vars = append(e.Vars, esl.Var{Name: "sip_invite_domain", Value: t.FromDomain})
	}
	e.Vars = append(e.Vars, identity(t)...)
	return e
}

// identity says which header beside From shows X to the carrier. The privacy flags are always set: a hidden caller's would come along.
func identity(t models.Trunk) []esl.Var {
	kind, privacy := "none", "screen"
	for _, f := range t.ShowIn {
		switch f {
		case models.FieldPAI:
			kind, privacy = "pid", "screen"
		case models.FieldPPI:
			kind, privacy = "pid", "none"
		case models.FieldRPID:
			kind, privacy = "rpid", "screen"
		}
	}
	return []esl.Var{{Name: "sip_cid_type", Value: kind}, {Name: "origination_privacy", Value: privacy}, {Name: "sip_cid_suppress_privacy_none", Value: "true"}}
}
