package daemon

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

func TestSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs, failures, slow := 0, 0, 0
		began := time.Now().UTC() // midnight
		var at time.Time
		stop, err := schedule(t.Context(), []job{
			{"every", "@every 10s", func(context.Context) (int, error) { runs++; return 1, nil }},
			{"nightly", "30 3 * * *", func(context.Context) (int, error) { at = time.Now().UTC(); return 0, nil }},
			{"failing", "@every 1h", func(context.Context) (int, error) { failures++; return 0, errors.New("no") }},
			{"panicking", "@every 1h", func(context.Context) (int, error) { panic("in a job") }},
			{"slow", "@every 1m", func(ctx context.Context) (int, error) {
				slow++
				select {
				case <-time.After(150 * time.Second):
				case <-ctx.Done():
				}
				return 0, nil
			}},
		}, slog.New(slog.DiscardHandler), func(string, bool) {})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(4*time.Hour + time.Second)
		synctest.Wait()
		if runs != 4*360 || failures != 4 {
			t.Errorf("%d runs, %d failures", runs, failures)
		}
		if at.Sub(began) != 3*time.Hour+30*time.Minute {
			t.Errorf("nightly ran at %s", at)
		}
		if slow > 81 || slow < 79 {
			t.Errorf("a slow job was started %d times: it must be skipped while it runs", slow)
		}
		stop()
	})
	if _, err := schedule(t.Context(), []job{{name: "bad", spec: "TZ=UTC"}}, slog.New(slog.DiscardHandler), nil); err == nil {
		t.Error("a spec that panics the parser was taken")
	}
}

func TestBatchesStop(t *testing.T) {
	left := 3*jobBatch + 7
	n, err := batches(t.Context(), func(context.Context) (int, error) {
		some := min(left, jobBatch)
		left -= some
		return some, nil
	})
	if n != 3*jobBatch+7 || err != nil || left != 0 {
		t.Errorf("%d, %v, %d left", n, err, left)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, _ := batches(ctx, func(context.Context) (int, error) { return jobBatch, nil }); n != jobBatch {
		t.Errorf("an ended job went on: %d", n)
	}
}

func TestClosersRunBackwardsOnceAndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := closers{log: slog.New(slog.DiscardHandler)}
		var order []string
		for _, name := range []string{"first", "second", "third"} {
			c.add(name, time.Second, func(ctx context.Context) error {
				order = append(order, name)
				if name == "second" {
					<-ctx.Done()
					return errors.New("it hangs")
				}
				return nil
			})
		}
		began := time.Now()
		err := c.close(2 * time.Second)
		if err == nil || err.Error() != "end second: it hangs" || time.Since(began) != 2*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		if len(order) != 3 || order[0] != "third" || order[2] != "first" {
			t.Errorf("order %v", order)
		}
		if err := c.close(time.Second); err != nil || len(order) != 3 {
			t.Errorf("a second close did something: %v, %v", err, order)
		}
	})
}
