package cdr

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"maskline/esl"
	"maskline/models"
)

var t0 = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

func at(sec float64) time.Time { return t0.Add(time.Duration(sec * float64(time.Second))) }

func session(plan models.Plan) models.Session {
	s := models.Session{ID: "aaaa@sw1", LegA: "aaaa", Switch: "sw1", Host: "sw1", TenantID: 1, AppID: 2, BindingID: "b", Mode: models.ModeAXB, Dialled: "+8617000000009",
		Caller: models.MustParty("+8613800000001"), Plan: plan, StartedAt: t0, UserData: "u"}
	if plan.Connect != nil {
		s.Callee, s.Trunk = models.MustParty(plan.Connect.To), "t1"
	}
	return s
}

var connect = models.Plan{Direction: 1, Connect: &models.Connect{To: "+8613900000002", Show: "+8617000000009", AnswerIn: 90 * time.Second}}

// The outcomes of spec/privatenumber.md §9.5 and §9.2, each from the legs as the switch reports them.
func TestOutcome(t *testing.T) {
	refused := models.Plan{Refuse: &models.Refuse{State: models.NoBinding, Q850: 21}}
	for _, c := range []struct {
		name    string
		plan    models.Plan
		a       Leg
		bs      []Leg
		stopped bool
		want    Outcome
	}{
		{"callee hangs up", connect, Leg{HungUp: at(30), Cause: esl.NormalClearing, Disposition: "send_bye"},
			[]Leg{{ID: "b1", Created: at(1), Progress: at(2), Answered: at(5), HungUp: at(30), Cause: esl.NormalClearing, Q850: 16, Disposition: "recv_bye"}}, false, Outcome{State: models.Hungup, HungUpBy: 2}},
		{"caller hangs up", connect, Leg{HungUp: at(30), Cause: esl.NormalClearing, Disposition: "recv_bye"},
			[]Leg{{ID: "b1", Created: at(1), Answered: at(5), HungUp: at(30), Cause: esl.NormalClearing, Q850: 16, Disposition: "send_bye"}}, false, Outcome{State: models.Hungup, HungUpBy: 1}},
		{"maximum duration", connect, Leg{HungUp: at(65), Cause: esl.AllottedTimeout, Disposition: "send_bye"},
			[]Leg{{ID: "b1", Created: at(1), Answered: at(5), HungUp: at(65), Cause: esl.AllottedTimeout, Disposition: "send_bye"}}, false, Outcome{State: models.DurationReached}},
		{"stopped while talking", connect, Leg{HungUp: at(30), Disposition: "send_bye"},
			[]Leg{{ID: "b1", Created: at(1), Answered: at(5), HungUp: at(30), Cause: esl.ManagerRequest, Disposition: "send_bye"}}, true, Outcome{State: models.StoppedByCustomer}},
		{"stopped while ringing", connect, Leg{HungUp: at(8)}, []Leg{{ID: "b1", Created: at(1), Progress: at(2), HungUp: at(8), Cause: esl.OriginatorCancel}}, true, Outcome{State: models.StoppedByCustomer, Q850: 16}},
		{"caller leaves before the ring", connect, Leg{HungUp: at(1.5), Cause: esl.OriginatorCancel, Disposition: "recv_cancel"},
			[]Leg{{ID: "b1", Created: at(1), HungUp: at(1.5), Cause: esl.OriginatorCancel, Q850: 16}}, false, Outcome{State: models.CallerLeftEarly, Q850: 16, SIPStatus: 487, HungUpBy: 1}},
		{"caller leaves while it rings", connect, Leg{HungUp: at(9), Cause: esl.OriginatorCancel, Disposition: "recv_cancel"},
			[]Leg{{ID: "b1", Created: at(1), Progress: at(2), HungUp: at(9), Cause: esl.OriginatorCancel}}, false, Outcome{State: models.CallerLeft, Q850: 16, SIPStatus: 487, HungUpBy: 1}},
		{"caller leaves while it rings; the callee's end is told first", connect, Leg{}, []Leg{{ID: "b1", Created: at(1), Progress: at(2), HungUp: at(9), Cause: esl.OriginatorCancel, Q850: 16, SIPStatus: 487, Disposition: "send_cancel"}}, false, Outcome{State: models.CallerLeft, Q850: 16, SIPStatus: 487, HungUpBy: 1}},
		{"487 from the callee by himself", connect, Leg{HungUp: at(20)}, []Leg{{ID: "b1", Created: at(1), Progress: at(2), HungUp: at(9), Cause: esl.OriginatorCancel, Q850: 16, SIPStatus: 487, Disposition: "recv_refuse"}}, false, Outcome{State: models.CalleeNetwork, Q850: 16, SIPStatus: 487}},
		{"caller leaves before the transfer", connect, Leg{HungUp: at(0.5), Cause: esl.OriginatorCancel, Disposition: "recv_cancel"}, nil, false, Outcome{State: models.CallerLeftBefore, HungUpBy: 1}},
		{"busy, and the caller leaves during the announcement", connect, Leg{HungUp: at(18), Cause: esl.OriginatorCancel, Disposition: "recv_cancel"},
			[]Leg{{ID: "b1", Created: at(1), Progress: at(2), HungUp: at(16), Cause: esl.UserBusy, Q850: 17, SIPStatus: 486}}, false, Outcome{State: models.CalleeBusy, Q850: 17, SIPStatus: 486}},
		{"nobody dialled", connect, Leg{HungUp: at(1), Cause: esl.NormalTemporaryFailure}, nil, false, Outcome{State: models.RoutingFailed}},
		{"refused", refused, Leg{HungUp: at(4), Cause: esl.CallRejected}, nil, false, Outcome{State: models.NoBinding}},
		{"refused, caller leaves during the prompt", refused, Leg{HungUp: at(2), Cause: esl.OriginatorCancel, Disposition: "recv_cancel"}, nil, false, Outcome{State: models.NoBinding}},
		{"our 90 s", connect, Leg{HungUp: at(95)}, []Leg{{ID: "b1", Created: at(1), Progress: at(2), HungUp: at(91), Cause: esl.NoAnswer, Q850: 19, Disposition: "send_cancel"}}, false, Outcome{State: models.AnswerTimeout, Q850: 19}},
		{"our 90 s, as leg_timeout ends it", connect, Leg{HungUp: at(95)}, []Leg{{ID: "b1", Created: at(1), Progress: at(2), HungUp: at(91), Cause: esl.AllottedTimeout, Q850: 16, SIPStatus: 487, Disposition: "send_cancel"}}, false, Outcome{State: models.AnswerTimeout, Q850: 19, SIPStatus: 487}},
		{"a redirect that was refused", connect, Leg{HungUp: at(5)}, []Leg{{ID: "b1", Created: at(1), HungUp: at(2), Cause: esl.RequestedChanUnavailable, Q850: 44, SIPStatus: 302}}, false, Outcome{State: models.CalleeNetwork, Q850: 44, SIPStatus: 302}},
		{"the carrier's no answer", connect, Leg{HungUp: at(65)}, []Leg{{ID: "b1", Created: at(1), Progress: at(2), HungUp: at(61), Cause: esl.NoAnswer, Q850: 19, SIPStatus: 480}}, false, Outcome{State: models.CalleeNoAnswer, Q850: 19, SIPStatus: 480}},
		{"404", connect, Leg{HungUp: at(5)}, []Leg{{ID: "b1", Created: at(1), HungUp: at(2), Cause: esl.UnallocatedNumber, Q850: 1, SIPStatus: 404}}, false, Outcome{State: models.CalleeNotExist, Q850: 1, SIPStatus: 404}},
		{"480", connect, Leg{HungUp: at(5)}, []Leg{{ID: "b1", Created: at(1), HungUp: at(2), Cause: esl.NoUserResponse, Q850: 18, SIPStatus: 480}}, false, Outcome{State: models.CalleeUnreachable, Q850: 18, SIPStatus: 480}},
		{"480, cause 20", connect, Leg{HungUp: at(5)}, []Leg{{ID: "b1", Created: at(1), HungUp: at(2), Cause: esl.SubscriberAbsent, Q850: 20, SIPStatus: 480}}, false, Outcome{State: models.CalleePoweredOff, Q850: 20, SIPStatus: 480}},
		{"603", connect, Leg{HungUp: at(5)}, []Leg{{ID: "b1", Created: at(1), HungUp: at(2), Cause: esl.CallRejected, Q850: 21, SIPStatus: 603}}, false, Outcome{State: models.CalleeRejected, Q850: 21, SIPStatus: 603, HungUpBy: 2}},
		{"403", connect, Leg{HungUp: at(5)}, []Leg{{ID: "b1", Created: at(1), HungUp: at(2), Cause: esl.CallRejected, Q850: 21, SIPStatus: 403}}, false, Outcome{State: models.CallRefused, Q850: 21, SIPStatus: 403}},
		{"503", connect, Leg{HungUp: at(5)}, []Leg{{ID: "b1", Created: at(1), HungUp: at(2), Cause: esl.NormalTemporaryFailure, Q850: 41, SIPStatus: 503}}, false, Outcome{State: models.CalleeNetwork, Q850: 41, SIPStatus: 503}},
		{"a dead trunk, then a busy callee", connect, Leg{HungUp: at(20)}, []Leg{{ID: "b1", Created: at(1), HungUp: at(2), Cause: esl.NormalTemporaryFailure, Q850: 41, SIPStatus: 503},
			{ID: "b2", Created: at(2), Progress: at(3), HungUp: at(16), Cause: esl.UserBusy, Q850: 17, SIPStatus: 486}}, false, Outcome{State: models.CalleeBusy, Q850: 17, SIPStatus: 486}},
		{"a dead trunk, then an answer", connect, Leg{HungUp: at(20), Disposition: "recv_bye"}, []Leg{{ID: "b1", Created: at(1), HungUp: at(2), Cause: esl.NormalTemporaryFailure, Q850: 41, SIPStatus: 503},
			{ID: "b2", Created: at(2), Answered: at(6), HungUp: at(20), Cause: esl.NormalClearing}}, false, Outcome{State: models.Hungup, HungUpBy: 1}},
		{"the switch broke down", connect, Leg{}, []Leg{{ID: "b1", Created: at(1), Answered: at(5)}}, false, Outcome{State: models.Abnormal}},
	} {
		legs := Legs{A: c.a, Bs: c.bs}
		legs.A.ID = "aaaa"
		if got := legs.Outcome(c.plan, c.stopped); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestFoldAnswered(t *testing.T) {
	s := session(connect)
	s.RecordAs = "26112016000012345.wav"
	legs := Legs{A: Leg{ID: "aaaa", Created: t0, Answered: at(5.2), HungUp: at(30.2), Disposition: "recv_bye"}}
	legs.Add(Leg{ID: "b1", Role: "b", Trunk: "t9", Created: at(1), Progress: at(2), ProgressMedia: at(3), Answered: at(5), HungUp: at(30.1), Cause: esl.NormalClearing})
	c := Fold(s, legs, models.SourceEvents, time.Time{})
	if !c.CallInAt.Equal(t0) || !c.StartAt.Equal(at(1)) || !c.AlertingAt.Equal(at(2)) || !c.AnswerAt.Equal(at(5)) || !c.EndAt.Equal(at(30.1)) || !c.FailAt.IsZero() {
		t.Errorf("times: %+v", c)
	}
	if c.TalkSeconds() != 25 || c.Fail != models.Hungup || c.Direction != 1 || c.Trunk != "t9" || c.Display != "+8617000000009" || c.Callee.Reveal() != "+8613900000002" {
		t.Errorf("facts: %+v", c)
	}
	if !c.Record || !c.RecordAt.Equal(at(5)) || c.RecordFile != s.RecordAs || c.ICID != models.CallRef("aaaa")+".1" {
		t.Errorf("record: %+v", c)
	}
}

func TestFoldUnansweredHasNoRecording(t *testing.T) {
	s := session(connect)
	s.RecordAs = "x.wav"
	legs := Legs{A: Leg{ID: "aaaa", Created: t0, HungUp: at(9), Disposition: "recv_cancel"}}
	c := Fold(s, legs, models.SourceEvents, time.Time{})
	if c.Record || c.RecordFile != "" || !c.RecordAt.IsZero() || !c.FailAt.Equal(at(9)) || c.TalkSeconds() != 0 {
		t.Errorf("%+v", c)
	}
	if lost := Fold(s, Legs{A: Leg{ID: "aaaa", Created: t0}}, models.SourceLost, at(77)); !lost.EndAt.Equal(at(77)) {
		t.Errorf("a lost call ends when it was missed: %+v", lost)
	}
}

// Reports in any order, any number of times, make the same CDR.
func TestFoldIgnoresOrderAndRepetition(t *testing.T) {
	reports := []Leg{
		{ID: "aaaa", Role: "a", Created: t0},
		{ID: "aaaa", Role: "a", Created: t0, Answered: at(8)},
		{ID: "aaaa", Role: "a", Created: t0, Answered: at(8), HungUp: at(40), Cause: esl.NormalClearing, Disposition: "send_bye"},
		{ID: "b1", Role: "b", Created: at(1), HungUp: at(2), Cause: esl.NormalTemporaryFailure, Q850: 41, SIPStatus: 503},
		{ID: "b2", Role: "b", Created: at(2)},
		{ID: "b2", Role: "b", Created: at(2), Progress: at(4)},
		{ID: "b2", Role: "b", Created: at(2), Progress: at(4), ProgressMedia: at(5), Answered: at(8)},
		{ID: "b2", Role: "b", Created: at(2), Progress: at(4), ProgressMedia: at(5), Answered: at(8), HungUp: at(40), Cause: esl.NormalClearing, Q850: 16, Disposition: "recv_bye"},
	}
	s := session(connect)
	var want models.CDR
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		legs := Legs{A: Leg{ID: "aaaa"}}
		order := r.Perm(len(reports))
		for _, i := range append(order, order[:r.IntN(len(order))]...) {
			legs.Add(reports[i])
		}
		if !legs.Over() {
			t.Fatal("every leg has ended")
		}
		got := Fold(s, legs, models.SourceEvents, time.Time{})
		if round == 0 {
			want = got
			continue
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("order %v gives\n%+v\nwant\n%+v", order, got, want)
		}
	}
	if want.Fail != models.Hungup || want.HungUpBy != 2 || want.TalkSeconds() != 32 {
		t.Errorf("%+v", want)
	}
}

func TestFromPost(t *testing.T) {
	us := func(s float64) string { return fmt.Sprint(at(s).UnixMicro()) }
	record := fmt.Sprintf(`{"core-uuid":"c","switchname":"sw1","variables":{"uuid":"b1","maskline_call":"aaaa","maskline_role":"b","maskline_trunk":"t1","hangup_cause":"USER_BUSY","hangup_cause_q850":"17",
"sip_invite_failure_status":"486","sip_hangup_disposition":"recv_refuse"},"callflow":[{"times":{"created_time":"%s","progress_time":"%s","answered_time":"0","hangup_time":"%s"}}]}`, us(1), us(2), us(16))
	l, host, err := FromPost([]byte(record))
	if err != nil {
		t.Fatal(err)
	}
	want := Leg{ID: "b1", Call: "aaaa", Role: "b", Trunk: "t1", Created: at(1), Progress: at(2), HungUp: at(16), Cause: esl.UserBusy, Q850: 17, SIPStatus: 486, Disposition: "recv_refuse"}
	if l != want || host != "sw1" {
		t.Errorf("%+v\nwant %+v", l, want)
	}
	if _, _, err := FromPost([]byte(`{"variables":{"uuid":"z"}}`)); !errors.Is(err, ErrForeign) {
		t.Errorf("a stranger's leg: %v", err)
	}
	for _, bad := range []string{"", "{", `[]`, `{"variables":{"uuid":"b1","maskline_call":"a","maskline_role":"b"}}`} {
		if _, _, err := FromPost([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func FuzzFromPost(f *testing.F) {
	f.Add([]byte(`{"variables":{"uuid":"b","maskline_call":"a","maskline_role":"b","end_uepoch":"1"},"callflow":[{"times":{"hangup_time":1e16}}]}`))
	f.Add([]byte(`{"callflow":[{}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, _, err := FromPost(b); err == nil && (l.ID == "" || l.HungUp.IsZero()) {
			t.Fatalf("taken without id or end: %+v", l)
		}
	})
}

// What is peeked at is what reading finds, however the record is laid out; where only reading can tell, nothing is peeked at.
func TestPeek(t *testing.T) {
	for record, want := range map[string][3]string{
		`{"switchname":"fs1","variables":{"uuid":"u1","maskline_call":"c1","maskline_role":"a","maskline_host":"h1"}}`: {"c1", "h1", "fs1"},
		"{\n\t\"switchname\":\t\"fs1\",\n\t\"variables\": {\"maskline_call\": \"c1\"}}":                                {"c1", "", "fs1"},
		`{"app":"{\"maskline_call\":\"no\"}","variables":{"maskline_call":"c1"}}`:                                      {"c1", "", ""},
		`{"variables":{"uuid":"u1"}}`:                                        {},
		`{"variables":{"maskline_call":"c%201"}}`:                            {},
		`{"variables":{"maskline_call":"c\"1"}}`:                             {},
		`{"variables":{"maskline_call":7}}`:                                  {},
		`{"variables":{"maskline_call":"cut off here`:                        {},
		`{"variables":{"maskline_call"`:                                      {},
		`{"variables":{"maskline_call":"` + strings.Repeat("a", 300) + `"}}`: {},
	} {
		call, host, writer, ok := Peek([]byte(record))
		if got := [3]string{call, host, writer}; ok != (want[0] != "") || ok && got != want {
			t.Errorf("%s: %v, %t", record, got, ok)
		}
	}
}

func BenchmarkPeek(b *testing.B) {
	record := []byte(`{"variables":{"filler":"` + strings.Repeat("x", 20_000) + `","maskline_call":"c1","maskline_host":"h1"},"switchname":"fs1"}`)
	b.SetBytes(int64(len(record)))
	for b.Loop() {
		if _, _, _, ok := Peek(record); !ok {
			b.Fatal("nothing")
		}
	}
}
