package freeswitch

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maskline/esl"
	"maskline/esl/wire"
)

var (
	toA      = esl.Dial{Vars: []esl.Var{{Name: "maskline_owner", Value: "me"}}, Endpoints: []esl.Endpoint{{Gateway: "g", Number: "1"}, {Leg: "A2", Gateway: "h", Number: "1"}}}
	thenPlay = []esl.App{{Name: "playback", Arg: "/x.wav"}, esl.BridgeApp(esl.Dial{Endpoints: []esl.Endpoint{{Leg: "B", Gateway: "g", Number: "2"}}})}
)

// place places the call A, which the bench knows from now on.
func (b *bench) place() error {
	b.Helper()
	c, err := b.sw.Place(b.Context(), "A", toA, thenPlay)
	if c != nil {
		b.ear.mu.Lock()
		b.calls["A"] = c
		b.ear.mu.Unlock()
	}
	return err
}

// must is place where nothing stands in its way.
func (b *bench) must() {
	b.Helper()
	if err := b.place(); err != nil {
		b.Fatal(err)
	}
}

// job is the BACKGROUND_JOB that answers the last originate.
func (b *bench) job(answer string) []byte {
	b.script.mu.Lock()
	defer b.script.mu.Unlock()
	return wire.AppendEvent(nil, []wire.Field{
		{Name: "Event-Name", Value: backgroundJob}, {Name: "Event-Date-Timestamp", Value: "1795162585000000"}, {Name: "Job-UUID", Value: b.jobs[len(b.jobs)-1]},
	}, answer)
}

// outcome takes the call's next event, which must be Placed.
func (b *bench) outcome() esl.Event {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), time.Second)
	defer cancel()
	e, err := b.call("A").Next(ctx)
	if err != nil || e.Kind != esl.Placed || e.Call != "A" || e.Role != "a" {
		b.Fatalf("%s of %q role %q, %v; want placed", e.Kind, e.Call, e.Role, err)
	}
	return e
}

func placedLeg(name, id string, more ...wire.Field) []byte {
	return frame(event(name, id, "A", "a", append(more, wire.Field{Name: "Call-Direction", Value: "outbound"})...))
}

func TestPlace(t *testing.T) {
	run(t, Options{}, nil, func(b *bench) {
		b.must()
		b.told("synced ")
		if b.call("A").ID() != "A" {
			b.Errorf("call %s", b.call("A").ID())
		}
		asked := b.asked[len(b.asked)-1]
		for _, want := range []string{
			"originate '{^^~", "~maskline_call=A~maskline_role=a~presence_data=maskline:A}[^^~origination_uuid=A]sofia/gateway/g/1|[^^~origination_uuid=A2]sofia/gateway/h/1' 'm:;:playback:/x.wav;bridge:{^^~",
			"maskline_call=A~maskline_role=b~presence_data=maskline:A}[^^~origination_uuid=B]sofia/gateway/g/2' inline",
		} {
			if !strings.Contains(asked, want) {
				b.Errorf("asked %s, not %s", asked, want)
			}
		}
		if strings.Contains(asked, "originate_timeout") {
			b.Error("the switch's own bound is moved without need")
		}
		b.send(placedLeg("CHANNEL_PROGRESS", "A"), placedLeg("CHANNEL_ANSWER", "A"), b.job("+OK A\n"), b.job("+OK A\n"))
		b.next("A", "progress:A", "answered:A")
		if e := b.outcome(); e.Leg != "A" || e.Cause != "" || e.At.Unix() != 1795162585 {
			b.Errorf("placed leg %q cause %q at %v", e.Leg, e.Cause, e.At)
		}
		// Events of the legs that were only planned reach the call, with our variables or without.
		b.send(frame(event("CHANNEL_PROGRESS", "B", "", "")), placedLeg("CHANNEL_PARK", "A"), frame(event("CHANNEL_PROGRESS", "A2", "", "")))
		b.next("A", "progress:B", "parked:A", "progress:A2")
		b.quiet("A")
	})
}

func TestPlaceLeavesTheCallersPartsAlone(t *testing.T) {
	run(t, Options{}, nil, func(b *bench) {
		d := esl.Dial{Vars: make([]esl.Var, 0, 8), Endpoints: []esl.Endpoint{{Gateway: "g", Number: "1", Timeout: 90 * time.Second}}}
		then := slices.Clone(thenPlay)
		if _, err := b.sw.Place(b.Context(), "A", d, then); err != nil {
			b.Fatal(err)
		}
		if d.Endpoints[0].Leg != "" || len(then[1].Dial.Vars) != 0 || len(thenPlay[1].Dial.Vars) != 0 || cap(d.Vars) > 0 && d.Vars[:1][0].Name != "" {
			b.Error("Place changed what it was given")
		}
		if asked := b.asked[len(b.asked)-1]; !strings.Contains(asked, "~originate_timeout=92") {
			b.Errorf("asked %s", asked)
		}
	})
}

func TestPlaceFails(t *testing.T) {
	for answer, want := range map[string]esl.Cause{
		"-ERR USER_BUSY\n": esl.UserBusy, "-ERR GATEWAY_DOWN\n": esl.GatewayDown, "-USAGE: x\n": esl.NormalTemporaryFailure, "-ERR a 13800000000 b\n": esl.NormalTemporaryFailure,
		"": esl.NormalTemporaryFailure,
	} {
		run(t, Options{}, nil, func(b *bench) {
			b.must()
			b.send(placedLeg("CHANNEL_HANGUP_COMPLETE", "A"), b.job(answer))
			b.next("A", "hung_up:A")
			if e := b.outcome(); e.Leg != "" || e.Cause != want {
				b.Errorf("%q: leg %q cause %q", answer, e.Leg, e.Cause)
			}
		})
	}
}

func TestPlaceDialsNothing(t *testing.T) {
	unsafe := []esl.App{{Name: "playback", Arg: "a'b"}}
	for name, tt := range map[string]struct {
		prepare func(b *bench)
		id      string
		then    []esl.App
		want    error
	}{
		"unsafe":    {id: "A", then: unsafe, want: esl.ErrUnsafe},
		"no script": {id: "A", want: esl.ErrUnsafe},
		"bad id":    {id: "a b", then: thenPlay, want: esl.ErrUnsafe},
		"refused": {func(b *bench) {
			b.raw["originate"] = "Content-Type: command/reply\nReply-Text: -ERR permission denied\n\n"
		}, "A", thenPlay, esl.ErrRefused},
		"open":      {func(b *bench) { b.must(); b.asked = nil }, "A", thenPlay, esl.ErrRefused},
		"no events": {func(b *bench) { b.refuse = true; b.cutNow() }, "A", thenPlay, esl.ErrDown},
	} {
		run(t, Options{}, nil, func(b *bench) {
			if tt.prepare != nil {
				tt.prepare(b)
			}
			synctest.Wait()
			c, err := b.sw.Place(b.Context(), tt.id, toA, tt.then)
			if c != nil || !errors.Is(err, tt.want) || errors.Is(err, esl.ErrUncertain) {
				b.Errorf("%s: %v, %v", name, c, err)
			}
			if n := b.count("originate"); n > 0 && name != "refused" {
				b.Errorf("%s: %d originates", name, n)
			}
			if n := len(b.sw.book.calls); name != "open" && n != 0 {
				b.Errorf("%s: %d calls are open", name, n)
			}
			b.set(func() { b.refuse = false })
		})
	}
}

// cutNow is cut without its lock.
func (s *script) cutNow() {
	for _, c := range s.open {
		_ = c.Close()
	}
	s.open = nil
}

// The reply to the originate is lost. Whether the switch took it is not known; its answer, or a look, tells.
func TestPlaceUncertain(t *testing.T) {
	uncertain := func(t *testing.T, then func(b *bench)) {
		t.Helper()
		run(t, Options{Commands: 1}, nil, func(b *bench) {
			b.set(func() { b.silent["originate"] = true })
			if err := b.place(); !errors.Is(err, esl.ErrUncertain) || !errors.Is(err, esl.ErrDown) {
				b.Fatalf("place: %v", err)
			}
			b.told("synced ")
			then(b)
		})
	}
	t.Run("taken", func(t *testing.T) {
		uncertain(t, func(b *bench) {
			b.send(placedLeg("CHANNEL_ANSWER", "A"), b.job("+OK A\n"))
			b.next("A", "answered:A", "placed:A")
			time.Sleep(5 * doubtedFor)
			b.quiet("A")
		})
	})
	t.Run("rings", func(t *testing.T) {
		uncertain(t, func(b *bench) {
			b.legs(live("A", "A", "a", owner("me")))
			b.send(placedLeg("CHANNEL_PROGRESS", "A"))
			time.Sleep(5 * doubtedFor)
			b.next("A", "progress:A")
			b.quiet("A")
			if n := b.count("show"); n > 4 {
				b.Errorf("looked %d times", n)
			}
		})
	})
	t.Run("never dialled", func(t *testing.T) {
		uncertain(t, func(b *bench) {
			time.Sleep(doubtedFor - maxTimeout)
			b.quiet("A")
			time.Sleep(2 * doubtedFor)
			b.next("A", "lost:A")
			b.send(b.job("+OK A\n")) // too late to be believed
			b.quiet("A")
			b.told() // no resync was told of
		})
	})
	t.Run("nobody waits", func(t *testing.T) {
		run(t, Options{Commands: 1}, nil, func(b *bench) {
			b.set(func() { b.silent["originate"] = true })
			ctx, cancel := context.WithTimeout(b.Context(), time.Second)
			defer cancel()
			c, err := b.sw.Place(ctx, "A", toA, thenPlay)
			if c == nil || !errors.Is(err, esl.ErrUncertain) || !errors.Is(err, context.DeadlineExceeded) {
				b.Errorf("%v, %v", c, err)
			}
		})
	})
}

// The event connection breaks while a call is being placed.
func TestResyncOfPlacedCalls(t *testing.T) {
	answered := wire.Field{Name: "Answer-State", Value: "answered"}
	t.Run("rings on", func(t *testing.T) {
		run(t, Options{}, nil, func(b *bench) {
			b.must()
			b.legs(live("A", "A", "a", owner("me")))
			b.cut()
			b.settle()
			b.told("synced ", "synced A")
			b.next("A", "snapshot:A")
			b.send(b.job("-ERR NO_ANSWER\n"))
			if e := b.outcome(); e.Cause != esl.NoAnswer {
				b.Errorf("cause %q", e.Cause)
			}
		})
	})
	t.Run("answered meanwhile", func(t *testing.T) {
		run(t, Options{}, nil, func(b *bench) {
			b.must()
			b.legs(live("A", "A", "a", owner("me"), answered))
			b.cut()
			b.settle()
			b.next("A", "snapshot:A", "placed:A")
			b.send(b.job("+OK A\n"))
			b.quiet("A")
		})
	})
	t.Run("over, or never dialled", func(t *testing.T) {
		run(t, Options{}, nil, func(b *bench) {
			b.must()
			b.cut()
			b.settle()
			b.told("synced ", "synced ")
			b.next("A", "lost:A")
			b.quiet("A")
		})
	})
	t.Run("seen before, and over", func(t *testing.T) {
		run(t, Options{}, nil, func(b *bench) {
			b.must()
			b.send(placedLeg("CHANNEL_PROGRESS", "A"))
			b.next("A", "progress:A")
			b.cut()
			b.settle()
			b.next("A", "lost:A") // once: as a leg, not as a call as well
			b.quiet("A")
		})
	})
	t.Run("told between the looks", func(t *testing.T) {
		run(t, Options{}, nil, func(b *bench) {
			b.must()
			b.cut()
			time.Sleep(secondLook / 2)
			synctest.Wait()
			b.send(b.job("-ERR USER_BUSY\n"))
			b.settle()
			b.next("A", "placed:")
			b.quiet("A")
		})
	})
	t.Run("the switch restarted", func(t *testing.T) {
		run(t, Options{}, nil, func(b *bench) {
			b.must()
			b.set(func() {
				b.api["global_getvar"] = func(arg string) string { return map[string]string{"core_uuid": "core-2", "hostname": "fs1"}[arg] }
			})
			b.cut()
			b.settle()
			b.told("synced ", "restarted core-2", "synced ")
			b.next("A", "lost:A")
			b.quiet("A")
		})
	})
	t.Run("closed meanwhile", func(t *testing.T) {
		run(t, Options{}, nil, func(b *bench) {
			b.must()
			b.call("A").Close()
			b.send(b.job("+OK A\n"))
			b.cut()
			b.settle()
			b.told("synced ", "synced ")
			if n := len(b.sw.book.jobs) + len(b.sw.book.calls) + len(b.sw.book.legs); n != 0 {
				b.Errorf("%d entries are left in the book", n)
			}
		})
	})
}

// A call that another process placed is found, owner or not; it is never taken for one that came in.
func TestPlacedCallIsFound(t *testing.T) {
	out := wire.Field{Name: "Call-Direction", Value: "outbound"}
	run(t, Options{}, func(s *script) {
		s.legs(live("A", "A", "a", out, parkedNow), live("C", "C", "a", out), live("D2", "D", "a", out, owner("me")))
	}, func(b *bench) {
		b.told("found A A=snapshot", "found C C=snapshot", "found D D2=snapshot", "synced A,C,D")
		b.send(frame(event("CHANNEL_PARK", "E", "E", "a", out)), frame(event("CHANNEL_PARK", "C", "C", "a", out)))
		b.told()
		b.next("C", "parked:C")
	})
}
