package freeswitch

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"maskline/esl"
	"maskline/esl/wire"
)

func TestDispatch(t *testing.T) {
	run(t, Options{}, nil, func(b *bench) {
		b.told("synced ")
		b.send(park("A"), park("A"), frame(event("CHANNEL_PROGRESS", "B", "A", "b")))
		b.told("arrived A parked")
		b.next("A", "progress:B")
		if err := b.call("A").Claim(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.send(
			frame(event("CHANNEL_EXECUTE_COMPLETE", "A", "A", "a", wire.Field{Name: "Application-UUID", Value: "token-1"})),
			park("A"),
			frame(event("CHANNEL_ANSWER", "B", "", "")), // known by its leg
			frame(event("CHANNEL_UNBRIDGE", "B", "A", "b")),
			frame(event("CHANNEL_HANGUP_COMPLETE", "B", "A", "b")),
		)
		e, err := b.call("A").Next(b.Context())
		if err != nil || e.Kind != esl.Executed || e.Token != "token-1" || e.Role != "a" || !e.At.Equal(time.UnixMicro(1795162585000000)) {
			b.Errorf("executed: %+v, %v", e, err)
		}
		b.next("A", "parked:A", "answered:B", "hung_up:B")
		b.quiet("A")

		b.call("A").Close()
		b.call("A").Close()
		if _, err := b.call("A").Next(b.Context()); !errors.Is(err, esl.ErrClosed) {
			b.Errorf("next after close: %v", err)
		}
		b.send(
			frame(event("CHANNEL_ANSWER", "A", "A", "a")),
			frame(event("CHANNEL_HANGUP_COMPLETE", "A", "A", "a")),
			frame(event("CHANNEL_HANGUP_COMPLETE", "C", "", "", wire.Field{Name: "variable_maskline_stranger", Value: "true"})),
			frame(event("CHANNEL_HANGUP_COMPLETE", "D", "", "", wire.Field{Name: "variable_maskline_stranger", Value: "challenged"})),
			frame(event("CHANNEL_HANGUP_COMPLETE", "G", "", "", wire.Field{Name: "Call-Direction", Value: "inbound"}, wire.Field{Name: "Hangup-Cause", Value: "CALL_REJECTED"})),
			frame(event("CHANNEL_HANGUP_COMPLETE", "H", "", "", wire.Field{Name: "Call-Direction", Value: "outbound"}, wire.Field{Name: "Hangup-Cause", Value: "CALL_REJECTED"})),
			frame(event("CHANNEL_PARK", "E", "E", "a", wire.Field{Name: "variable_maskline_owner", Value: "another"})),
			frame(event("CHANNEL_PARK", "F", "A", "b")),
		)
		b.told("stray A of A", "stranger C", "stranger G")
	})
}

func TestOrderUnderBurst(t *testing.T) {
	const calls, each = 100, 200
	run(t, Options{}, nil, func(b *bench) {
		var all []byte
		for i := range calls {
			all = append(all, park("call-"+strconv.Itoa(i))...)
		}
		for n := range each {
			for i := range calls {
				id := "call-" + strconv.Itoa(i)
				all = append(all, frame(event("CHANNEL_PROGRESS", id, id, "a", wire.Field{Name: "n", Value: strconv.Itoa(n)}))...)
			}
		}
		b.send(all)
		synctest.Wait()
		for i := range calls {
			for n := range each {
				if e, err := b.call("call-" + strconv.Itoa(i)).Next(b.Context()); err != nil || e.Get("n") != strconv.Itoa(n) {
					b.Fatalf("event %d of call %d is %q, %v", n, i, e.Get("n"), err)
				}
			}
		}
	})
}

func TestOverflow(t *testing.T) {
	overflows := 0
	run(t, Options{Mailbox: 3, Metrics: Metrics{Overflow: func() { overflows++ }}}, nil, func(b *bench) {
		progress := frame(event("CHANNEL_PROGRESS", "A", "A", "a"))
		b.send(park("A"), park("B"), slices.Repeat(progress, 5), frame(event("CHANNEL_ANSWER", "B", "B", "a")))
		synctest.Wait()
		b.next("A", "progress:A", "progress:A", "progress:A")
		for range 2 {
			if _, err := b.call("A").Next(b.Context()); !errors.Is(err, esl.ErrOverflow) {
				b.Errorf("after the overflow: %v", err)
			}
		}
		b.next("B", "answered:B")
		if overflows != 1 {
			b.Errorf("overflow was counted %d times", overflows)
		}
	})
}

func TestNextEndsWithItsContext(t *testing.T) {
	run(t, Options{}, nil, func(b *bench) {
		b.send(park("A"))
		synctest.Wait()
		ctx, cancel := context.WithCancelCause(b.Context())
		failed := make(chan error)
		go func() {
			_, err := b.call("A").Next(ctx)
			failed <- err
		}()
		synctest.Wait()
		cancel(nil)
		if err := <-failed; !errors.Is(err, context.Canceled) {
			b.Errorf("got %v", err)
		}
		go func() {
			_, err := b.call("A").Next(b.Context())
			failed <- err
		}()
		synctest.Wait()
		b.call("A").Close()
		if err := <-failed; !errors.Is(err, esl.ErrClosed) {
			b.Errorf("closed while waiting: %v", err)
		}
	})
}
