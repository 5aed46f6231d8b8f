package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// settling is how long a measurement goes on after the last call has ended, the same for all: what is pushed or written late is counted.
const settling = 3 * time.Second

// round is one measurement. Times are per call.
type round struct {
	Switch   ms      `json:"switch_ms"`
	Daemon   ms      `json:"daemon_ms"`
	Database ms      `json:"database_ms"`
	Setup    ms      `json:"setup_ms"`     // median
	SetupP95 ms      `json:"setup_p95_ms"` // the 95th of a hundred
	Queries  float64 `json:"statements"`   // of the database
	Commits  float64 `json:"commits"`      // likewise, each of them on disk
	Calls    int     `json:"calls"`
	Failed   int     `json:"failed"`
}

// ms is a time in milliseconds.
type ms float64

func each(d time.Duration, calls int) ms {
	return ms(float64(d) / float64(time.Millisecond) / float64(calls))
}

func (b *bench) measureAll(ctx context.Context, chosen []variant) (results, error) {
	r := results{Machine: machine(), Rate: b.asked.rate, Rounds: b.asked.rounds, Calls: b.asked.calls}
	for _, v := range chosen {
		r.Variants = append(r.Variants, outcome{variant: v})
	}
	for n := range b.asked.rounds {
		for i, v := range chosen {
			m, err := b.measure(ctx, v)
			if err != nil {
				return r, fmt.Errorf("%s: %w", v.Title, err)
			}
			fmt.Printf("round %d  %-44s switch %6.2f  daemon %5.2f  database %5.2f ms a call (%.0f statements, %.1f commits)   set-up %5.1f ms (p95 %.1f)   %d failed\n",
				n+1, v.Title, m.Switch, m.Daemon, m.Database, m.Queries, m.Commits, m.Setup, m.SetupP95, m.Failed)
			r.Variants[i].Rounds = append(r.Variants[i].Rounds, m)
		}
	}
	if b.asked.highest {
		for i, v := range chosen {
			if v.Key != "a" && v.Key != "c" {
				continue
			}
			rate, err := b.climb(ctx, v)
			if err != nil {
				return r, fmt.Errorf("%s: %w", v.Title, err)
			}
			fmt.Printf("highest  %-44s %d calls a second\n", v.Title, rate)
			r.Variants[i].Highest = rate
		}
	}
	return r, nil
}

// house is what runs for one measurement.
type house struct{ sw, daemon, phones *child }

func (h house) close() {
	h.daemon.stop(15 * time.Second)
	h.sw.stop(15 * time.Second)
	h.phones.stop(2 * time.Second)
}

// open starts the processes of a variant.
func (b *bench) open(ctx context.Context, v variant) (h house, err error) {
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	if err := os.RemoveAll(filepath.Join(b.dir, "switch")); err != nil {
		return h, fmt.Errorf("clear the switch's files: %w", err)
	}
	if h.sw, err = b.boot(ctx, v); err != nil {
		return h, err
	}
	if v.maskline {
		if h.daemon, err = b.serve(ctx); err != nil {
			return h, err
		}
		if !b.rented {
			if err := b.rent(ctx); err != nil {
				return h, err
			}
			b.rented = true
		}
	}
	h.phones, err = b.answerPhones(ctx)
	return h, err
}

// measure runs a variant once: calls to warm up, then those that are counted, then a while in which what comes late is counted too.
func (b *bench) measure(ctx context.Context, v variant) (round, error) {
	h, err := b.open(ctx, v)
	if err != nil {
		return round{}, err
	}
	defer h.close()
	if _, err := b.shoot(ctx, b.asked.warm, b.asked.rate, v.record); err != nil {
		return round{}, err
	}
	if err := b.pause(ctx, settling, h.sw); err != nil {
		return round{}, err
	}
	before, err := b.used(ctx, h)
	if err != nil {
		return round{}, err
	}
	stop := b.profileDaemon(ctx, v)
	got, err := b.shoot(ctx, b.asked.calls, b.asked.rate, v.record)
	if err != nil {
		return round{}, err
	}
	if err := b.pause(ctx, settling, h.sw); err != nil {
		return round{}, err
	}
	after, err := b.used(ctx, h)
	if err != nil {
		return round{}, err
	}
	if err := stop(); err != nil {
		return round{}, err
	}
	if v.maskline {
		if err := b.awaitRecords(ctx, before.cdrs+got.calls, h); err != nil {
			return round{}, err
		}
	}
	if len(got.setup) == 0 {
		return round{}, errors.New("no call was answered")
	}
	return round{
		Switch: each(after.sw-before.sw, got.calls), Daemon: each(after.daemon-before.daemon, got.calls), Database: each(after.database-before.database, got.calls),
		Setup: each(got.setup[len(got.setup)/2], 1), SetupP95: each(got.setup[len(got.setup)*95/100], 1), Calls: got.calls, Failed: got.failed,
		Queries: float64(after.queries-before.queries) / float64(got.calls), Commits: float64(after.commits-before.commits) / float64(got.calls),
	}, nil
}

// recordsIn is how long the last CDR may take: on a machine that is far too busy a call is refused late, and written from the switch's record.
const recordsIn = 40 * time.Second

// awaitRecords waits until every call has its CDR: a figure of a daemon that lost some would be none.
func (b *bench) awaitRecords(ctx context.Context, want int, h house) error {
	for deadline := time.Now().Add(recordsIn); ; {
		n, err := b.recorded(ctx)
		if err != nil || n >= want {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d calls have no CDR after %s", want-n, recordsIn)
		}
		if err := b.pause(ctx, 200*time.Millisecond, h.daemon); err != nil {
			return fmt.Errorf("wait for the CDRs: %w", err)
		}
	}
}

// used is what the processes have consumed so far, and how many calls the daemon has written.
type used struct {
	sw, daemon, database time.Duration
	cdrs                 int
	queries, commits     int
}

func (b *bench) used(ctx context.Context, h house) (u used, err error) {
	var errs [5]error
	u.sw, errs[0] = h.sw.cpu()
	u.daemon, errs[1] = h.daemon.cpu()
	u.database, errs[2] = b.database.cpu()
	u.queries, u.commits, errs[4] = b.statements(ctx)
	if h.daemon != nil {
		u.cdrs, errs[3] = b.recorded(ctx)
	}
	return u, errors.Join(errs[:]...)
}

// climb raises the rate until a call fails or half of them take a second longer to set up, and gives the last rate that went well.
func (b *bench) climb(ctx context.Context, v variant) (int, error) {
	h, err := b.open(ctx, v)
	if err != nil {
		return 0, err
	}
	defer h.close()
	best := 0
	for rate := b.asked.rate; rate <= 2000; rate += max(rate/5, 1) {
		got, err := b.shoot(ctx, 5*rate, rate, v.record)
		if err != nil {
			return 0, err
		}
		if got.failed > 0 || got.setup[len(got.setup)/2] > time.Second {
			break
		}
		best = rate
	}
	return best, nil
}
