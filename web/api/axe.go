package api

import (
	"context"
	"net/http"

	"maskline/models"
	"maskline/models/store"
)

// pathAXE is the path of AXE (spec/privatenumber.md §2).
const pathAXE = "/rest/caas/extendnumber/v1.0"

// axe is the mode's surface: X is shared by many A, each of whom is reached by his own extension.
var axe = surface{
	mode: models.ModeAXE,
	results: map[models.Code]result{
		models.NumberNotOwned:     {http.StatusForbidden, "1011001", "The account does not exist."},
		models.NoNumber:           {http.StatusForbidden, "1011002", "Insufficient number of resources."},
		models.NotFound:           {http.StatusForbidden, "1016001", "The record does not exist."},
		models.BindingDeadAlready: {http.StatusForbidden, "1016001", "The record does not exist."},
		models.ExtensionTaken:     {http.StatusForbidden, "1020167", "No idle extend Number."},
	},
	endpoints: []endpoint{
		{http.MethodPost, pathAXE, (*api).bindAXE},
		{http.MethodDelete, pathAXE, (*api).unbindAXE},
		{http.MethodPut, pathAXE, (*api).modifyAXE},
		{http.MethodGet, pathAXE, (*api).queryAXE},
	},
}

// axeStore is what AXE asks of the database beside what every mode does.
type axeStore interface {
	BindAXE(ctx context.Context, r store.AXERequest) (models.Binding, error)
	UnbindAXE(ctx context.Context, appID int64, by store.AXEBy) error
	ModifyAXE(ctx context.Context, appID int64, by store.AXEBy, change func(*models.Binding) error) (models.Binding, error)
}

// boundAXE answers a bind of AXE (spec/privatenumber.md §2.3).
type boundAXE struct {
	done
	SubscriptionID string `json:"subscriptionId"`
	VirtualNum     string `json:"virtualNum"`
	ExtendNum      string `json:"extendNum"`
}

// bindAXE is POST: A gets an extension on X, the one asked for or a free one. There are no SMS in AXE.
func (a *api) bindAXE(ctx context.Context, r request) (work, error) {
	f, err := bodyFields(r.body)
	if err != nil {
		return nil, err
	}
	want := store.AXERequest{App: r.App}
	want.A = a.needParty(f, "bindNum")
	want.X, _ = a.numbers.private(f, "virtualNum")
	want.Area, want.Loose = a.readWhere(ctx, f, want.X, "virtualNum", want.A, "bindNum")
	want.Extension = extension(f, r.Settings.Extension.Length())
	if err := a.readAXE(r.caller, f, &want.Settings); err != nil {
		return nil, err
	}
	switch s := want.Settings; {
	case s.CallbackTone != "" && s.CallbackNum != "":
		return nil, models.Fail(models.Invalid, "callbackTone", "callbackTone and callbackNum exclude each other")
	case s.CallbackNum == want.A.Reveal():
		return nil, models.Fail(models.Invalid, "callbackNum", "callbackNum and bindNum are the same number")
	}
	return func(ctx context.Context) (any, error) {
		if err := a.notOurs(ctx, "callbackNum", want.Settings.CallbackNum); err != nil {
			return nil, err
		}
		b, err := a.Store.BindAXE(ctx, want)
		if err != nil {
			return nil, err
		}
		return boundAXE{success, b.ID, b.X, b.Extension}, nil
	}, nil
}

// extension reads extendNum, at most as long as the app's callers key. "" is absent.
func extension(f *fields, most int) string {
	e, _ := f.text("extendNum")
	if e == "" || f.err != nil {
		return ""
	}
	if err := models.ValidExtension(e); err != nil {
		f.err = err
	} else if len(e) > most {
		f.fail("extendNum", "extendNum has at most %d digits in this app", most)
	}
	return e
}

// readAXE takes the settings of AXE and judges what can be judged without the binding.
func (a *api) readAXE(who caller, f *fields, s *models.BindingSettings) error {
	a.setAXE(f, s)
	if f.err != nil {
		return f.err
	}
	if err := s.Validate(); err != nil {
		return err
	}
	return a.permitted(who, f, *s)
}

// setAXE takes what bind and modify of AXE may set beside A; what is absent stays as it is. displayNumMode 1 is stored; whether a call may show
// the real caller is decided at the call (8024).
func (a *api) setAXE(f *fields, s *models.BindingSettings) {
	if display, ok := f.oneOf("displayNumMode", "0", "1"); ok {
		s.ShowCaller = display == 1
	}
	if v, ok := f.flag("recordFlag"); ok {
		s.Record = v
	}
	f.texts(map[string]*string{"recordHintTone": &s.RecordHintTone, "callbackTone": &s.CallbackTone, "userData": &s.UserData})
	if f.has("callbackNum") {
		p, _ := a.numbers.party(f, "callbackNum")
		s.CallbackNum = p.Reveal()
	}
	f.wholes(map[string]*int{"timeUnit": &s.TimeUnit, "bindExpiredTime": &s.BindTime, "callbackExpiredTime": &s.CallbackTime})
}

// notOurs refuses a number that is the platform's own: a call put through to it would come back. "" is none.
func (a *api) notOurs(ctx context.Context, name, number string) error {
	if number == "" {
		return nil
	}
	_, err := a.Store.Number(ctx, number)
	switch models.CodeOf(err) {
	case "":
		return models.Fail(models.Invalid, name, "%s is a private number of the platform", name)
	case models.NotFound:
		return nil
	}
	return err
}

// whichAXE reads what names a binding of AXE: subscriptionId, else virtualNum and extendNum.
func (a *api) whichAXE(f *fields) store.AXEBy {
	if id := subscription(f); id != "" {
		return store.AXEBy{SubscriptionID: id}
	}
	x, _ := a.numbers.private(f, "virtualNum")
	e, _ := f.text("extendNum")
	switch {
	case x == "" && e == "":
		f.fail("subscriptionId", "subscriptionId, or virtualNum and extendNum, is missing")
	case x == "":
		f.fail("virtualNum", "virtualNum is missing")
	case e == "":
		f.fail("extendNum", "extendNum is missing")
	}
	if err := models.ValidExtension(e); err != nil && f.err == nil {
		f.err = err
	}
	return store.AXEBy{X: x, Extension: e}
}

// unbindAXE is DELETE.
func (a *api) unbindAXE(_ context.Context, r request) (work, error) {
	f, err := queryFields(r.query, r.body)
	if err != nil {
		return nil, err
	}
	by := a.whichAXE(f)
	if f.err != nil {
		return nil, f.err
	}
	return func(ctx context.Context) (any, error) { return success, a.Store.UnbindAXE(ctx, r.ID, by) }, nil
}
