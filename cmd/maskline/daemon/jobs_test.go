package daemon

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

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
