package delivery

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"maskline/models"
)

type instant struct{}

func (instant) RoundTrip(req *http.Request) (*http.Response, error) {
	_, err := io.Copy(io.Discard, req.Body)
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("")), Request: req}, err
}

// counting is a store in which nothing is ever found and saves are counted.
type counting struct {
	*memory
	saved chan int
}

func (c counting) DueDeliveries(context.Context, time.Time, []int, int) ([]models.Delivery, error) {
	return nil, nil
}

func (c counting) WaitingDeliveries(context.Context, int64, []int, int) ([]models.Delivery, error) {
	return nil, nil
}

func (c counting) SaveAttempt(_ context.Context, rows []models.Delivery, _ ...models.Lease) error {
	c.saved <- len(rows)
	return nil
}

// BenchmarkCourier is what a call of five events and a CDR costs the outbox, without network and database; its loop is one goroutine.
func BenchmarkCourier(b *testing.B) {
	st := counting{newMemory(), make(chan int, 1024)}
	c := New(Options{Store: st, send: instant{}, BatchWait: 10 * time.Millisecond, Rescan: time.Hour})
	run(c, func() {
		for behind := true; behind; behind, _ = c.inbox.standing() {
			time.Sleep(time.Millisecond)
		}
		b.ReportAllocs()
		id, under := int64(0), 0
		for b.Loop() {
			s := fmt.Sprint(id)
			app := id / 6 % 100
			rows := make([]models.Delivery, 6)
			for i := range rows {
				id++
				rows[i] = eventTo(fmt.Sprintf("https://c%d.example/status", app), s, "0123456789")
				rows[i].ID = id
			}
			rows[5].Kind = models.DeliverCDR
			c.Offer(rows)
			for under += 6; under > 1200; {
				under -= <-st.saved
			}
		}
		for under > 0 {
			under -= <-st.saved
		}
	})
}
