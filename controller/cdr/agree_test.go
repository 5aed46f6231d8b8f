package cdr

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"maskline/esl"
	"maskline/models"
)

// life is what really became of one leg.
type life struct {
	id, role, trunk                           string
	created, progress, early, answered, ended time.Time
	cause                                     esl.Cause
	q850, sip, disposition                    string
}

func us(t time.Time) string {
	if t.IsZero() {
		return "0"
	}
	return fmt.Sprint(t.UnixMicro())
}

// event is the event that the switch makes of a leg at a time: it knows the stages before it.
func (l life) event(kind esl.Kind, at time.Time) Leg {
	known := func(t time.Time) string {
		if t.After(at) {
			return "0"
		}
		return us(t)
	}
	h := esl.HeaderMap{"Caller-Channel-Created-Time": known(l.created), "Caller-Channel-Progress-Time": known(l.progress),
		"Caller-Channel-Progress-Media-Time": known(l.early), "Caller-Channel-Answered-Time": known(l.answered), "Caller-Channel-Hangup-Time": known(l.ended),
		"variable_maskline_trunk": l.trunk}
	if kind == esl.HungUp {
		h["Hangup-Cause"], h["variable_hangup_cause_q850"] = string(l.cause), l.q850
		h["variable_sip_term_status"], h["variable_sip_hangup_disposition"] = l.sip, l.disposition
	}
	// The event itself is made a moment after what it tells of.
	return FromEvent(esl.Event{Kind: kind, Leg: l.id, Call: "aaaa", Role: l.role, At: at.Add(3 * time.Millisecond), Headers: h})
}

// reports are all that may be heard of a leg: its events, snapshots of a resync at some moments, and at the end its record, posted or spooled. The
// final ones come apart.
func (l life) reports(t *testing.T, r *rand.Rand) (before, final []Leg) {
	t.Helper()
	for kind, at := range map[esl.Kind]time.Time{esl.Parked: l.created, esl.Progress: l.progress, esl.ProgressMedia: l.early, esl.Answered: l.answered} {
		if !at.IsZero() {
			before = append(before, l.event(kind, at))
		}
	}
	for range 3 {
		before = append(before, l.event(esl.Snapshot, l.created.Add(time.Duration(r.Int64N(int64(l.ended.Sub(l.created)))))))
	}
	post, err := json.Marshal(map[string]any{"switchname": "fs1", "variables": map[string]string{"uuid": l.id, "maskline_call": "aaaa", "maskline_role": l.role,
		"maskline_trunk": l.trunk, "hangup_cause": string(l.cause), "hangup_cause_q850": l.q850, "sip_term_status": l.sip, "sip_hangup_disposition": l.disposition},
		"callflow": []any{map[string]any{"times": map[string]string{"created_time": us(l.created), "progress_time": us(l.progress),
			"progress_media_time": us(l.early), "answered_time": us(l.answered), "hangup_time": us(l.ended)}}}})
	if err != nil {
		t.Fatal(err)
	}
	record, _, err := FromPost(post)
	if err != nil {
		t.Fatal(err)
	}
	return before, []Leg{l.event(esl.HungUp, l.ended), record}
}

// anyCall is a call as it may go: through one or two trunks, answered or not, ended by either, or refused before anybody was dialled.
func anyCall(r *rand.Rand) (s models.Session, lives []life) {
	step := func(t time.Time) time.Time { return t.Add(time.Duration(1+r.IntN(20_000)) * time.Millisecond) }
	a := life{id: "aaaa", role: "a", created: t0, cause: esl.NormalClearing, q850: "16", disposition: pickOne(r, "send_bye", "recv_bye", "recv_cancel", "send_refuse")}
	s = session(connect)
	at := t0
	for n := range r.IntN(3) {
		b := life{id: fmt.Sprint("b", n), role: "b", trunk: fmt.Sprint("t", n), created: step(at)}
		at = b.created
		if r.IntN(2) == 0 {
			at = step(at)
			b.progress = at
		}
		if r.IntN(2) == 0 {
			at = step(at)
			b.early = at
		}
		answered := r.IntN(2) == 0
		if answered {
			at = step(at)
			b.answered, a.answered = at, at
		}
		at = step(at)
		b.ended = at
		b.cause, b.q850, b.sip, b.disposition = esl.NormalClearing, "16", "", pickOne(r, "recv_bye", "send_bye")
		if !answered {
			b.cause, b.q850, b.sip, b.disposition = pickOne(r, esl.UserBusy, esl.NoAnswer, esl.OriginatorCancel, esl.NormalTemporaryFailure), "17", pickOne(r, "486", "480", "503"), pickOne(r, "recv_refuse", "send_cancel")
		}
		if lives = append(lives, b); answered {
			break
		}
	}
	a.ended = step(at)
	if len(lives) == 0 && r.IntN(2) == 0 {
		s = session(models.Plan{Refuse: &models.Refuse{State: models.NoBinding, Q850: 21}})
	}
	return s, append(lives, a)
}

func pickOne[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func folded(s models.Session, reports []Leg, from models.Source) (models.CDR, models.Source) {
	legs := Legs{A: Leg{ID: "aaaa"}}
	for _, l := range reports {
		legs.Add(l)
	}
	source := legs.Honest(from)
	return Fold(s, legs, source, at(1_000_000)), source
}

// Events, posts, spooled records and snapshots agree: whatever is heard of a call, in any order and however often, makes the same CDR as long as
// the end of each leg is among it, told by its event, by its record or by both. With less, the CDR says so.
func TestEveryWayToldMakesOneCDR(t *testing.T) {
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // a seed
	r := rand.New(rand.NewPCG(seed, 1))
	for round := range 2000 {
		s, lives := anyCall(r)
		var all, some []Leg
		var finals [][]Leg
		for _, l := range lives {
			before, final := l.reports(t, r)
			all, finals = append(append(all, before...), final...), append(finals, final)
			for _, x := range before {
				if r.IntN(2) == 0 {
					some = append(some, x)
				}
			}
			some = append(some, pickOne(r, final...))
		}
		want, _ := folded(s, all, models.SourceEvents)
		some = append(some, some[:r.IntN(len(some))]...)
		r.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		if got, _ := folded(s, some, models.SourceEvents); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d, round %d: of %d reports comes\n%+v\nwant\n%+v", seed, round, len(some), got, want)
		}
		// One leg's end is told by nobody: the record says so.
		missing := r.IntN(len(finals))
		known := all[:0:0]
		for _, x := range all {
			if x.ID != lives[missing].id || x.HungUp.IsZero() {
				known = append(known, x)
			}
		}
		got, source := folded(s, known, models.SourceEvents)
		if wrong := models.SourceEvents; source == wrong || got.Source == wrong || lives[missing].role == "a" && source != models.SourceLost {
			t.Fatalf("seed %d, round %d: without the end of %s the source is %s", seed, round, lives[missing].id, source)
		}
		if slices.ContainsFunc(known, func(x Leg) bool { return !x.Answered.IsZero() && x.Role == "b" }) && got.AnswerAt.IsZero() {
			t.Fatalf("seed %d, round %d: an answer that was told is not in\n%+v", seed, round, got)
		}
	}
}
