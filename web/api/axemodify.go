package api

import (
	"context"
	"time"

	"maskline/models"
)

// modifyAXE is PUT: what is absent stays, "" clears. A bindExpiredTime, also the same again, starts the binding's life anew.
func (a *api) modifyAXE(_ context.Context, r request) (work, error) {
	f, err := bodyFields(r.body)
	if err != nil {
		return nil, err
	}
	by := a.whichAXE(f)
	said := models.BindingSettings{TimeUnit: 1} // minutes, of which there may be more; the binding's own unit is judged with the change
	if err := a.readAXE(r.caller, f, &said); err != nil {
		return nil, err
	}
	change := func(b *models.Binding) error {
		a.setAXE(f, &b.BindingSettings)
		oneCallback(f, &b.BindingSettings)
		if b.CallbackNum == b.A.Reveal() {
			return models.Fail(models.Invalid, "callbackNum", "callbackNum and bindNum are the same number")
		}
		if _, restart := f.whole("bindExpiredTime"); restart {
			b.StartedAt = time.Time{} // the store starts the clock anew, also for the same time
		}
		return b.Validate()
	}
	return func(ctx context.Context) (any, error) {
		if err := a.notOurs(ctx, "callbackNum", said.CallbackNum); err != nil {
			return nil, err
		}
		_, err := a.Store.ModifyAXE(ctx, r.ID, by, change)
		return success, err
	}, nil
}

// oneCallback leaves of callbackNum and callbackTone the one that the request set, and callbackNum when it set both: a binding has one of them
// (spec/privatenumber.md §2.3), or the other would never be heard.
func oneCallback(f *fields, s *models.BindingSettings) {
	if s.CallbackNum == "" || s.CallbackTone == "" {
		return
	}
	if f.has("callbackNum") {
		s.CallbackTone = ""
	} else {
		s.CallbackNum = ""
	}
}
