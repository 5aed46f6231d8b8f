package store

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/models"
)

func (h *house) upload(t testing.TB, name string) models.Prompt {
	t.Helper()
	p := models.Prompt{TenantID: h.tenant.ID, Name: name, Bytes: 8044, Encoding: "alaw", Duration: time.Second + 5*time.Microsecond, Hash: "ab12"}
	p.UploadedBy = "acme"
	if err := h.AddPrompt(context.Background(), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func (h *house) approved(t testing.TB, name string) models.Prompt {
	t.Helper()
	p, _, err := h.DecidePrompt(context.Background(), h.upload(t, name).ID, models.ReviewApproved, "rita", "")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPromptReview(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		first := h.upload(t, "a.wav")
		if got := must[models.Prompt](t)(h.Prompt(ctx, first.ID)); got != first || got.State != models.ReviewWaiting || got.ID == 0 || got.UploadedAt != h.clock.Now() {
			t.Errorf("read %+v, want %+v", got, first)
		}
		twin := first
		wantCode(t, h.AddPrompt(ctx, &twin), models.Conflict)
		if err := h.UrgePrompt(ctx, first.ID); err != nil {
			t.Fatal(err)
		}
		if list, n, err := h.PromptsOf(ctx, PromptFilter{Urgent: true, State: models.ReviewWaiting}, models.Page{}); err != nil || n != 1 || !list[0].Urgent {
			t.Errorf("%d urgent prompts: %v", n, err)
		}
		for _, tt := range []struct {
			state models.ReviewState
			by    string
			why   string
		}{{models.ReviewRejected, "rita", ""}, {models.ReviewWaiting, "rita", "x"}, {models.ReviewRemoved, "rita", "x"}, {"fine", "rita", "x"},
			{models.ReviewRejected, "rita", strings.Repeat("x", 513)}, {models.ReviewApproved, strings.Repeat("x", 129), ""}} {
			_, _, err := h.DecidePrompt(ctx, first.ID, tt.state, tt.by, tt.why)
			wantCode(t, err, models.Invalid)
		}
		h.clock.advance(time.Minute)
		ok, replaced, err := h.DecidePrompt(ctx, first.ID, models.ReviewApproved, "rita", "")
		if err != nil || replaced != nil || ok.ReviewedBy != "rita" || ok.ReviewedAt != h.clock.Now() {
			t.Errorf("approved %+v, replacing %+v: %v", ok, replaced, err)
		}
		if got := must[models.Prompt](t)(h.Prompt(ctx, first.ID)); got != ok {
			t.Errorf("read %+v, want %+v", got, ok)
		}
		_, _, err = h.DecidePrompt(ctx, first.ID, models.ReviewRejected, "rita", "no")
		wantCode(t, err, models.Conflict)
		wantCode(t, h.UrgePrompt(ctx, first.ID), models.Conflict)

		// A replacement is reviewed while the old one goes on. A rejected one stands in nobody's way.
		second := h.upload(t, "a.wav")
		if _, _, err := h.DecidePrompt(ctx, second.ID, models.ReviewRejected, "rita", "too loud"); err != nil {
			t.Fatal(err)
		}
		third := h.upload(t, "a.wav")
		if got := must[models.Prompt](t)(h.Prompt(ctx, first.ID)); got.State != models.ReviewApproved {
			t.Errorf("the old one is %s", got.State)
		}
		_, replaced, err = h.DecidePrompt(ctx, third.ID, models.ReviewApproved, "rolf", "")
		if err != nil || replaced == nil || replaced.ID != first.ID || replaced.State != models.ReviewRemoved || replaced.ReviewedBy != "rolf" {
			t.Errorf("replaced %+v: %v", replaced, err)
		}
		states := map[int64]models.ReviewState{}
		list, _, err := h.PromptsOf(ctx, PromptFilter{TenantID: h.tenant.ID, Name: "a.wav"}, models.Page{})
		for _, p := range list {
			states[p.ID] = p.State
		}
		if want := map[int64]models.ReviewState{first.ID: models.ReviewRemoved, second.ID: models.ReviewRejected, third.ID: models.ReviewApproved}; err != nil || !reflect.DeepEqual(states, want) {
			t.Errorf("%v, want %v (%v)", states, want, err)
		}
		if err := h.RemovePrompt(ctx, third.ID, "rolf", ""); err != nil {
			t.Error(err)
		}
		wantCode(t, h.RemovePrompt(ctx, third.ID, "rolf", ""), models.Conflict)
		wantCode(t, h.RemovePrompt(ctx, 999, "rolf", ""), models.NotFound)
		wantCode(t, h.UrgePrompt(ctx, 999), models.NotFound)
		_, _, err = h.DecidePrompt(ctx, 999, models.ReviewApproved, "rolf", "")
		wantCode(t, err, models.NotFound)
		for f, want := range map[PromptFilter]int{{}: 3, {TenantID: 99}: 0, {State: models.ReviewRemoved}: 2, {Name: "b.wav"}: 0} {
			if _, n, err := h.PromptsOf(ctx, f, models.Page{}); err != nil || n != want {
				t.Errorf("%+v finds %d, want %d (%v)", f, n, want, err)
			}
		}
	})
}

func TestAddPromptRefuses(t *testing.T) {
	h := newHouse(t, sqliteConfig(t))
	for name, tt := range map[string]struct {
		p    models.Prompt
		code models.Code
	}{
		"no name": {models.Prompt{TenantID: h.tenant.ID}, models.Invalid}, "path": {models.Prompt{TenantID: h.tenant.ID, Name: "../a.wav"}, models.Invalid},
		"no tenant": {models.Prompt{TenantID: 99, Name: "a.wav"}, models.NotFound}, "encoding": {models.Prompt{TenantID: h.tenant.ID, Name: "a.wav", Encoding: strings.Repeat("x", 33)}, models.Invalid},
	} {
		if got := models.CodeOf(h.AddPrompt(context.Background(), &tt.p)); got != tt.code {
			t.Errorf("%s: %q, want %q", name, got, tt.code)
		}
	}
}

// TestPromptRaces lets many upload, decide and remove at once: of a name at most one waits and one is approved, whoever wins.
func TestPromptRaces(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		other := open(t, cfg)
		ctx := context.Background()
		for range 10 {
			var wg sync.WaitGroup
			for i := range 4 {
				wg.Go(func() {
					s := []*Store{h.Store, other}[i%2]
					p := models.Prompt{TenantID: h.tenant.ID, Name: "a.wav"}
					if err := s.AddPrompt(ctx, &p); err != nil {
						if models.CodeOf(err) != models.Conflict {
							t.Errorf("add: %v", err)
						}
						return
					}
					var done sync.WaitGroup
					for _, act := range []func() error{
						func() error { _, _, err := h.DecidePrompt(ctx, p.ID, models.ReviewApproved, "a", ""); return err },
						func() error { _, _, err := other.DecidePrompt(ctx, p.ID, models.ReviewRejected, "b", "no"); return err },
						func() error { return other.RemovePrompt(ctx, p.ID, "c", "") },
					} {
						done.Go(func() {
							if err := act(); err != nil && models.CodeOf(err) != models.Conflict {
								t.Errorf("decide: %v", err)
							}
						})
					}
					done.Wait()
				})
			}
			wg.Wait()
		}
		counts := map[models.ReviewState]int{}
		for _, p := range must[[]models.Prompt](t)(promptColumns.all(h.read, "")) {
			counts[p.State]++
		}
		if counts[models.ReviewApproved] > 1 || counts[models.ReviewWaiting] > 0 || len(counts) < 2 {
			t.Errorf("%v", counts)
		}
		slots := 0
		if _, err := one(h.read, []any{num(&slots)}, "SELECT COUNT(*) FROM prompts WHERE slot IS NOT NULL AND slot <> state OR slot IS NULL AND state IN ('waiting', 'approved')"); err != nil || slots > 0 {
			t.Errorf("%d prompts hold a place that is not theirs (%v)", slots, err)
		}
	})
}

// What of a binding's and an app's settings names a prompt, and what is another text. A new text field belongs in one of the lists; if it names
// a prompt, promptFree must look at it.
var (
	bindingTones = []string{"RecordHintTone", "LastMinVoice", "PreVoiceA", "PreVoiceB", "CallbackTone"}
	bindingTexts = []string{"UserData", "CallbackNum"}
	appTones     = []string{"Prompts", "Settings.Extension.CallbackTone"}
	appTexts     = []string{"Key", "Name", "Mode", "State", "StatusURL", "FeeURL", "PushScheme", "AllowFrom", "Settings.AskURL", "Settings.NumberStatusURL",
		"Settings.Extension.CallbackNum", "Settings.Voice.Services", "Settings.Risk"}
)

// texts walks the fields that can hold a text, by their path.
func texts(v reflect.Type, path string, visit func(path string)) {
	switch v.Kind() {
	case reflect.String, reflect.Map, reflect.Slice, reflect.Pointer, reflect.Interface:
		visit(path)
	case reflect.Struct:
		if v == reflect.TypeFor[time.Time]() {
			return
		}
		for f := range v.Fields() {
			texts(f.Type, strings.TrimPrefix(path+"."+f.Name, "."), visit)
		}
	}
}

func TestEveryToneIsKnown(t *testing.T) {
	check := func(v reflect.Type, lists ...[]string) {
		known, seen := slices.Concat(lists...), map[string]bool{}
		texts(v, "", func(path string) {
			for _, k := range known {
				if path == k || strings.HasPrefix(path, k+".") {
					seen[k] = true
					return
				}
			}
			t.Errorf("%v has a field %s: does it name a prompt? Then promptFree must look at it", v, path)
		})
		for _, k := range known {
			if !seen[k] {
				t.Errorf("%v has no field %s any more", v, k)
			}
		}
	}
	check(reflect.TypeFor[models.BindingSettings](), bindingTones, bindingTexts)
	check(reflect.TypeFor[models.App](), appTones, appTexts)
}

// TestPromptInUse names a prompt in every place that can, one at a time.
func TestPromptInUse(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		e := newEstate(t, cfg)
		ctx := context.Background()
		p := e.approved(t, "a_tone-1.wav")
		e.approved(t, "aXtone-1.wav") // the place of _ in a pattern
		inUse := func(place, who string) {
			t.Helper()
			err := e.RemovePrompt(ctx, p.ID, "rita", "")
			if models.CodeOf(err) != models.InUse || !strings.Contains(err.Error(), who) {
				t.Errorf("named as %s: %v", place, err)
			}
		}
		for _, field := range bindingTones {
			settings := models.BindingSettings{Lifetime: 60}
			reflect.ValueOf(&settings).Elem().FieldByName(field).SetString(p.Name)
			r := e.request(x1, alice, bob)
			r.Settings = settings
			b := must[models.Binding](t)(e.Bind(ctx, r))
			inUse(field, b.ID)
			if field == "PreVoiceA" { // dead at its second, closed or not
				e.clock.advance(time.Minute)
			} else {
				must[int](t)(e.Unbind(ctx, e.app.ID, UnbindBy{SubscriptionID: b.ID}))
			}
		}
		setApp := func(change func(a *models.App)) {
			t.Helper()
			if err := e.UpdateApp(ctx, e.axe.ID, func(a *models.App) error { change(a); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		setApp(func(a *models.App) { a.Prompts = map[string]string{models.PromptBusy: p.Name} })
		inUse("Prompts", "axe")
		setApp(func(a *models.App) { a.Prompts, a.Settings.Extension.CallbackTone = nil, p.Name })
		inUse("Settings.Extension.CallbackTone", "axe")
		setApp(func(a *models.App) { a.Settings.Extension.CallbackTone = "" })

		// A replacement that waits is nobody's yet; another tenant's names are his own.
		setApp(func(a *models.App) { a.Settings.Extension.CallbackTone = p.Name })
		again := e.upload(t, p.Name)
		if err := e.RemovePrompt(ctx, again.ID, "acme", "withdrawn"); err != nil {
			t.Errorf("one that waits: %v", err)
		}
		setApp(func(a *models.App) { a.Settings.Extension.CallbackTone = "" })
		stranger := models.Tenant{Name: "Other", SpID: "other"}
		if err := e.CreateTenant(ctx, &stranger); err != nil {
			t.Fatal(err)
		}
		theirs := models.App{TenantID: stranger.ID, Key: "theirs", Name: "theirs", Mode: models.ModeAXB, Prompts: map[string]string{models.PromptBusy: p.Name}}
		if err := e.CreateApp(ctx, &theirs, "secret"); err != nil {
			t.Fatal(err)
		}
		r := e.request(x2, alice, bob)
		r.Settings.PreVoiceA, r.Settings.CallbackTone = "aXtone-1.wav", "aXtone-1.wav"
		must[models.Binding](t)(e.Bind(ctx, r))
		if err := e.RemovePrompt(ctx, p.ID, "rita", "not needed"); err != nil {
			t.Errorf("nobody names it: %v", err)
		}
		if got := must[models.Prompt](t)(e.Prompt(ctx, p.ID)); got.State != models.ReviewRemoved || got.Reason != "not needed" {
			t.Errorf("removed %+v", got)
		}
	})
}

func TestTemplateReview(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		add := func() models.Template {
			t.Helper()
			v := models.Template{TenantID: h.tenant.ID, Name: "取件码", Content: "您的取件码是${NUM_6}。", Voice: "cmn", Rate: 90, Scene: "快递"}
			v.UploadedBy, v.Urgent = "acme", true
			if err := h.AddTemplate(ctx, &v); err != nil {
				t.Fatal(err)
			}
			return v
		}
		v := add()
		if got := must[models.Template](t)(h.Template(ctx, h.tenant.ID, v.ID)); got != v || len(v.ID) != 32 || v.State != models.ReviewWaiting || !v.Urgent {
			t.Errorf("read %+v, want %+v", got, v)
		}
		_, err := h.Template(ctx, 99, v.ID)
		wantCode(t, err, models.NotFound)
		twin := v
		wantCode(t, h.AddTemplate(ctx, &twin), models.Conflict)
		if err := h.UrgeTemplate(ctx, v.ID); err != nil {
			t.Error(err)
		}
		_, err = h.DecideTemplate(ctx, v.ID, models.ReviewRejected, "rita", "")
		wantCode(t, err, models.Invalid)
		h.clock.advance(time.Minute)
		ok := must[models.Template](t)(h.DecideTemplate(ctx, v.ID, models.ReviewApproved, "rita", ""))
		if got := must[models.Template](t)(h.Template(ctx, 0, v.ID)); got != ok || got.ReviewedBy != "rita" || got.ReviewedAt != h.clock.Now() {
			t.Errorf("read %+v, want %+v", got, ok)
		}
		_, err = h.DecideTemplate(ctx, v.ID, models.ReviewApproved, "rita", "")
		wantCode(t, err, models.Conflict)
		wantCode(t, h.UrgeTemplate(ctx, v.ID), models.Conflict)
		rejected := add()
		must[models.Template](t)(h.DecideTemplate(ctx, rejected.ID, models.ReviewRejected, "rita", "advertising"))
		for f, want := range map[TemplateFilter]int{{}: 2, {TenantID: h.tenant.ID, State: models.ReviewApproved}: 1, {Urgent: true}: 2, {TenantID: 99}: 0} {
			if _, n, err := h.Templates(ctx, f, models.Page{}); err != nil || n != want {
				t.Errorf("%+v finds %d, want %d (%v)", f, n, want, err)
			}
		}
		for _, id := range []string{v.ID, rejected.ID, add().ID} {
			if err := h.RemoveTemplate(ctx, id, "rolf", ""); err != nil {
				t.Error(err)
			}
			wantCode(t, h.RemoveTemplate(ctx, id, "rolf", ""), models.Conflict)
		}
		wantCode(t, h.RemoveTemplate(ctx, "none", "rolf", ""), models.NotFound)
		for name, bad := range map[string]models.Template{"name": {Content: "x"}, "content": {Name: "n", Content: strings.Repeat("x", 901)}, "no content": {Name: "n"},
			"rate": {Name: "n", Content: "x", Rate: 49}, "voice": {Name: "n", Content: "x", Voice: strings.Repeat("v", 65)}, "id": {ID: strings.Repeat("i", 33), Name: "n", Content: "x"},
			"scene": {Name: "n", Content: "x", Scene: strings.Repeat("s", 513)}} {
			bad.TenantID = h.tenant.ID
			if models.CodeOf(h.AddTemplate(ctx, &bad)) != models.Invalid {
				t.Errorf("a bad %s was added", name)
			}
		}
		stray := models.Template{TenantID: 99, Name: "n", Content: "x"}
		wantCode(t, h.AddTemplate(ctx, &stray), models.NotFound)
	})
}

func TestDisplayNumbers(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		v := newVoices(t, cfg)
		ctx := context.Background()
		more := []string{"+8675500000002", "+8675500000003"}
		if err := v.AddNumbers(ctx, []models.Number{{AppID: v.voice.ID, Number: more[0], AreaCode: "0755", State: models.NumberSuspended}, {AppID: v.voice.ID, Number: more[1], AreaCode: "0755"},
			{AppID: v.app.ID, Number: "+8675500000009", AreaCode: "021", Kind: models.NumberDisplay}}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, n := range must[[]models.Number](t)(v.DisplayNumbers(ctx, v.voice.ID)) {
			got = append(got, fmt.Sprint(n.Number, n.Kind, n.State))
		}
		if want := []string{showing + "display5", more[1] + "display5", more[0] + "display9"}; !slices.Equal(got, want) {
			t.Errorf("display numbers %v, want %v", got, want)
		}
		if n := must[models.Number](t)(v.Number(ctx, x1)); n.Kind != models.NumberPrivate {
			t.Errorf("%+v", n)
		}
		if _, n, err := v.Numbers(ctx, NumberFilter{Kind: models.NumberDisplay}, models.Page{}); err != nil || n != 4 {
			t.Errorf("%d display numbers: %v", n, err)
		}
		wantCode(t, v.AddNumbers(ctx, []models.Number{{AppID: v.app.ID, Number: "+8675500000010", AreaCode: "021", Kind: "x"}}), models.Invalid)
		// Nobody is bound to one, chosen or named.
		r := v.request("", alice, bob)
		r.Area = "021"
		_, err := v.Bind(ctx, r)
		wantCode(t, err, models.NoNumber)
		_, err = v.Bind(ctx, v.request("+8675500000009", alice, bob))
		wantCode(t, err, models.NumberNotOwned)
	})
}

func TestTenantCalls(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		want := models.CallCap{PerHour: 7, PerDay: 70}
		if err := h.SetTenantCalls(ctx, h.tenant.ID, want); err != nil {
			t.Fatal(err)
		}
		if got := must[models.Tenant](t)(h.Tenant(ctx, h.tenant.ID)); got.Calls != want {
			t.Errorf("read %+v", got)
		}
		made := models.Tenant{Name: "Other", SpID: "other", Calls: want}
		if err := h.CreateTenant(ctx, &made); err != nil {
			t.Fatal(err)
		}
		if got := must[models.Tenant](t)(h.Tenant(ctx, made.ID)); !reflect.DeepEqual(got, made) {
			t.Errorf("read %+v, want %+v", got, made)
		}
		wantCode(t, h.SetTenantCalls(ctx, 99, want), models.NotFound)
		wantCode(t, h.SetTenantCalls(ctx, 1, models.CallCap{PerDay: -1}), models.Invalid)
	})
}
