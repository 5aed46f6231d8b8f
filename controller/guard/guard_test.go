package guard

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/esl"
)

const (
	ann   = "+8613800000001"
	ben   = "+8613900000002"
	eve   = "+8613700000003"
	xLine = "+8617000000009"
)

var numbers = Numbers{Caller: ann, Callee: ben, A: ann, B: ben, Dialled: xLine, Show: xLine, Recording: "26112014073312345678901.wav"}

// dialOf is a dial string as flow makes it.
func dialOf(to string) esl.Dial {
	return esl.Dial{
		Vars: []esl.Var{{Name: "maskline_role", Value: "b"}, {Name: "maskline_call", Value: "3e7b9a53-8b0e-4c7e-9d41-7d5c0f6a2b18"}, {Name: "presence_data", Value: "maskline:3e7b9a53-8b0e-4c7e-9d41-7d5c0f6a2b18"},
			{Name: "maskline_host", Value: "fs1.example.net"}, {Name: "origination_caller_id_number", Value: xLine}, {Name: "origination_caller_id_name", Value: xLine},
			{Name: "sip_copy_custom_headers", Value: "false"}, {Name: "sip_copy_multipart", Value: "false"}, {Name: "ignore_display_updates", Value: "true"},
			{Name: "disable_q850_reason", Value: "true"}, {Name: "outbound_redirect_fatal", Value: "true"}, {Name: "hangup_after_bridge", Value: "true"},
			{Name: "media_timeout", Value: "300000"}, {Name: "media_hold_timeout", Value: "1800000"},
			{Name: "fail_on_single_reject", Value: "USER_BUSY,NO_ANSWER,NO_USER_RESPONSE,CALL_REJECTED,UNALLOCATED_NUMBER,NUMBER_CHANGED,SUBSCRIBER_ABSENT,DESTINATION_OUT_OF_ORDER,INVALID_NUMBER_FORMAT,ALLOTTED_TIMEOUT,INCOMING_CALL_BARRED,ORIGINATOR_CANCEL"},
			{Name: "originate_timeout", Value: "126"}, {Name: "ignore_early_media", Value: "false"}, {Name: "bridge_answer_timeout", Value: "90"},
			{Name: "RECORD_STEREO", Value: "true"}, {Name: "RECORD_STEREO_SWAP", Value: "true"},
			{Name: "execute_on_answer_1", Value: "record_session /var/lib/maskline/recordings/20261120/26112014073312345678901.wav"},
			{Name: "execute_on_answer_2", Value: "displace_session /var/lib/maskline/prompts/zh/record_hint.wav rw"},
			{Name: "execute_on_answer_3", Value: "sched_hangup +3600 ALLOTTED_TIMEOUT"},
			{Name: "execute_on_answer_4", Value: "sched_broadcast +3540 playback::/var/lib/maskline/prompts/zh/last_minute.wav both"}},
		Endpoints: []esl.Endpoint{
			{Leg: "1c1b7f0a-32f9-4d7e-8a55-1f2a3b4c5d6e", Gateway: "carrier-a", Number: to, Timeout: 90 * time.Second,
				Vars: []esl.Var{{Name: "maskline_trunk", Value: "carrier-a"}, {Name: "sip_cid_type", Value: "none"}, {Name: "origination_privacy", Value: "screen"}, {Name: "sip_cid_suppress_privacy_none", Value: "true"}}},
			{Leg: "9b2e6d3c-77aa-4f0b-b1c2-d3e4f5a6b7c8", Gateway: "carrier-b", Number: "0086" + strings.TrimPrefix(to, "+86"), Timeout: 90 * time.Second,
				Vars: []esl.Var{{Name: "maskline_trunk", Value: "carrier-b"}, {Name: "sip_cid_type", Value: "pid"}, {Name: "origination_privacy", Value: "screen"}, {Name: "sip_cid_suppress_privacy_none", Value: "true"}}},
		},
	}
}

func TestWhatADialStringMayHold(t *testing.T) {
	token := base64.RawURLEncoding.EncodeToString([]byte(`{"orig":{"tn":"8613800000001"}}`))
	for _, c := range []struct {
		name    string
		numbers func(*Numbers)
		change  func(*esl.Dial)
		where   string
	}{
		{name: "as it should be"},
		{name: "the caller as the name that is shown", where: InDial, change: func(d *esl.Dial) { d.Vars[5].Value = ann }},
		{name: "the caller in a variable of one trunk", where: InDial, change: func(d *esl.Dial) {
			d.Endpoints[1].Vars = append(d.Endpoints[1].Vars, esl.Var{Name: "sip_h_P-Charge-Info", Value: "<sip:13800000001@x>"})
		}},
		{name: "in the name of a variable", where: InDial, change: func(d *esl.Dial) { d.Vars[5].Name = "sip_h_X-13800000001" }},
		{name: "in a token", where: InDial, change: func(d *esl.Dial) { d.Vars = append(d.Vars, esl.Var{Name: "sip_h_Identity", Value: token}) }},
		{name: "in the name of the recording", where: InDial, change: func(d *esl.Dial) { d.Vars[20].Value = "record_session /r/20261120/26112014073313800000001.wav" }},
		{name: "the callee, whom a connected-line update could show to the caller", where: InDial, change: func(d *esl.Dial) {
			d.Vars = append(d.Vars, esl.Var{Name: "origination_callee_id_number", Value: ben})
		}},
		{name: "who else is bound", numbers: func(n *Numbers) { n.B = eve }, where: InDial, change: func(d *esl.Dial) { d.Vars[3].Value = "137-0000-0003" }},
		{name: "whom the caller reached before", numbers: func(n *Numbers) { n.Temp = eve }, where: InDial, change: func(d *esl.Dial) { d.Vars[3].Value = "13700000003" }},
		{name: "somebody else is called", where: InNumber, change: func(d *esl.Dial) { d.Endpoints[1].Number = eve }},
		{name: "the caller himself is called", where: InNumber, change: func(d *esl.Dial) { d.Endpoints[0].Number = "13800000001" }},
		{name: "the caller in front of the callee", where: InNumber, change: func(d *esl.Dial) { d.Endpoints[0].Number = "1380000000113900000002" }},
		{name: "nobody is called", where: InNumber, change: func(d *esl.Dial) { d.Endpoints[0].Number = "" }},
		{name: "the callee at home", change: func(d *esl.Dial) { d.Endpoints[0].Number = "13900000002" }},
		{name: "the plan shows the caller", numbers: func(n *Numbers) { n.Show, n.CallerShown = ann, true }, change: func(d *esl.Dial) { d.Vars[4].Value, d.Vars[5].Value = ann, ann }},
		{name: "the plan shows the caller by mistake", numbers: func(n *Numbers) { n.Show = ann }, where: InDial, change: func(d *esl.Dial) { d.Vars[4].Value = ann }},
		{name: "a hidden caller", numbers: func(n *Numbers) { n.Caller = "anonymous" }},
	} {
		n, d := numbers, dialOf(ben)
		if c.numbers != nil {
			c.numbers(&n)
		}
		if c.change != nil {
			c.change(&d)
		}
		err := NewWatch(n).Dial(d, n.Callee)
		f, found := errors.AsType[*Finding](err)
		switch {
		case found != (c.where != "") || errors.Is(err, ErrLeak) != found:
			t.Errorf("%s: %v", c.name, err)
		case found && f.Where != c.where:
			t.Errorf("%s: found in %s", c.name, f.Where)
		case found && (NewSecret(ann, "86").Within(err.Error()) != "" || NewSecret(eve, "86").Within(err.Error()) != ""):
			t.Errorf("%s: the error holds the number", c.name)
		}
	}
}

func TestPlacedCall(t *testing.T) {
	n := Numbers{Caller: ann, Callee: ben, Dialled: xLine, Show: "+862080000001"}
	second := dialOf(ben)
	then := []esl.App{{Name: "playback", Arg: "/p/a.wav"}, esl.BridgeApp(second), {Name: "park"}}
	w := NewWatch(n)
	if err := w.Place(dialOf(ann), then); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"leg 1 calls the second party": w.Place(dialOf(ben), then),
		"leg 2 calls the first party":  w.Place(dialOf(ann), []esl.App{esl.BridgeApp(dialOf(ann))}),
		"a sound named by a number":    w.Place(dialOf(ann), []esl.App{{Name: "playback", Arg: "/p/13900000002.wav"}}),
	} {
		if !errors.Is(err, ErrLeak) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// leg keeps what reached the switch.
type leg struct {
	esl.Call
	got []string
}

func (l *leg) Set(_ context.Context, _ string, vars ...esl.Var) error {
	l.got = append(l.got, "set "+vars[0].Value)
	return nil
}

func (l *leg) Execute(_ context.Context, _, app, arg string) (string, error) {
	l.got = append(l.got, app+" "+arg)
	return "token", nil
}

func (l *leg) Bridge(context.Context, string, esl.Dial) (string, error) {
	l.got = append(l.got, "bridge")
	return "token", nil
}

func TestNothingThatIsFoundIsSent(t *testing.T) {
	ctx, under, found := t.Context(), &leg{}, 0
	c := &Call{Call: under, Watch: func() *Watch { return NewWatch(numbers) }, Found: func(*Finding) { found++ }}
	_, played := c.Execute(ctx, "a", "playback", "/tenant/"+ben[1:]+".wav")
	_, bridged := c.Bridge(ctx, "a", dialOf(eve))
	for _, err := range []error{played, bridged, c.Set(ctx, "a", esl.Var{Name: "effective_caller_id_name", Value: ann})} {
		if !errors.Is(err, ErrLeak) {
			t.Errorf("sent: %v", err)
		}
	}
	if found != 3 || len(under.got) != 0 {
		t.Errorf("%d findings; sent %q", found, under.got)
	}
	if err := c.Set(ctx, "a", esl.Var{Name: "maskline_owner", Value: "d1"}); err != nil {
		t.Error(err)
	}
	if _, err := c.Execute(ctx, "a", "playback", "/p/busy.wav"); err != nil {
		t.Error(err)
	}
	if token, err := c.Bridge(ctx, "a", dialOf(ben)); err != nil || token != "token" {
		t.Error(err)
	}
	if want := []string{"set d1", "playback /p/busy.wav", "bridge"}; !slices.Equal(under.got, want) || found != 3 {
		t.Errorf("sent %q, %d findings", under.got, found)
	}
}

// A call's whole cost: to prepare the search, and to look through the longest dial string and four commands.
func BenchmarkCall(b *testing.B) {
	d := dialOf(ben)
	b.ReportAllocs()
	for b.Loop() {
		w := NewWatch(numbers)
		err := errors.Join(w.Dial(d, ben), w.Vars(esl.Var{Name: "maskline_owner", Value: "daemon-1"}, esl.Var{Name: "continue_on_fail", Value: "true"}),
			w.App("ring_ready", ""), w.App("playback", "/var/lib/maskline/prompts/zh/busy.wav"))
		if err != nil {
			b.Fatal(err)
		}
	}
}
