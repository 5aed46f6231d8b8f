package api

import (
	"context"
	"net/http"
	"time"

	"maskline/models"
	"maskline/models/store"
)

var axb = surface{mode: models.ModeAXB, endpoints: []endpoint{
	{http.MethodPost, pathAXB, (*api).bind},
	{http.MethodDelete, pathAXB, (*api).unbind},
	{http.MethodPut, pathAXB, (*api).modify},
	{http.MethodGet, pathAXB, (*api).query},
}}

// done is an answer without more to say.
type done struct {
	Code string `json:"resultcode"`
	Desc string `json:"resultdesc"`
}

var success = done{"0", "Success"}

// bound answers a bind (spec/privatenumber.md §2.1).
type bound struct {
	done
	SubscriptionID string `json:"subscriptionId"`
	RelationNum    string `json:"relationNum"`
	CallDirection  int    `json:"callDirection"`
	Duration       int    `json:"duration"`
	MaxDuration    int    `json:"maxDuration"`
}

// bind is POST: A and B see X on each other's calls. X is named, or chosen in a named city, or chosen in A's own city.
func (a *api) bind(ctx context.Context, r request) (work, error) {
	f, err := bodyFields(r.body)
	if err != nil {
		return nil, err
	}
	want := store.BindRequest{App: r.App, Settings: models.BindingSettings{PrivateSMS: true}}
	want.A = a.needParty(f, "callerNum")
	want.B = a.needParty(f, "calleeNum")
	want.X, _ = a.numbers.private(f, "relationNum")
	want.Area, want.Loose = a.readWhere(ctx, f, want.X, "relationNum", want.A, "callerNum")
	readSettings(f, &want.Settings)
	if f.err != nil {
		return nil, f.err
	}
	if err := want.Settings.Validate(); err != nil {
		return nil, err
	}
	if err := a.permitted(r.caller, f, want.Settings); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (any, error) {
		b, err := a.Store.Bind(ctx, want)
		if err != nil {
			return nil, err
		}
		return bound{success, b.ID, b.X, int(b.Direction), b.Lifetime, b.MaxDuration}, nil
	}, nil
}

func (a *api) needParty(f *fields, name string) models.Party {
	p, ok := a.numbers.party(f, name)
	if !ok {
		f.fail(name, "%s is missing", name)
	}
	return p
}

// unbind is DELETE: one binding by its subscriptionId, or every binding of an X. The former wins.
func (a *api) unbind(_ context.Context, r request) (work, error) {
	f, err := queryFields(r.query, r.body)
	if err != nil {
		return nil, err
	}
	by := store.UnbindBy{}
	if by.SubscriptionID = subscription(f); by.SubscriptionID == "" {
		by.X, _ = a.numbers.private(f, "relationNum")
	}
	if err := needOne(f, by.SubscriptionID, by.X); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (any, error) {
		if _, err := a.Store.Unbind(ctx, r.ID, by); err != nil {
			return nil, err
		}
		return success, nil
	}, nil
}

// subscription reads a subscriptionId, String(1-64). "" is absent.
func subscription(f *fields) string {
	id, _ := f.text("subscriptionId")
	if len(id) > 64 {
		f.fail("subscriptionId", "subscriptionId has at most 64 characters")
	}
	return id
}

func needOne(f *fields, id, x string) error {
	if f.err == nil && id == "" && x == "" {
		f.fail("subscriptionId", "subscriptionId or relationNum is missing")
	}
	return f.err
}

// modify is PUT: what is absent stays; "" removes a tone or userData; a duration, also the same again, starts the binding's life anew.
func (a *api) modify(_ context.Context, r request) (work, error) {
	f, err := bodyFields(r.body)
	if err != nil {
		return nil, err
	}
	id := subscription(f)
	if id == "" {
		f.fail("subscriptionId", "subscriptionId is missing")
	}
	newA, hasA := a.numbers.party(f, "callerNum")
	newB, hasB := a.numbers.party(f, "calleeNum")
	var said models.BindingSettings
	restart := readSettings(f, &said)
	if f.err != nil {
		return nil, f.err
	}
	if err := said.Validate(); err != nil {
		return nil, err
	}
	if err := a.permitted(r.caller, f, said); err != nil {
		return nil, err
	}
	change := func(b *models.Binding) error {
		if hasA {
			b.A = newA
		}
		if hasB {
			b.B = newB
		}
		readSettings(f, &b.BindingSettings)
		if restart {
			b.StartedAt = time.Time{} // the store starts the clock anew, also for the same duration
		}
		return b.Validate()
	}
	return func(ctx context.Context) (any, error) {
		if _, err := a.Store.Modify(ctx, r.ID, id, change); err != nil {
			return nil, err
		}
		return success, nil
	}, nil
}
