package api

import (
	"context"
	"net/http"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// The paths of AX (spec/privatenumber.md §2).
const (
	pathAX       = "/rest/provision/caas/privatenumber/v1.0"
	pathAXCallee = "/rest/caas/privatenumber/calleenumber/v1.0"
)

// axNumberType is the one privateNumType there is (spec/privatenumber.md §2.2).
const axNumberType = "mobile-virtual"

// ax is the mode's surface: X belongs to one A, whom everybody reaches through it; A himself reaches a temporary callee.
var ax = surface{
	mode: models.ModeAX,
	results: map[models.Code]result{
		models.NumberNotOwned:     {http.StatusForbidden, "1011001", "The account does not exist."},
		models.NoNumber:           {http.StatusForbidden, "1011002", "Insufficient number of resources."},
		models.NotBound:           {http.StatusForbidden, "1011004", "Resource has not been applied."}, // the original's text is not known
		models.NumberTaken:        {http.StatusForbidden, "1011005", "Resources have been allocated."},
		models.NotFound:           {http.StatusForbidden, "1016001", "The record does not exist."},
		models.BindingDeadAlready: {http.StatusForbidden, "1016001", "The record does not exist."},
		models.BoundAlready:       {http.StatusForbidden, "1016002", "The record already exists."},
	},
	endpoints: []endpoint{
		{http.MethodPost, pathAX, (*api).bindAX},
		{http.MethodDelete, pathAX, (*api).unbindAX},
		{http.MethodPut, pathAX, (*api).modifyAX},
		{http.MethodGet, pathAX, (*api).queryAX},
		{http.MethodPut, pathAXCallee, (*api).setCallee},
	},
}

// axStore is what AX asks of the database beside what every mode does.
type axStore interface {
	BindAX(ctx context.Context, r store.AXRequest) (models.Binding, error)
	UnbindAX(ctx context.Context, appID int64, by store.AXBy) error
	ModifyAX(ctx context.Context, appID int64, by store.AXBy, change func(*models.Binding) error) (models.Binding, error)
	SetTemp(ctx context.Context, appID int64, by store.AXBy, callee models.Party, ttl time.Duration) (models.Binding, error)
}

// boundAX answers a bind of AX (spec/privatenumber.md §2.2).
type boundAX struct {
	done
	OrigNum        string `json:"origNum"`
	PrivateNum     string `json:"privateNum"`
	SubscriptionID string `json:"subscriptionId"`
}

// bindAX is POST: X is given to A. It lives until it is unbound.
func (a *api) bindAX(ctx context.Context, r request) (work, error) {
	f, err := bodyFields(r.body)
	if err != nil {
		return nil, err
	}
	want := store.AXRequest{App: r.App, Settings: models.BindingSettings{PrivateSMS: true}}
	want.A = a.needParty(f, "origNum")
	f.oneOf("privateNumType", axNumberType)
	want.X = a.axNumber(f)
	want.Area, want.Loose = a.readWhere(ctx, f, want.X, "privateNum", want.A, "origNum")
	if err := a.readAX(r.caller, f, &want.Settings); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (any, error) {
		b, err := a.Store.BindAX(ctx, want)
		if err != nil {
			return nil, err
		}
		return boundAX{success, b.A.Reveal(), b.X, b.ID}, nil
	}, nil
}

// readAX takes the settings of AX and judges what can be judged without the binding.
func (a *api) readAX(who caller, f *fields, s *models.BindingSettings) error {
	setAX(f, s)
	if f.err != nil {
		return f.err
	}
	if err := s.Validate(); err != nil {
		return err
	}
	return a.permitted(who, f, *s)
}

// setAX takes what bind and modify of AX may set beside A; what is absent stays as it is. calleeNumDisplay 1 is stored; whether a call may
// show the real caller is decided at the call (8024).
func setAX(f *fields, s *models.BindingSettings) {
	readCallSettings(f, s)
	if _, ok := f.whole("callDirection"); ok {
		s.DirectionGiven = true
	}
	if display, ok := f.oneOf("calleeNumDisplay", "0", "1"); ok {
		s.ShowCaller = display == 1
	}
	if off, ok := f.oneOf("turnFlag", "on", "off"); ok {
		s.Off = off == 1
	}
}

// axNumber reads privateNum. One that cannot be read is no number of the app: 1011001 (spec/privatenumber.md §9.1). "" is absent.
func (a *api) axNumber(f *fields) string {
	before := f.err
	x, ok := a.numbers.private(f, "privateNum")
	if !ok && f.err != nil && before == nil {
		f.err = models.Fail(models.NumberNotOwned, "privateNum", "privateNum is no telephone number")
	}
	return x
}

// whichAX reads what names a binding of AX: subscriptionId, else privateNum, which is enough since X is one A's alone.
func (a *api) whichAX(f *fields) store.AXBy {
	if id := subscription(f); id != "" {
		return store.AXBy{SubscriptionID: id}
	}
	x := a.axNumber(f)
	if x == "" {
		f.fail("subscriptionId", "subscriptionId or privateNum is missing")
	}
	return store.AXBy{X: x}
}

// unbindAX is DELETE. origNum beside privateNum is not looked at (spec/privatenumber.md §2.2).
func (a *api) unbindAX(_ context.Context, r request) (work, error) {
	f, err := queryFields(r.query, r.body)
	if err != nil {
		return nil, err
	}
	by := a.whichAX(f)
	if f.err != nil {
		return nil, f.err
	}
	return func(ctx context.Context) (any, error) { return success, a.Store.UnbindAX(ctx, r.ID, by) }, nil
}

// modifyAX is PUT: what is absent stays, origNum is the A from now on. Of 2019 there is a form that names the binding by origNum and
// privateNum together and changes privateSms alone: to it origNum is the A that X has already.
func (a *api) modifyAX(_ context.Context, r request) (work, error) {
	f, err := bodyFields(r.body)
	if err != nil {
		return nil, err
	}
	by := a.whichAX(f)
	newA, hasA := a.numbers.party(f, "origNum")
	if err := a.readAX(r.caller, f, &models.BindingSettings{}); err != nil {
		return nil, err
	}
	change := func(b *models.Binding) error {
		if hasA {
			b.A = newA
		}
		setAX(f, &b.BindingSettings)
		return b.Validate()
	}
	return func(ctx context.Context) (any, error) {
		_, err := a.Store.ModifyAX(ctx, r.ID, by, change)
		return success, notThere(err)
	}, nil
}

// notThere makes an X that belongs to nobody a record that does not exist: only unbind knows 1011004 (spec/privatenumber.md §9.1).
func notThere(err error) error {
	if models.CodeOf(err) == models.NotBound {
		return models.Fail(models.NotFound, "privateNum", "the number belongs to nobody")
	}
	return err
}
