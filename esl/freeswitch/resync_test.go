package freeswitch

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maskline/esl"
	"maskline/esl/wire"
)

// leg is what uuid_dump tells of a leg.
func live(id, call, role string, more ...wire.Field) []wire.Field {
	return event("CHANNEL_DATA", id, call, role, append(more, wire.Field{Name: "Channel-State", Value: "CS_EXECUTE"})...)
}

var parkedNow = wire.Field{Name: "variable_current_application", Value: "park"}

func owner(id string) wire.Field { return wire.Field{Name: "variable_maskline_owner", Value: id} }

func TestResyncKeepsFindsAndLoses(t *testing.T) {
	run(t, Options{}, nil, func(b *bench) {
		b.send(
			park("A"), frame(event("CHANNEL_PROGRESS", "A2", "A", "b")), frame(event("CHANNEL_PROGRESS", "A3", "A", "b")),
			park("C"), park("D"),
		)
		b.told("synced ", "arrived A parked", "arrived C parked", "arrived D parked")
		b.next("A", "progress:A2", "progress:A3")
		b.legs(live("A", "A", "a"), live("A2", "A", "b"), live("P", "P", "a", parkedNow), live("F", "F", "a", owner("me")), live("F2", "F", "b"),
			live("H", "H", "a", owner("me"), wire.Field{Name: "Channel-State", Value: "CS_REPORTING"}), live("N", "N", "a"))
		b.set(func() {
			b.api["uuid_exists"] = func(arg string) string { return map[bool]string{true: "true", false: "false"}[arg == "D"] }
		})
		b.cut()
		b.settle()
		// H is being hung up; N is not parked yet, its CHANNEL_PARK is to come. Both are on the switch.
		b.told("arrived P parked", "found F F=snapshot,F2=snapshot", "synced A,D,F,H,N,P")
		b.next("A", "snapshot:A", "snapshot:A2", "lost:A3")
		b.next("C", "lost:C")
		b.quiet("A")
		b.quiet("D")
		b.send(park("P"), park("N"), frame(event("CHANNEL_HANGUP_COMPLETE", "A2", "A", "b")), frame(event("CHANNEL_HANGUP_COMPLETE", "F2", "F", "b")))
		b.told("arrived N parked")
		b.next("A", "hung_up:A2")
		b.next("F", "hung_up:F2")
		b.quiet("P")
	})
}

func TestEventsWaitForTheResync(t *testing.T) {
	run(t, Options{}, nil, func(b *bench) {
		b.send(park("A"), frame(event("CHANNEL_PROGRESS", "B", "A", "b")), frame(event("CHANNEL_PROGRESS", "B2", "A", "b")))
		b.told("synced ", "arrived A parked")
		b.next("A", "progress:B", "progress:B2")
		b.legs(live("A", "A", "a"), live("B", "A", "b"), live("F", "F", "a", owner("me")))
		show := b.api["show"]
		release := make(chan struct{})
		b.set(func() {
			b.api["show"] = func(arg string) string {
				<-release // the look is under way for as long as the test wants
				return show(arg)
			}
		})
		b.cut()
		time.Sleep(time.Second)
		b.send(frame(event("CHANNEL_ANSWER", "B", "A", "b")), frame(event("CHANNEL_HANGUP_COMPLETE", "B2", "A", "b")), park("G"), frame(event("CHANNEL_HANGUP_COMPLETE", "F", "F", "a")))
		b.told()
		b.quiet("A")
		close(release)
		b.told("found F F=snapshot", "arrived G parked")
		b.next("A", "snapshot:A", "snapshot:B", "answered:B", "hung_up:B2")
		b.next("F", "hung_up:F")
		b.set(func() { b.api["show"] = func(string) string { return `{"row_count":0}` } })
		b.legs(live("A", "A", "a"), live("B", "A", "b"))
		b.settle()
		// G came while the looks went on: no look ends it. B2's end was told: it is not lost as well.
		b.told("synced A,G")
		b.quiet("A")
		b.quiet("G")
	})
}

func TestFailedSnapshotEndsNoCall(t *testing.T) {
	for name, show := range map[string]string{
		"error": "-ERR SQL Error [locked]\n", "not json": "{", "no count": "{}", "rows missing": `{"row_count":2,"rows":[{"uuid":"A"}]}`, "nothing": "",
		"another type": "[]", "a dump of another": `{"row_count":1,"rows":[{"uuid":"X","presence_data":"maskline:X"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			run(t, Options{}, nil, func(b *bench) {
				b.send(park("A"))
				b.told("synced ", "arrived A parked")
				good := b.api["show"]
				b.set(func() {
					b.api["show"] = func(string) string { return show }
					b.api["uuid_dump"] = func(arg string) string {
						if arg == "X" {
							return "Unique-ID: Y\n\n"
						}
						return "-ERR No such channel!\n"
					}
				})
				before := b.count("show")
				b.cut()
				time.Sleep(20 * time.Second)
				b.told()
				b.quiet("A")
				if n := b.count("show") - before; n < 3 || n > 40 {
					b.Errorf("looked %d times in 20 s", n)
				}
				b.set(func() { b.api["show"] = good })
				time.Sleep(2 * maxBackoff)
				b.told("synced ")
				b.next("A", "lost:A")
			})
		})
	}
}

// A leg that the list does not show is gone only when uuid_exists says so in so many words.
func TestLegIsGoneOnlyWhenTheSwitchSaysSo(t *testing.T) {
	for name, answer := range map[string]string{"it is there": "true", "an error": "-ERR no reply\n", "nothing": "", "another word": "falsehood", "a usage": "-USAGE: <uuid>\n"} {
		t.Run(name, func(t *testing.T) {
			run(t, Options{}, nil, func(b *bench) {
				b.send(park("A"))
				b.told("synced ", "arrived A parked")
				b.set(func() {
					b.api["uuid_dump"] = func(string) string { return "-ERR No such channel!\n" }
					b.api["uuid_exists"] = func(string) string { return answer }
				})
				b.cut()
				time.Sleep(2 * maxBackoff)
				b.quiet("A")
				b.set(func() { b.api["uuid_exists"] = func(string) string { return "false" } })
				b.cut()
				time.Sleep(2 * maxBackoff)
				b.next("A", "lost:A")
			})
		})
	}
}

func TestRestart(t *testing.T) {
	run(t, Options{}, nil, func(b *bench) {
		b.send(park("A"), frame(event("CHANNEL_ANSWER", "B", "A", "b")), park("E"), frame(event("CHANNEL_HANGUP_COMPLETE", "E", "E", "a")))
		b.told("synced ", "arrived A parked", "arrived E parked")
		b.next("A", "answered:B")
		b.next("E", "hung_up:E")
		b.set(func() {
			b.api["global_getvar"] = func(arg string) string { return map[string]string{"core_uuid": "core-2", "hostname": "fs1"}[arg] }
		})
		b.legs(live("Z", "Z", "a", parkedNow))
		b.cut()
		b.settle()
		b.told("restarted core-2", "arrived Z parked", "synced Z")
		seen := map[string]bool{}
		for range 2 {
			e, err := b.call("A").Next(b.Context())
			if err != nil || e.Kind != esl.Lost || e.Call != "A" {
				b.Fatalf("%s %s, %v", e.Kind, e.Leg, err)
			}
			seen[e.Leg+e.Role] = true
		}
		if !seen["Aa"] || !seen["Bb"] {
			b.Errorf("lost %v", seen)
		}
		b.quiet("A")
		b.next("E", "lost:E") // it had no leg left, and is told all the same
		b.quiet("Z")
		if st := b.sw.Status(); st.Core != "core-2" {
			b.Errorf("core %s", st.Core)
		}
	})
}

func TestPlannedLegIsNotLost(t *testing.T) {
	run(t, Options{}, nil, func(b *bench) {
		b.send(park("A"))
		b.told("synced ", "arrived A parked")
		if _, err := b.call("A").Bridge(b.Context(), "A", esl.Dial{Endpoints: []esl.Endpoint{{Leg: "B", Gateway: "g", Number: "1"}, {Leg: "B2", Gateway: "h", Number: "1"}}}); err != nil {
			b.Fatal(err)
		}
		b.legs(live("A", "A", "a"), live("B", "A", "b"))
		b.cut()
		b.settle()
		b.told("synced A")
		b.next("A", "snapshot:A", "snapshot:B")
		b.quiet("A")
	})
}

func TestLegThatEndsDuringALookIsNotFound(t *testing.T) {
	run(t, Options{}, nil, func(b *bench) {
		b.told("synced ")
		b.cut()
		synctest.Wait()
		time.Sleep(secondLook / 2) // between the looks
		b.legs(live("F", "F", "a", owner("me")))
		dump := b.api["uuid_dump"]
		held := make(chan struct{})
		b.set(func() {
			b.api["uuid_dump"] = func(arg string) string {
				<-held
				return dump(arg)
			}
		})
		time.Sleep(secondLook)
		b.send(frame(event("CHANNEL_HANGUP_COMPLETE", "F", "F", "a")))
		synctest.Wait()
		close(held)
		b.told("stray F of F", "synced F")
	})
}

func TestSilenceIsDeath(t *testing.T) {
	run(t, Options{Heartbeat: 20 * time.Second}, nil, func(b *bench) {
		beat := frame([]wire.Field{{Name: "Event-Name", Value: "HEARTBEAT"}, {Name: "Core-UUID", Value: "core-1"}, {Name: "Session-Count", Value: "7"}, {Name: "FreeSWITCH-Hostname", Value: "fs1"}})
		for range 10 {
			time.Sleep(20 * time.Second)
			b.send(beat)
		}
		synctest.Wait()
		logins := b.loggedIn()
		if st := b.sw.Status(); !st.Up || st.Sessions != 7 || !st.LastBeat.Equal(time.Now()) {
			b.Errorf("status %+v", st)
		}
		time.Sleep(49 * time.Second)
		if b.loggedIn() != logins {
			b.Error("gave up before 2.5 heartbeats")
		}
		time.Sleep(10 * time.Second)
		if b.loggedIn() != logins+1 {
			b.Errorf("%d logins after the silence, want 1", b.loggedIn()-logins)
		}
		b.send(frame([]wire.Field{{Name: "Event-Name", Value: "HEARTBEAT"}, {Name: "Core-UUID", Value: "core-9"}}))
		b.settle()
		if b.loggedIn() != logins+2 {
			b.Error("a heartbeat of another core was believed")
		}
	})
}

func TestBadFramesOnTheEventConnection(t *testing.T) {
	for name, bad := range map[string]string{
		"negative length": "Content-Length: -1\nContent-Type: text/event-plain\n\n",
		"truncated":       "Content-Length: 500\nContent-Type: text/event-plain\n\nEvent-Name: X\n\n",
		"no end":          "Content-Length: 14\nContent-Type: text/event-plain\n\nEvent-Name: X\n",
		"lying length":    "Content-Length: 37\nContent-Type: text/event-plain\n\nEvent-Name: X\nContent-Length: 9\n\nab\n\n\n",
		"not utf-8":       "Content-Length: 15\nContent-Type: text/event-plain\n\nEvent-\xff\xffme: X\n\n",
		"too long":        "Content-Length: 99999999\nContent-Type: text/event-plain\n\n",
		"a line too long": strings.Repeat("y", wire.MaxLine+1),
		"a reply":         "Content-Type: command/reply\nReply-Text: +OK\n\n",
		"json":            "Content-Length: 2\nContent-Type: text/event-json\n\n{}",
		"a goodbye":       "Content-Type: text/disconnect-notice\nContent-Length: 0\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			run(t, Options{}, nil, func(b *bench) {
				b.send(park("A"))
				b.told("synced ", "arrived A parked")
				b.legs(live("A", "A", "a"))
				logins := b.loggedIn()
				go b.send([]byte(bad))
				if name == "truncated" {
					synctest.Wait()
					b.set(func() { _ = b.events.Close() })
				}
				b.settle()
				if b.loggedIn() != logins+1 {
					b.Errorf("%d logins, want 1", b.loggedIn()-logins)
				}
				b.told("synced A")
				b.next("A", "snapshot:A")
				b.send(frame(event("CHANNEL_ANSWER", "A", "A", "a")))
				b.next("A", "answered:A")
			})
		})
	}
}

func TestLogin(t *testing.T) {
	run(t, Options{}, func(s *script) { s.password = "another" }, func(b *bench) {
		time.Sleep(maxBackoff)
		synctest.Wait()
		if st := b.sw.Status(); st.Up || !errors.Is(st.Err, esl.ErrRefused) {
			b.Errorf("status %+v", st)
		}
		b.set(func() { b.password = "secret" })
		time.Sleep(2 * maxBackoff)
		b.told("synced ")
		if st := b.sw.Status(); !st.Up || st.Err != nil {
			b.Errorf("status %+v", st)
		}
	})
}
