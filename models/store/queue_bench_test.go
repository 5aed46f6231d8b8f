package store

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"maskline/models"
)

// BenchmarkEnqueue lets calls wait, by turns with plain inserts of the same rows, and reports the ratio of the medians: one after the other, and
// from 64 posts at once, which share commits where plain inserts do not.
func BenchmarkEnqueue(b *testing.B) {
	benchEach(b, func(b *testing.B, config func() Config) {
		for name, posts := range map[string]int{"alone": 1, "at-once": 64} {
			b.Run(name, func(b *testing.B) {
				v := newVoices(b, config())
				const batch = 64
				turn := func(write func(o models.Outgoing) error) time.Duration {
					calls := make(chan models.Outgoing, batch)
					for range batch {
						calls <- v.call(v.voice, 2)
					}
					close(calls)
					began := time.Now()
					var wg sync.WaitGroup
					for range posts {
						wg.Go(func() {
							for o := range calls {
								if err := write(o); err != nil {
									b.Error(err)
								}
							}
						})
					}
					wg.Wait()
					return time.Since(began) / batch
				}
				ctx, db := context.Background(), v.pools[0]
				var ours, raw []time.Duration
				for b.Loop() {
					ours = append(ours, turn(func(o models.Outgoing) error { return v.Enqueue(ctx, o, nil) }))
					raw = append(raw, turn(func(o models.Outgoing) error {
						_, err := db.ExecContext(ctx, outgoingColumns.insert(1), outgoingColumns.values(&o)...)
						return err
					}))
				}
				slices.Sort(ours)
				slices.Sort(raw)
				b.ReportMetric(float64(ours[len(ours)/2].Nanoseconds()), "ns/enqueue")
				b.ReportMetric(float64(raw[len(raw)/2].Nanoseconds()), "ns/insert")
				b.ReportMetric(float64(ours[len(ours)/2])/float64(raw[len(raw)/2]), "ratio")
				b.ReportMetric(0, "ns/op")
			})
		}
	})
}
