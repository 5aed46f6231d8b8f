package freeswitch

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"maskline/esl"
	"maskline/esl/wire"
)

func TestRepliesReachTheirCallers(t *testing.T) {
	run(t, Options{Commands: 1}, nil, func(b *bench) {
		var all sync.WaitGroup
		for i := range 300 {
			all.Go(func() {
				ctx := b.Context()
				if i%3 == 0 { // gives up at some moment; his reply must not go to the next
					var cancel context.CancelFunc
					ctx, cancel = context.WithCancel(ctx)
					go cancel()
				}
				want := "+OK " + strconv.Itoa(i)
				got, err := b.sw.API(ctx, "echo", want)
				if err == nil && got != want {
					t.Errorf("caller %d got %q", i, got)
				}
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Errorf("caller %d: %v", i, err)
				}
			})
		}
		all.Wait()
	})
}

func TestReplyThatNeverComes(t *testing.T) {
	run(t, Options{Commands: 1}, nil, func(b *bench) {
		b.set(func() { b.silent["slow"] = true })
		started := time.Now()
		behind := make(chan error, 1)
		go func() {
			time.Sleep(time.Second)
			_, err := b.sw.API(b.Context(), "echo", "behind")
			behind <- err
		}()
		_, err := b.sw.API(b.Context(), "slow", "")
		if !errors.Is(err, esl.ErrDown) || time.Since(started) != maxTimeout {
			b.Errorf("after %s: %v", time.Since(started), err)
		}
		if err := <-behind; err != nil {
			b.Errorf("the one behind waited for the new connection, and got %v", err)
		}
		if got, err := b.sw.API(b.Context(), "echo", "+OK later"); err != nil || got != "+OK later" {
			b.Errorf("after the timeout: %q, %v", got, err)
		}
	})
}

func TestDoubtClosesACommandConnection(t *testing.T) {
	for name, reply := range map[string]string{
		"negative length":  "Content-Type: api/response\nContent-Length: -1\n\n",
		"absurd length":    "Content-Type: api/response\nContent-Length: 99999999999\n\n",
		"two lengths":      "Content-Type: api/response\nContent-Length: 1\nContent-Length: 2\n\nab",
		"no colon":         "nonsense\n\n",
		"NUL":              "Content-Type: api/response\x00\n\n",
		"not utf-8":        "Content-Type: api/resp\xffonse\n\n",
		"long line":        strings.Repeat("x", wire.MaxLine+1),
		"a reply":          "Content-Type: command/reply\nReply-Text: +OK\n\n",
		"an event":         "Content-Length: 19\nContent-Type: text/event-plain\n\nEvent-Name: RELOAD\n\n",
		"a log line":       "Content-Type: log/data\nContent-Length: 1\n\nx",
		"login again":      "Content-Type: auth/request\n\n",
		"two replies":      "Content-Type: api/response\nContent-Length: 3\n\n+OKContent-Type: api/response\nContent-Length: 3\n\n+OK",
		"a goodbye":        "Content-Type: text/disconnect-notice\nContent-Length: 0\n\n",
		"truncated, later": "Content-Type: api/response\nContent-Length: 10\n\n+OK",
	} {
		t.Run(name, func(t *testing.T) {
			run(t, Options{Commands: 1}, func(s *script) { s.raw["bad"] = reply }, func(b *bench) {
				before := b.loggedIn()
				if _, err := b.sw.API(b.Context(), "bad", ""); name != "two replies" && !errors.Is(err, esl.ErrDown) {
					b.Errorf("got %v, want ErrDown", err)
				}
				synctest.Wait()
				if got, err := b.sw.API(b.Context(), "echo", "+OK fine"); err != nil || got != "+OK fine" {
					b.Errorf("afterwards: %q, %v", got, err)
				}
				if b.loggedIn() != before+1 {
					b.Errorf("%d logins after the doubt, want 1", b.loggedIn()-before)
				}
			})
		})
	}
}

func TestRefusals(t *testing.T) {
	answers := map[string]string{
		"ask1": "-ERR No such channel!\n", "ask2": "-ERR invalid\n", "ask3": "-USAGE: <uuid>\n", "ask4": "-ERR " + strings.Repeat("名", 200), "ask6": "-ERR no route to +8613800000000\n",
	}
	run(t, Options{}, func(s *script) {
		for name, text := range answers {
			s.api[name] = func(string) string { return text }
		}
		s.raw["ask5"] = "Content-Type: command/reply\nReply-Text: -ERR permission denied\n\n"
	}, func(b *bench) {
		for name, want := range map[string]error{"ask1": esl.ErrGone, "ask2": esl.ErrRefused, "ask3": esl.ErrRefused, "ask4": esl.ErrRefused, "ask5": esl.ErrRefused, "ask6": esl.ErrRefused} {
			if _, err := b.sw.API(b.Context(), name, ""); !errors.Is(err, want) || len(err.Error()) > 250 || strings.Contains(err.Error(), "138") {
				b.Errorf("%s: %v, want %v", name, err, want)
			}
		}
		if _, err := b.sw.API(b.Context(), "status\n\napi shutdown", ""); !errors.Is(err, esl.ErrUnsafe) {
			b.Errorf("two commands in one: %v", err)
		}
		if n := b.count("shutdown"); n != 0 {
			b.Error("the switch was asked to shut down")
		}
	})
}

func TestCommandsWhileDown(t *testing.T) {
	run(t, Options{}, func(s *script) { s.refuse = true }, func(b *bench) {
		if st := b.sw.Status(); st.Up || st.Err == nil || st.Backoff <= 0 {
			b.Errorf("status %+v", st)
		}
		started := time.Now()
		if _, err := b.sw.API(b.Context(), "echo", ""); !errors.Is(err, esl.ErrDown) || time.Since(started) != maxTimeout {
			b.Errorf("after %s: %v", time.Since(started), err)
		}
		ctx, cancel := context.WithTimeout(b.Context(), time.Second)
		defer cancel()
		if _, err := b.sw.API(ctx, "echo", ""); !errors.Is(err, esl.ErrDown) || !errors.Is(err, context.DeadlineExceeded) {
			b.Errorf("own deadline: %v", err)
		}
		b.set(func() { b.refuse = false })
		time.Sleep(maxBackoff)
		if got, err := b.sw.API(b.Context(), "echo", "+OK"); err != nil || got != "+OK" {
			b.Errorf("after it came up: %q, %v", got, err)
		}
		b.settle()
		if st := b.sw.Status(); !st.Up || st.Err != nil || st.Core != "core-1" || st.Hostname != "fs1" || st.Version != "1.11.1-release~64bit" {
			b.Errorf("status %+v", st)
		}
	})
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []Options{{}, {Name: "x"}, {Name: "x", Addr: "a:1", Password: "a\nb"}, {Name: "x", Addr: "a:1", Commands: 99}} {
		s := New(o)
		if err := s.Run(t.Context(), nil); err == nil {
			t.Errorf("%+v ran", o)
		}
		if _, err := s.API(t.Context(), "status", ""); err == nil {
			t.Errorf("%+v takes commands", o)
		}
	}
	s := New(Options{Name: "x", Addr: "a:1"})
	if _, err := s.API(t.Context(), "status", ""); !errors.Is(err, esl.ErrDown) {
		t.Errorf("before run: %v", err)
	}
}

func TestCallCommands(t *testing.T) {
	const a, b2 = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
	run(t, Options{Commands: 1}, nil, func(b *bench) {
		b.send(park(a))
		synctest.Wait()
		c, ctx := b.call(a), b.Context()
		b.set(func() { b.asked = nil })
		token, err := c.Bridge(ctx, a, esl.Dial{
			Vars:      []esl.Var{{Name: "ignore_early_media", Value: "false"}},
			Endpoints: []esl.Endpoint{{Leg: b2, Gateway: "g", Number: "1", Timeout: time.Second, Vars: []esl.Var{{Name: "x", Value: "y"}}}},
		})
		if err != nil || len(token) != 36 {
			b.Errorf("bridge: %q, %v", token, err)
		}
		for _, err := range []error{
			c.Claim(ctx), c.Ring(ctx, a), c.Set(ctx, a, esl.Var{Name: "v", Value: "a;b"}), c.Break(ctx, a), c.Hangup(ctx, a, esl.UserBusy), c.Hangup(ctx, b2, ""), c.Set(ctx, a),
		} {
			if err != nil {
				b.Error(err)
			}
		}
		want := []string{
			"sendmsg " + a + " bridge {^^~ignore_early_media=false~maskline_call=" + a + "~maskline_role=b~presence_data=maskline:" + a +
				"}[^^~origination_uuid=" + b2 + "~leg_timeout=1~x=y]sofia/gateway/g/1",
			"sched_del " + a, "uuid_ring_ready " + a, `uuid_setvar_multi ` + a + ` v=a\;b`, "uuid_break " + a + " all", "uuid_kill " + a + " USER_BUSY", "uuid_kill " + b2 + " NORMAL_CLEARING",
		}
		if got := strings.Join(b.asked, "\n"); got != strings.Join(want, "\n") {
			b.Errorf("the switch was asked\n%s\nwant\n%s", got, strings.Join(want, "\n"))
		}
		b.send(frame(event("CHANNEL_PROGRESS", b2, "", ""))) // a leg that we dialled is known by its id alone
		b.next(a, "progress:"+b2)

		for _, err := range []error{c.Hangup(ctx, "x y", ""), c.Hangup(ctx, a, "a b"), c.Break(ctx, "x\n"), c.Ring(ctx, "x y"), c.Set(ctx, a, esl.Var{Name: "v", Value: "${x}"})} {
			if !errors.Is(err, esl.ErrUnsafe) {
				b.Errorf("unsafe: %v", err)
			}
		}
		b.set(func() { b.api["sched_del"] = func(string) string { return "+OK Deleted: 0\n" } })
		if err := c.Claim(ctx); !errors.Is(err, esl.ErrClaimed) {
			b.Errorf("second claim: %v", err)
		}
		b.set(func() { b.api["sched_del"] = func(string) string { return "+OK\n" } })
		if err := c.Claim(ctx); !errors.Is(err, esl.ErrRefused) {
			b.Errorf("claim not understood: %v", err)
		}
		b.set(func() { b.raw["sendmsg"] = "Content-Type: command/reply\nReply-Text: -ERR invalid session id [x]\n\n" })
		if _, err := c.Execute(ctx, a, "playback", "x.wav"); !errors.Is(err, esl.ErrGone) {
			b.Errorf("execute on a leg that is gone: %v", err)
		}
	})
}
