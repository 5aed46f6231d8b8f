package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"maskline/models"
)

// voices is a house with an app that asks for calls.
type voices struct {
	*house
	voice models.App
}

const showing = "+8675500000001"

func newVoices(t testing.TB, cfg Config) *voices {
	t.Helper()
	v := &voices{house: newHouse(t, cfg)}
	v.voice = v.voiceApp(t, "voice-1")
	if err := v.AddNumbers(context.Background(), []models.Number{{AppID: v.voice.ID, Number: showing, AreaCode: "0755"}}); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *voices) voiceApp(t testing.TB, key string) models.App {
	t.Helper()
	a := models.App{TenantID: v.tenant.ID, Key: key, Name: key, Mode: models.ModeVoice}
	if err := v.CreateApp(context.Background(), &a, "secret"); err != nil {
		t.Fatal(err)
	}
	return a
}

// call is a call of an app that may wait.
func (v *voices) call(app models.App, priority int) models.Outgoing {
	leg, now := models.NewID(), v.clock.Now()
	place := models.Place{To: bob.Reveal(), Show: showing, AnswerIn: time.Minute, Play: []models.Item{{Prompts: []string{"notice.wav"}, Collect: 1}}}
	return models.Outgoing{Priority: priority, State: models.OutgoingQueued, QueuedAt: now, GiveUpAt: now.Add(time.Hour),
		Session: models.Session{ID: models.SessionID(leg, "host1"), LegA: leg, Host: "host1", TenantID: app.TenantID, AppID: app.ID, Mode: models.ModeNotify,
			Side: models.SideA, Dialled: showing, Caller: bob, Trunk: "t1", UserData: "u", Plan: models.Plan{Place: &place}, RecordAs: "r.wav", Area: "0755",
			Stage: models.StageQueued, StartedAt: now}}
}

func (v *voices) enqueue(t testing.TB, app models.App, priority int) models.Outgoing {
	t.Helper()
	o := v.call(app, priority)
	if err := v.Enqueue(context.Background(), o, nil); err != nil {
		t.Fatal(err)
	}
	return must[models.Outgoing](t)(v.Outgoing(context.Background(), o.Session.ID))
}

// taking is the step that begins to dial a call.
func taking(o models.Outgoing, switchName string) models.Change {
	s := o.Session
	s.Switch, s.Stage = switchName, models.StagePlacing
	return models.Change{Session: s, Take: true, Core: "core-1"}
}

// givingUp is the step that ends a call that waits.
func (v *voices) givingUp(o models.Outgoing) models.Change {
	s := o.Session
	s.Stage, s.EndedAt = models.StageEnded, v.clock.Now()
	cdr := models.CDR{SessionID: s.ID, ICID: "ic-" + s.LegA, TenantID: s.TenantID, AppID: s.AppID, Mode: s.Mode, CallInAt: s.StartedAt, EndAt: s.EndedAt, Fail: models.StoppedByCustomer}
	return models.Change{Session: s, Cancel: true, Events: []models.CallEvent{event(s.ID, models.EventDisconnect)}, CDR: &cdr}
}

// counted checks that the counts of waiting calls say what the rows say.
func (v *voices) counted(t testing.TB) {
	t.Helper()
	ctx := context.Background()
	waiting, oldest := map[int64]int{}, map[int64]time.Time{}
	for _, o := range must[[]models.Outgoing](t)(outgoingColumns.all(v.read, "WHERE t.state = ?", string(models.OutgoingQueued))) {
		app := o.Session.AppID
		if waiting[app]++; oldest[app].IsZero() || o.QueuedAt.Before(oldest[app]) {
			oldest[app] = o.QueuedAt
		}
	}
	apps, _, err := v.Apps(ctx, AppFilter{Mode: models.ModeVoice}, models.Page{})
	if err != nil {
		t.Fatal(err)
	}
	var want []QueueApp
	for _, a := range slices.Backward(apps) {
		if got := must[int](t)(v.QueueDepth(ctx, a.ID)); got != waiting[a.ID] {
			t.Errorf("app %d counts %d waiting calls, has %d", a.ID, got, waiting[a.ID])
		}
		if waiting[a.ID] > 0 {
			want = append(want, QueueApp{a.ID, a.TenantID, waiting[a.ID], oldest[a.ID]})
		}
	}
	if got := must[[]QueueApp](t)(v.QueueApps(ctx)); !reflect.DeepEqual(got, want) {
		t.Errorf("apps with waiting calls %+v, want %+v", got, want)
	}
}

func TestEnqueueAndDial(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		v := newVoices(t, cfg)
		ctx := context.Background()
		want := v.call(v.voice, 2)
		if err := v.Enqueue(ctx, want, nil); err != nil {
			t.Fatal(err)
		}
		wantCode(t, v.Enqueue(ctx, want, []Cap{{Scope: "app:1", CallCap: models.CallCap{PerHour: 2}, Code: models.AppTooOften}}), models.Conflict)
		got := must[models.Outgoing](t)(v.Outgoing(ctx, want.Session.ID))
		want.Seq = got.Seq
		if !reflect.DeepEqual(got, want) || got.Seq == 0 {
			t.Errorf("read %+v, want %+v", got, want)
		}
		v.counted(t)
		take := taking(got, "fs1")
		if !v.record(t, take) {
			t.Fatal("not taken")
		}
		if v.record(t, take) || v.record(t, v.givingUp(got)) {
			t.Error("taken or cancelled a second time")
		}
		v.counted(t)
		taken := must[[]models.Outgoing](t)(v.Taken(ctx, "fs1"))
		if len(taken) != 1 || taken[0].Core != "core-1" || taken[0].State != models.OutgoingTaken || taken[0].Session.Switch != "fs1" {
			t.Errorf("taken %+v", taken)
		}
		if other := must[[]models.Outgoing](t)(v.Taken(ctx, "fs2")); len(other) != 0 {
			t.Errorf("taken by another switch: %+v", other)
		}
		live := must[[]models.Session](t)(v.PlacedLive(ctx))
		if len(live) != 1 || !reflect.DeepEqual(live[0], take.Session) {
			t.Errorf("live %+v, want %+v", live, take.Session)
		}
		out := models.Change{Session: take.Session, Placed: true, Events: []models.CallEvent{event(want.Session.ID, models.EventCallOut)}}
		for range 2 {
			if !v.record(t, out) {
				t.Error("not applied")
			}
		}
		_, err := v.Outgoing(ctx, want.Session.ID)
		wantCode(t, err, models.NotFound)
		if back := must[bool](t)(v.Requeue(ctx, want.Session.LegA)); back {
			t.Error("a call that is on the switch waits again")
		}
		v.counted(t)
	})
}

func TestEnqueueRefuses(t *testing.T) {
	v := newVoices(t, sqliteConfig(t))
	for name, change := range map[string]func(o *models.Outgoing){
		"no id": func(o *models.Outgoing) { o.Session.ID = "" }, "no leg": func(o *models.Outgoing) { o.Session.LegA = "" },
		"no app": func(o *models.Outgoing) { o.Session.AppID = 0 }, "mode": func(o *models.Outgoing) { o.Session.Mode = models.ModeAX },
		"no plan": func(o *models.Outgoing) { o.Session.Plan = models.Plan{} }, "on a switch": func(o *models.Outgoing) { o.Session.Switch = "fs1" },
		"taken": func(o *models.Outgoing) { o.State = models.OutgoingTaken }, "priority": func(o *models.Outgoing) { o.Priority = PriorityMost + 1 },
	} {
		o := v.call(v.voice, 0)
		if change(&o); v.Enqueue(context.Background(), o, nil) == nil {
			t.Errorf("%s: enqueued", name)
		}
	}
	o := v.call(v.voice, 0)
	both, open, early := taking(o, "fs1"), v.givingUp(o), taking(o, "fs1")
	both.Cancel = true
	open.Session.EndedAt, open.CDR = time.Time{}, nil
	early.Recording = &models.Recording{SessionID: o.Session.ID, Name: "r.wav"}
	for name, ch := range map[string]models.Change{"taken and cancelled": both, "cancelled without an end": open, "recording before the end": early} {
		if _, err := v.Record(context.Background(), ch); err == nil {
			t.Errorf("%s: recorded", name)
		}
	}
	v.counted(t)
}

// TestOneOfTwoTakes lets two daemons take the same calls at once: each call is dialled once.
func TestOneOfTwoTakes(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		v := newVoices(t, cfg)
		other := open(t, cfg)
		var mu sync.Mutex
		var wg sync.WaitGroup
		takers := map[string][]string{}
		const calls = 40
		for range calls {
			o := v.enqueue(t, v.voice, 0)
			for name, s := range map[string]*Store{"fs1": v.Store, "fs2": other, "fs3": v.Store} {
				wg.Go(func() {
					applied, err := s.Record(context.Background(), taking(o, name))
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						t.Errorf("take: %v", err)
					}
					if applied {
						takers[o.Session.ID] = append(takers[o.Session.ID], name)
					}
				})
			}
		}
		wg.Wait()
		for id, names := range takers {
			if got := must[models.Session](t)(v.Session(context.Background(), id)); len(names) != 1 || got.Switch != names[0] {
				t.Errorf("call %s is taken by %v, and on %s", id, names, got.Switch)
			}
		}
		if len(takers) != calls {
			t.Errorf("%d of %d calls were taken", len(takers), calls)
		}
		v.counted(t)
	})
}

// TestCancelAgainstTake stops calls in the moment in which they are dialled: either is done, never both, and never neither.
func TestCancelAgainstTake(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		v := newVoices(t, cfg)
		other := open(t, cfg)
		ctx := context.Background()
		var wg sync.WaitGroup
		for range 40 {
			o := v.enqueue(t, v.voice, 0)
			var took, cancelled bool
			var both sync.WaitGroup
			var errs [2]error
			both.Go(func() { took, errs[0] = v.Record(ctx, taking(o, "fs1")) })
			both.Go(func() { cancelled, errs[1] = other.Record(ctx, v.givingUp(o)) })
			wg.Go(func() {
				both.Wait()
				got, err := v.Session(ctx, o.Session.ID)
				_, noCDR := v.CDR(ctx, o.Session.ID)
				if err = errors.Join(err, errs[0], errs[1]); took == cancelled || err != nil || got.EndedAt.IsZero() != took || (noCDR != nil) != took {
					t.Errorf("taken %v, cancelled %v: %+v (%v), cdr %v", took, cancelled, got.Stage, err, noCDR)
				}
			})
		}
		wg.Wait()
		v.counted(t)
	})
}

func TestRequeue(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		v := newVoices(t, cfg)
		ctx := context.Background()
		first := v.enqueue(t, v.voice, 2)
		v.clock.advance(time.Second)
		second := v.enqueue(t, v.voice, 2)
		v.record(t, taking(first, "fs1"))
		if got := must[[]models.Outgoing](t)(v.QueueHead(ctx, v.voice.ID, QueueMark{}, 10)); len(got) != 1 || got[0].Seq != second.Seq {
			t.Errorf("waiting %+v", got)
		}
		for i, want := range []bool{true, false} {
			if back := must[bool](t)(v.Requeue(ctx, first.Session.LegA)); back != want {
				t.Errorf("requeue %d: %v", i, back)
			}
		}
		got := must[[]models.Outgoing](t)(v.QueueHead(ctx, v.voice.ID, QueueMark{}, 10))
		if len(got) != 2 || !reflect.DeepEqual(got[0], first) {
			t.Errorf("waiting again %+v, want %+v first", got, first)
		}
		session := must[models.Session](t)(v.Session(ctx, first.Session.ID))
		if !reflect.DeepEqual(session, first.Session) {
			t.Errorf("its session %+v, want %+v", session, first.Session)
		}
		if live := must[[]models.Session](t)(v.PlacedLive(ctx)); len(live) != 0 {
			t.Errorf("live %+v", live)
		}
		v.counted(t)
		if !v.record(t, taking(first, "fs2")) {
			t.Error("not taken again")
		}
		if live := must[[]models.Session](t)(v.LiveSessions(ctx, "fs2")); len(live) != 1 {
			t.Errorf("live %+v", live)
		}
		// A call that ends has no row, said or not; so it never comes back.
		end := v.givingUp(first)
		end.Cancel = false
		v.record(t, end)
		if back := must[bool](t)(v.Requeue(ctx, first.Session.LegA)); back {
			t.Error("an ended call waits again")
		}
		v.counted(t)
	})
}

// TestAnEndedCallIsNotDialled: a row that was left behind by an ended session is taken by nobody, and goes.
func TestAnEndedCallIsNotDialled(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		v := newVoices(t, cfg)
		ctx := context.Background()
		for _, state := range []models.OutgoingState{models.OutgoingQueued, models.OutgoingTaken} {
			o := v.enqueue(t, v.voice, 0)
			v.record(t, taking(o, "fs1"))
			if state == models.OutgoingQueued {
				must[bool](t)(v.Requeue(ctx, o.Session.LegA))
			}
			if err := v.write.Exec("UPDATE sessions SET ended_at = 1 WHERE id = ?", o.Session.ID).Error; err != nil {
				t.Fatal(err)
			}
			if state == models.OutgoingQueued && v.record(t, taking(o, "fs1")) {
				t.Error("taken")
			}
			if state == models.OutgoingTaken && must[bool](t)(v.Requeue(ctx, o.Session.LegA)) {
				t.Error("waits again")
			}
			_, err := v.Outgoing(ctx, o.Session.ID)
			wantCode(t, err, models.NotFound)
			v.counted(t)
		}
	})
}

// TestQueueOrder pages through queues of random calls with random pages.
func TestQueueOrder(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		v := newVoices(t, cfg)
		ctx := context.Background()
		other := v.voiceApp(t, "voice-2")
		var want []models.Outgoing
		for i := range 60 {
			if rand.IntN(3) == 0 {
				v.clock.advance(time.Second)
			}
			o := v.enqueue(t, []models.App{v.voice, other}[i%2], rand.IntN(3))
			if i%2 == 0 {
				want = append(want, o)
			}
		}
		slices.SortStableFunc(want, func(a, b models.Outgoing) int { return a.Priority - b.Priority })
		for range 5 {
			var got []models.Outgoing
			for after := (QueueMark{}); ; {
				n := 1 + rand.IntN(9)
				page := must[[]models.Outgoing](t)(v.QueueHead(ctx, v.voice.ID, after, n))
				if len(page) > n {
					t.Errorf("a page of %d has %d", n, len(page))
				}
				if got = append(got, page...); len(page) == 0 {
					break
				}
				after = MarkOf(page[len(page)-1])
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%d calls in the wrong order", len(got))
			}
		}
		list, total, err := v.OutgoingList(ctx, OutgoingFilter{AppID: v.voice.ID}, models.Page{Offset: 10, Limit: 5})
		if err != nil || total != 30 || !reflect.DeepEqual(list, want[10:15]) {
			t.Errorf("listed %d of %d: %v", len(list), total, err)
		}
		v.record(t, taking(want[0], "fs1"))
		for f, n := range map[OutgoingFilter]int{{}: 60, {TenantID: v.tenant.ID}: 60, {State: models.OutgoingQueued}: 59, {State: models.OutgoingTaken}: 1,
			{AppID: v.voice.ID, State: models.OutgoingQueued}: 29, {TenantID: 99}: 0} {
			if _, total, err := v.OutgoingList(ctx, f, models.Page{}); err != nil || total != n {
				t.Errorf("%+v finds %d, want %d (%v)", f, total, n, err)
			}
		}
		v.counted(t)
	})
}

func TestQueueExpired(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		v := newVoices(t, cfg)
		ctx := context.Background()
		var all []models.Outgoing
		for i := range 4 {
			o := v.call(v.voice, i%2)
			o.GiveUpAt = []time.Time{v.clock.Now().Add(3 * time.Second), v.clock.Now().Add(time.Second), {}, v.clock.Now().Add(2 * time.Second)}[i]
			if err := v.Enqueue(ctx, o, nil); err != nil {
				t.Fatal(err)
			}
			all = append(all, must[models.Outgoing](t)(v.Outgoing(ctx, o.Session.ID)))
		}
		got := must[[]models.Outgoing](t)(v.QueueExpired(ctx, v.clock.Now().Add(2*time.Second), 10))
		if !reflect.DeepEqual(got, []models.Outgoing{all[1], all[3]}) {
			t.Errorf("overdue %+v", got)
		}
		if got := must[[]models.Outgoing](t)(v.QueueExpired(ctx, v.clock.Now().Add(time.Hour), 1)); len(got) != 1 {
			t.Errorf("a page of %d", len(got))
		}
	})
}

// TestQueueModel does random things with the calls of two apps, from two daemons at once, and compares what is left with what each was told.
func TestQueueModel(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		v := newVoices(t, cfg)
		apps := []models.App{v.voice, v.voiceApp(t, "voice-2")}
		stores := []*Store{v.Store, open(t, cfg)}
		ctx := context.Background()
		var wg sync.WaitGroup
		for worker := range 8 {
			wg.Go(func() {
				s := stores[worker%2]
				for range 12 {
					o := v.call(apps[rand.IntN(2)], rand.IntN(3))
					if err := s.Enqueue(ctx, o, nil); err != nil {
						t.Errorf("enqueue: %v", err)
					}
					state := models.OutgoingQueued
					for range rand.IntN(5) {
						var applied bool
						var err error
						var may bool
						var want models.OutgoingState
						switch rand.IntN(4) {
						case 0:
							may = state == models.OutgoingQueued
							applied, err = s.Record(ctx, taking(o, "fs1"))
							want = models.OutgoingTaken
						case 1:
							may = state == models.OutgoingQueued
							applied, err = s.Record(ctx, v.givingUp(o))
							want = ""
						case 2:
							may = state == models.OutgoingTaken
							applied, err = s.Requeue(ctx, o.Session.LegA)
							want = models.OutgoingQueued
						default:
							if state != models.OutgoingTaken {
								continue
							}
							may, want = true, ""
							ch := taking(o, "fs1")
							ch.Take, ch.Placed = false, true
							applied, err = s.Record(ctx, ch)
						}
						if err != nil || applied != may {
							t.Errorf("from %q to %q: %v, %v", state, want, applied, err)
						}
						if applied {
							state = want
						}
					}
					got, err := s.Outgoing(ctx, o.Session.ID)
					if code := models.CodeOf(err); got.State != state || code != "" && code != models.NotFound {
						t.Errorf("the call is %q, want %q (%v)", got.State, state, err)
					}
				}
			})
		}
		wg.Wait()
		v.counted(t)
	})
}

// TestEnqueueInOnce: the call waits if the answer says so, and a repeated request enqueues nothing.
func TestEnqueueInOnce(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		v := newVoices(t, cfg)
		ctx := context.Background()
		limit := []Cap{{Scope: "app:7", CallCap: models.CallCap{PerHour: 1}, Code: models.AppTooOften}}
		o := v.call(v.voice, 0)
		ask := func(nonce string, o models.Outgoing, status int) int {
			got, _, _, err := v.Once(ctx, replyKey(nonce, ""), time.Hour, func(ctx context.Context) (int, []byte, error) {
				switch err := v.Enqueue(ctx, o, limit); models.CodeOf(err) {
				case "":
					return status, nil, nil
				case models.AppTooOften:
					return 403, nil, nil
				default:
					return 0, nil, err
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		if got := ask("broken", o, 500); got != 500 {
			t.Errorf("answered %d", got)
		}
		v.counted(t)
		for range 2 {
			if got := ask("n1", o, 200); got != 200 {
				t.Errorf("answered %d", got)
			}
		}
		if got := ask("n2", v.call(v.voice, 0), 200); got != 403 {
			t.Errorf("answered %d", got)
		}
		if got := must[int](t)(v.QueueDepth(ctx, v.voice.ID)); got != 1 {
			t.Errorf("%d calls wait", got)
		}
		v.counted(t)
	})
}

// TestBadCallWaitsAlone puts calls that are refused between good ones of one group.
func TestBadCallWaitsAlone(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		v := newVoices(t, cfg)
		ctx := context.Background()
		known := v.enqueue(t, v.voice, 0)
		full := []Cap{{Scope: "app:9", CallCap: models.CallCap{PerHour: 100}, Code: models.Internal},
			{Scope: "tenant:9", CallCap: models.CallCap{PerHour: 1}, Code: models.TenantTooOften}}
		var wg sync.WaitGroup
		codes := make([]models.Code, 30)
		for i := range codes {
			wg.Go(func() {
				switch o := v.call(v.voice, 0); i % 3 {
				case 0:
					codes[i] = models.CodeOf(v.Enqueue(ctx, o, nil))
				case 1:
					codes[i] = models.CodeOf(v.Enqueue(ctx, known, nil))
				default:
					codes[i] = models.CodeOf(v.Enqueue(ctx, o, full))
				}
			})
		}
		wg.Wait()
		counts := map[models.Code]int{}
		for _, c := range codes {
			counts[c]++
		}
		if want := map[models.Code]int{"": 11, models.Conflict: 10, models.TenantTooOften: 9}; !reflect.DeepEqual(counts, want) {
			t.Errorf("%v, want %v", counts, want)
		}
		v.counted(t)
		if hour, _ := v.used(t, "app:9"); hour != 1 {
			t.Errorf("a call that was refused counts: %d", hour)
		}
	})
}

func TestEnqueueInAClosedStore(t *testing.T) {
	v := newVoices(t, sqliteConfig(t))
	o := v.call(v.voice, 0)
	cfg := sqliteConfig(t)
	s := must[*Store](t)(Open(context.Background(), cfg))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Enqueue(context.Background(), o, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("enqueue: %v", err)
	}
}

func (v *voices) used(t testing.TB, scope string) (hour, day int) {
	t.Helper()
	if _, err := one(v.read, []any{num(&hour), num(&day)}, "SELECT hour_used, day_used FROM call_counts WHERE scope = ?", scope); err != nil {
		t.Fatal(err)
	}
	return hour, day
}

// TestCapsAreNeverExceeded lets two daemons accept calls of two apps of one tenant at once.
func TestCapsAreNeverExceeded(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		v := newVoices(t, cfg)
		apps := []models.App{v.voice, v.voiceApp(t, "voice-2")}
		stores := []*Store{v.Store, open(t, cfg)}
		stores[1].cfg.Clock, stores[1].nowExpr = v.clock.Now, "?"
		caps := func(app models.App) []Cap {
			return []Cap{
				{"tenant:1", models.CallCap{PerHour: 20}, models.TenantTooOften},
				{fmt.Sprintf("app:%d", app.ID), models.CallCap{PerHour: 15, PerDay: 32}, models.AppTooOften},
				{"number:" + showing, models.CallCap{}, models.NumberTooOftenUsed},
			}
		}
		rush := func(app ...models.App) map[models.Code]int {
			var mu sync.Mutex
			var wg sync.WaitGroup
			codes := map[models.Code]int{}
			for i := range 60 {
				wg.Go(func() {
					a := app[i%len(app)]
					err := stores[i%2].Enqueue(context.Background(), v.call(a, 0), caps(a))
					mu.Lock()
					defer mu.Unlock()
					if codes[models.CodeOf(err)]++; models.CodeOf(err) == models.Internal {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			return codes
		}
		if got := rush(apps...); got[""] != 20 {
			t.Errorf("the tenant's hour: %v", got)
		}
		hourly, _ := v.used(t, fmt.Sprintf("app:%d", apps[0].ID))
		other, _ := v.used(t, fmt.Sprintf("app:%d", apps[1].ID))
		if hourly+other != 20 {
			t.Errorf("the apps count %d and %d calls", hourly, other)
		}
		v.clock.advance(time.Hour)
		if got := rush(apps[0]); got[""] != 15 || got[models.AppTooOften] != 45 {
			t.Errorf("the app's next hour: %v", got)
		}
		v.clock.advance(time.Hour)
		if got, left := rush(apps[0]), 32-15-hourly; got[""] != min(left, 15) {
			t.Errorf("the app's day: %v, want %d", got, left)
		}
		v.clock.advance(24 * time.Hour)
		if got := rush(apps[0]); got[""] != 15 {
			t.Errorf("the next day: %v", got)
		}
		v.counted(t)
	})
}

// TestCountsNeverGoBack: a daemon that read the clock a moment before the hour, and writes after another that read it after, resets nothing.
func TestCountsNeverGoBack(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		v := newVoices(t, cfg)
		c := Cap{"app:1", models.CallCap{PerHour: 2, PerDay: 9}, models.AppTooOften}
		now := v.clock.Now()
		for i, at := range []time.Time{now, now.Add(-time.Second), now} {
			err := c.count(v.write, at)
			if want := map[int]models.Code{2: models.AppTooOften}[i]; models.CodeOf(err) != want {
				t.Errorf("call %d: %v, want %q", i, err, want)
			}
		}
		if hour, day := v.used(t, c.Scope); hour != 2 || day != 2 {
			t.Errorf("used %d and %d", hour, day)
		}
	})
}
