package billing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"maskline/models"
)

// CatchUpStore is what a CatchUp asks of the database.
type CatchUpStore interface {
	// UnratedCDRs gives answered calls that were written before a time and have no charges, by id, above afterID.
	UnratedCDRs(ctx context.Context, afterID int64, before time.Time, n int) ([]models.CDR, error)
	// AddCharges writes charges; those that are there already, by session and leg, stay as they are.
	AddCharges(ctx context.Context, charges []models.Charge) error
	// MarkRated says of calls that nobody pays for them.
	MarkRated(ctx context.Context, sessionIDs []string) error
}

// cdrsAtOnce is how many calls are rated in one transaction.
const cdrsAtOnce = 500

// CatchUp makes the charges of calls that got none when they ended, because their price plan could not be read then.
type CatchUp struct {
	store CatchUpStore
	rater *Rater
}

// NewCatchUp makes a CatchUp.
func NewCatchUp(s CatchUpStore, r *Rater) *CatchUp { return &CatchUp{s, r} }

// Run rates all calls without charges that were written before now, and gives how many. One that cannot be rated does not keep the others
// waiting. A charge that comes after its hour was settled becomes a correction of that hour.
func (u *CatchUp) Run(ctx context.Context, now time.Time) (count int, err error) {
	var errs []error
	for after := int64(0); ; {
		cdrs, err := u.store.UnratedCDRs(ctx, after, now, cdrsAtOnce)
		if err != nil {
			return count, errors.Join(append(errs, fmt.Errorf("look for calls without charges: %w", err))...)
		}
		if len(cdrs) == 0 {
			return count, errors.Join(errs...)
		}
		after = cdrs[len(cdrs)-1].ID
		n, err := u.rate(ctx, cdrs)
		count += n
		if err != nil {
			errs = append(errs, err)
		}
		if ctx.Err() != nil || len(errs) >= 10 {
			return count, errors.Join(errs...)
		}
	}
}

// rate makes the charges of some calls. It gives the first failure.
func (u *CatchUp) rate(ctx context.Context, cdrs []models.CDR) (count int, failed error) {
	var charges []models.Charge
	var free []string
	for _, c := range cdrs {
		made, err := u.rater.Rate(ctx, c)
		switch {
		case err != nil && failed == nil:
			failed = err
		case err != nil:
		case len(made) == 0:
			free = append(free, c.SessionID)
		default:
			charges = append(charges, made...)
			count++
		}
	}
	if len(free) > 0 {
		if err := u.store.MarkRated(ctx, free); err != nil {
			return 0, errors.Join(failed, fmt.Errorf("mark calls that cost nothing: %w", err))
		}
	}
	if len(charges) > 0 {
		if err := u.store.AddCharges(ctx, charges); err != nil {
			return 0, errors.Join(failed, fmt.Errorf("write charges: %w", err))
		}
	}
	return count + len(free), failed
}
