package billing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"maskline/models/store"
)

// SettlementStore is what a Settlement asks of the database.
type SettlementStore interface {
	// OpenHours gives hours with charges that are not settled, of calls that ended before a time: tenant by tenant, each one's oldest first.
	OpenHours(ctx context.Context, before time.Time, n int) ([]store.TenantHour, error)
	SettleChunk(ctx context.Context, hour store.TenantHour, n int, now time.Time) (store.Settled, error)
}

const (
	hoursAtOnce = 200     // open hours that are read in one look
	hoursMost   = 100_000 // … when tenants failed whose hours stand before others'
)

// Settlement settles the charges of closed hours.
type Settlement struct{ store SettlementStore }

// NewSettlement makes a Settlement.
func NewSettlement(s SettlementStore) *Settlement { return &Settlement{s} }

// Run settles all charges of the hours that are over at now, missed ones too, and gives how many it settled. Each chunk is one transaction: a second
// daemon that does the same finds it done, and one that was killed is followed by the next run. A tenant whose hour fails is left for the next run,
// with his later hours, since packages pay in the order of hours; he does not keep the others waiting.
func (s *Settlement) Run(ctx context.Context, now time.Time) (count int, err error) {
	r := settling{store: s.store, now: now, failed: map[int64]error{}, empty: map[store.TenantHour]bool{}}
	for n := hoursAtOnce; n <= hoursMost; {
		hours, err := s.store.OpenHours(ctx, now.UTC().Truncate(time.Hour), n)
		if err != nil {
			return r.count, errors.Join(fmt.Errorf("look for hours to settle: %w", err), failures(r.failed))
		}
		tried, err := r.hours(ctx, hours)
		if err != nil {
			return r.count, err
		}
		if tried == 0 && len(hours) < n {
			break
		}
		if tried == 0 {
			n *= 2 // only tenants that failed are in sight
		}
	}
	return r.count, failures(r.failed)
}

// settling is one run.
type settling struct {
	store  SettlementStore
	now    time.Time
	count  int
	failed map[int64]error
	empty  map[store.TenantHour]bool // in which nothing was found, once: another daemon may have been there
}

// hours settles those of tenants that have not failed, and gives how many it tried.
func (r *settling) hours(ctx context.Context, list []store.TenantHour) (tried int, err error) {
	for _, h := range list {
		if r.failed[h.TenantID] != nil {
			continue
		}
		tried++
		err := r.hour(ctx, h)
		if ctx.Err() != nil {
			return tried, fmt.Errorf("settle: %w", ctx.Err())
		}
		if err != nil {
			r.failed[h.TenantID] = fmt.Errorf("settle the hour %s of tenant %d: %w", h.Hour.UTC().Format(time.RFC3339), h.TenantID, err)
		}
	}
	return tried, nil
}

// hour settles one tenant's hour to its end.
func (r *settling) hour(ctx context.Context, h store.TenantHour) error {
	for found := 0; ; {
		chunk, err := r.store.SettleChunk(ctx, h, store.SettleMost, r.now)
		if err != nil {
			return err
		}
		found += chunk.Charges
		r.count += chunk.Charges
		switch {
		case chunk.Done && found == 0 && r.empty[h], !chunk.Done && chunk.Charges == 0:
			return errors.New("it is open, and no charge of it can be settled")
		case chunk.Done:
			r.empty[h] = found == 0
			return nil
		}
	}
}

// failures joins what went wrong for tenants.
func failures(failed map[int64]error) error {
	return errors.Join(slices.Collect(maps.Values(failed))...)
}
