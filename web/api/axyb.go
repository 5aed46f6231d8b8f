package api

import (
	"context"
	"net/http"

	"maskline/models"
	"maskline/models/store"
)

const pathAXYB = "/rest/omp/xyrelationnumber/v1.0"

// axyb is the mode's surface: A is bound to an X, and each B who reaches him gets a Y, which A sees and dials (spec/privatenumber.md §2.4).
// The fact sheet has no table of results for it; they are those of the nearest operations: 1016001 is also named where a binding's duration
// ran out, which AX and AXE do not have.
var axyb = surface{
	mode: models.ModeAXYB,
	results: map[models.Code]result{
		models.NotFound:           {http.StatusForbidden, "1016001", "The record does not exist."},
		models.BindingDeadAlready: {http.StatusForbidden, "1016001", "The record does not exist."},
		models.BoundAlready:       {http.StatusForbidden, "1016002", "The record already exists."},
		models.NumberTaken:        {http.StatusForbidden, "1011005", "Resources have been allocated."}, // A has five X
	},
	endpoints: []endpoint{
		{http.MethodPost, pathAXYB, (*api).bindAXYB},
		{http.MethodDelete, pathAXYB, (*api).unbindAXYB},
		{http.MethodGet, pathAXYB, (*api).queryAXYB},
	},
}

// axybStore is what AXYB asks of the database beside what every mode does.
type axybStore interface {
	BindAXYB(ctx context.Context, r store.AXYBRequest) (models.Binding, error)
	BindYB(ctx context.Context, appID int64, parent string, b models.Party, where store.Where, s models.BindingSettings) (models.Binding, error)
	UnbindAXYB(ctx context.Context, appID int64, by store.AXYBBy) error
	Binding(ctx context.Context, appID int64, id string) (models.Binding, error)
}

// boundAXYB answers either step of a bind. The number is the X of the first step, the Y of the second.
type boundAXYB struct {
	done
	SubscriptionID string `json:"subscriptionId"`
	RelationNumber string `json:"relationNumber"`
}

// bindAXYB is POST. Without a subscriptionId it binds A to an X; with that of such a binding it gives B a Y.
func (a *api) bindAXYB(_ context.Context, r request) (work, error) {
	f, err := bodyFields(r.body)
	if err != nil {
		return nil, err
	}
	q, err := queryFields(r.query, nil)
	if err != nil {
		return nil, err
	}
	if err := ownKey(q, r); err != nil {
		return nil, err
	}
	if parent := subscription(f); parent != "" {
		return a.bindYB(r, f, parent)
	}
	want := store.AXYBRequest{App: r.App}
	want.A = a.needParty(f, "origNum")
	want.Where = a.readCity(f)
	if want.Area == "" {
		f.fail("areaCode", "areaCode is missing")
	}
	if err := a.readAXYB(r.caller, f, &want.Settings); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (any, error) {
		b, err := a.Store.BindAXYB(ctx, want)
		if err != nil {
			return nil, err
		}
		return boundAXYB{success, b.ID, b.X}, nil
	}, nil
}

// bindYB is the second step. What is not said of the calls is as the first step said it. Without an areaCode Y is of X's city if it has one
// left, and of another unless areaMatchMode forbids that.
func (a *api) bindYB(r request, f *fields, parent string) (work, error) {
	b := a.needParty(f, "origNum")
	where := a.readCity(f)
	near := where.Area == ""
	if _, said := f.whole("areaMatchMode"); near && !said {
		where.Loose = true
	}
	var s models.BindingSettings
	if err := a.readYB(r.caller, f, &s); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (any, error) {
		where := where // the work may be done again
		if near {
			var err error
			if where.Area, err = a.cityOfX(ctx, r.ID, parent); err != nil {
				return nil, err
			}
		}
		yb, err := a.Store.BindYB(ctx, r.ID, parent, b, where, s)
		if err != nil {
			return nil, err
		}
		return boundAXYB{success, yb.ID, yb.Y}, nil
	}, nil
}

// cityOfX is the city of the X of a binding.
func (a *api) cityOfX(ctx context.Context, appID int64, id string) (string, error) {
	b, err := a.Store.Binding(ctx, appID, id)
	if err != nil {
		return "", err
	}
	x, err := a.Store.Number(ctx, b.X)
	return x.AreaCode, err
}

// readCity says in which city a number is to be chosen: AXYB's numbers are never named.
func (a *api) readCity(f *fields) store.Where {
	area, _ := a.numbers.city(f, "areaCode")
	return store.Where{Area: area, Loose: readLoose(f)}
}

// readAXYB takes the settings of the first step, which hold for every Y of it.
func (a *api) readAXYB(who caller, f *fields, s *models.BindingSettings) error {
	if n, ok := f.whole("callDirection"); ok {
		s.Direction, s.DirectionGiven = models.Direction(n), true
	}
	if n, ok := f.whole("duration"); ok {
		s.Lifetime = n
	}
	if n, ok := f.whole("ybDuration"); ok {
		s.YBLifetime = n
	}
	if v, ok := f.flag("recordFlag"); ok {
		s.Record = v
	}
	f.texts(map[string]*string{"recordHintTone": &s.RecordHintTone, "preVoiceX": &s.PreVoiceA})
	return a.readYB(who, f, s)
}

// readYB takes what both steps may set and judges all that s holds. preVoiceX is what A, on X's side, hears when he dials Y; preVoiceY is what
// B, on Y's side, hears when he dials X (spec/privatenumber.md §2.4).
func (a *api) readYB(who caller, f *fields, s *models.BindingSettings) error {
	f.texts(map[string]*string{"preVoiceY": &s.PreVoiceB, "userData": &s.UserData})
	if f.err != nil {
		return f.err
	}
	if err := a.tonesExist(who, tone{"recordHintTone", s.RecordHintTone}, tone{"preVoiceX", s.PreVoiceA}, tone{"preVoiceY", s.PreVoiceB}); err != nil {
		return err
	}
	if err := s.Validate(); err != nil {
		return err
	}
	return mayRecord(who, *s)
}

// unbindAXYB is DELETE: a binding of A with every Y of it, or, with yNum or bNum, one Y alone. yNum wins.
func (a *api) unbindAXYB(_ context.Context, r request) (work, error) {
	f, err := queryAXYBFields(r)
	if err != nil {
		return nil, err
	}
	by := store.AXYBBy{SubscriptionID: subscription(f)}
	if by.SubscriptionID == "" {
		f.fail("subscriptionId", "subscriptionId is missing")
	}
	var ok bool
	if by.Y, ok = a.numbers.private(f, "yNum"); !ok {
		by.B, _ = a.numbers.party(f, "bNum")
	}
	if f.err != nil {
		return nil, f.err
	}
	return func(ctx context.Context) (any, error) {
		if err := a.Store.UnbindAXYB(ctx, r.ID, by); err != nil {
			return nil, err
		}
		return success, nil
	}, nil
}

// queryAXYBFields reads the parameters of GET and DELETE. app_key stands in the URL also where a client sends the rest in the body.
func queryAXYBFields(r request) (*fields, error) {
	f, err := queryFields(r.query, nil)
	if err != nil {
		return nil, err
	}
	if len(f.values) == 0 || len(f.values) == 1 && f.has("app_key") {
		rest, err := queryFields("", r.body)
		if err != nil {
			return nil, err
		}
		for name, value := range rest.values {
			if err := f.put(name, value); err != nil {
				return nil, err
			}
		}
	}
	return f, ownKey(f, r)
}

// ownKey refuses a request whose app_key is not that of the app that signed it.
func ownKey(f *fields, r request) error {
	if key, _ := f.text("app_key"); key != r.Key {
		return models.Fail(models.UnknownApp, "app_key", "app_key is not the app's that signed the request")
	}
	return nil
}
