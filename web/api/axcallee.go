package api

import (
	"context"
	"time"

	"maskline/models"
)

// The life of a temporary callee, seconds. The original says that the call is to be made within a minute (spec/privatenumber.md §2.2); how
// long one may ask for it does not say, so it is as long as any binding.
const (
	calleeUsual = 60
	calleeMost  = models.LifeMax
)

// setCallee is PUT on the temporary callee: whom A reaches when he next dials X. Set again, the new one counts. origNum beside privateNum must
// be the A of X; newer clients leave it out.
func (a *api) setCallee(_ context.Context, r request) (work, error) {
	f, err := bodyFields(r.body)
	if err != nil {
		return nil, err
	}
	by := a.whichAX(f)
	if by.SubscriptionID == "" {
		by.A, _ = a.numbers.party(f, "origNum")
	}
	callee := a.needParty(f, "calleeNum")
	seconds, _ := f.whole("duration")
	if seconds == 0 {
		seconds = calleeUsual
	}
	switch {
	case seconds < 1 || seconds > calleeMost:
		f.fail("duration", "duration is 1 to %d seconds", calleeMost)
	case callee == by.A:
		f.fail("calleeNum", "origNum and calleeNum are the same number")
	}
	if f.err != nil {
		return nil, f.err
	}
	return func(ctx context.Context) (any, error) {
		_, err := a.Store.SetTemp(ctx, r.ID, by, callee, time.Duration(seconds)*time.Second)
		return success, notThere(err)
	}, nil
}
