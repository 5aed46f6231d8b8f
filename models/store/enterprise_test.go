package store

import (
	"context"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/models"
)

func (h *house) enterprise() models.Enterprise {
	return models.Enterprise{TenantID: h.tenant.ID, Kind: "company", Name: "深圳快递有限公司", Licence: "91440300MA5EXAMPLE", Scenario: "Couriers call customers at the door.",
		Script: "您的快递到了。", Business: "express", SMS: true, Review: models.Review{UploadedBy: "acme"},
		Documents: []models.Document{{Kind: "licence", Name: "执照.jpg", Bytes: 9, Hash: strings.Repeat("ab", 32)}}}
}

func (h *house) submit(t testing.TB) models.Enterprise {
	t.Helper()
	e := h.enterprise()
	if err := h.SubmitEnterprise(context.Background(), &e, nil); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEnterprise(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		_, err := h.Enterprise(ctx, h.tenant.ID)
		wantCode(t, err, models.NotFound)
		e := h.submit(t)
		if got := must[models.Enterprise](t)(h.Enterprise(ctx, h.tenant.ID)); !reflect.DeepEqual(got, e) || got.State != models.ReviewWaiting || got.UploadedAt != h.clock.Now() {
			t.Errorf("read %+v, want %+v", got, e)
		}
		again := h.enterprise()
		wantCode(t, h.SubmitEnterprise(ctx, &again, nil), models.Conflict)
		for _, d := range []EnterpriseDecision{{State: models.ReviewRejected}, {State: models.ReviewRemoved, Reason: "x"}, {State: models.ReviewApproved, Forbidden: true}} {
			_, err := h.DecideEnterprise(ctx, h.tenant.ID, d)
			wantCode(t, err, models.Invalid)
		}
		if _, err := h.DecideEnterprise(ctx, h.tenant.ID, EnterpriseDecision{State: models.ReviewRejected, By: "rita", Reason: "the licence cannot be read"}); err != nil {
			t.Fatal(err)
		}
		h.clock.advance(time.Minute)
		second := h.submit(t)
		// A reviewer who saw the first one does not decide on the second.
		_, err = h.DecideEnterprise(ctx, h.tenant.ID, EnterpriseDecision{State: models.ReviewApproved, By: "rolf", Submitted: e.UploadedAt})
		wantCode(t, err, models.Conflict)
		ok := must[models.Enterprise](t)(h.DecideEnterprise(ctx, h.tenant.ID, EnterpriseDecision{State: models.ReviewApproved, By: "rolf", Submitted: second.UploadedAt}))
		if got := must[models.Enterprise](t)(h.Enterprise(ctx, h.tenant.ID)); !reflect.DeepEqual(got, ok) || got.ReviewedBy != "rolf" || got.State != models.ReviewApproved {
			t.Errorf("read %+v, want %+v", got, ok)
		}
		_, err = h.DecideEnterprise(ctx, h.tenant.ID, EnterpriseDecision{State: models.ReviewApproved})
		wantCode(t, err, models.Conflict)
		_, err = h.DecideEnterprise(ctx, 99, EnterpriseDecision{State: models.ReviewApproved})
		wantCode(t, err, models.NotFound)
		for f, want := range map[EnterpriseFilter]int{{}: 1, {State: models.ReviewApproved}: 1, {State: models.ReviewWaiting}: 0} {
			if _, n, err := h.Enterprises(ctx, f, models.Page{}); err != nil || n != want {
				t.Errorf("%+v finds %d, want %d (%v)", f, n, want, err)
			}
		}
	})
}

func TestForbiddenBusinessLimits(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		try := func(business string) models.Enterprise {
			t.Helper()
			e := h.enterprise()
			e.Business = business
			if err := h.SubmitEnterprise(ctx, &e, models.ForbiddenBusinesses); err != nil {
				t.Fatal(err)
			}
			return e
		}
		if e := try(" Lending"); e.State != models.ReviewRejected || e.Refusals != 1 || !strings.Contains(e.Reason, "Lending") {
			t.Errorf("a lender is %+v", e)
		}
		// Another reason neither adds nor ends the row; an approval ends it.
		try("express")
		e := must[models.Enterprise](t)(h.DecideEnterprise(ctx, h.tenant.ID, EnterpriseDecision{State: models.ReviewRejected, Reason: "unclear"}))
		if e.Refusals != 1 {
			t.Errorf("%d refusals", e.Refusals)
		}
		try("express")
		if e = must[models.Enterprise](t)(h.DecideEnterprise(ctx, h.tenant.ID, EnterpriseDecision{State: models.ReviewApproved})); e.Refusals != 0 {
			t.Errorf("%d refusals after an approval", e.Refusals)
		}
		try("gambling")
		try("express") // it says so, and the reviewer sees otherwise
		must[models.Enterprise](t)(h.DecideEnterprise(ctx, h.tenant.ID, EnterpriseDecision{State: models.ReviewRejected, Reason: "it gambles", Forbidden: true}))
		if e = try("gambling"); e.Refusals != models.RefusalsMost {
			t.Errorf("%d refusals", e.Refusals)
		}
		honest := h.enterprise()
		err := h.SubmitEnterprise(ctx, &honest, models.ForbiddenBusinesses)
		if wantCode(t, err, models.Conflict); !strings.Contains(err.Error(), "ask the operator") {
			t.Error(err)
		}
		must[models.Enterprise](t)(h.ClearRefusals(ctx, h.tenant.ID))
		if e = try("express"); e.State != models.ReviewWaiting || e.Refusals != 0 {
			t.Errorf("after the operator's word %+v", e)
		}
		_, err = h.ClearRefusals(ctx, 99)
		wantCode(t, err, models.NotFound)
	})
}

func TestSubmitEnterpriseRefuses(t *testing.T) {
	h := newHouse(t, sqliteConfig(t))
	for name, change := range map[string]func(e *models.Enterprise){
		"kind": func(e *models.Enterprise) { e.Kind = "club" }, "licence": func(e *models.Enterprise) { e.Licence = "x" },
		"document kind": func(e *models.Enterprise) { e.Documents[0].Kind = "selfie" }, "hash": func(e *models.Enterprise) { e.Documents[0].Hash = "../../etc/passwd" },
		"empty file": func(e *models.Enterprise) { e.Documents[0].Bytes = 0 }, "file name": func(e *models.Enterprise) { e.Documents[0].Name = "" },
		"documents": func(e *models.Enterprise) { e.Documents = make([]models.Document, models.DocumentsMost+1) },
		"who":       func(e *models.Enterprise) { e.UploadedBy = strings.Repeat("x", 129) },
	} {
		e := h.enterprise()
		change(&e)
		if err := h.SubmitEnterprise(context.Background(), &e, nil); models.CodeOf(err) != models.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	stray := h.enterprise()
	stray.TenantID = 99
	wantCode(t, h.SubmitEnterprise(context.Background(), &stray, nil), models.NotFound)
}

// TestSubmitEnterpriseAtOnce lets a tenant submit from several places: one waits, the others are told.
func TestSubmitEnterpriseAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		var wg sync.WaitGroup
		results := make([]error, 6)
		for i := range results {
			wg.Go(func() {
				e := h.enterprise()
				results[i] = h.SubmitEnterprise(context.Background(), &e, nil)
			})
		}
		wg.Wait()
		went := 0
		for _, err := range results {
			if err == nil {
				went++
			} else if models.CodeOf(err) != models.Conflict {
				t.Error(err)
			}
		}
		if went != 1 {
			t.Errorf("%d were taken", went)
		}
	})
}

func TestContacts(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		c := models.Contact{TenantID: h.tenant.ID, Name: "值班", Phone: "+8613800000009", Mail: "ops@example.com", Webhook: "https://example.com/n",
			Notices: []models.Notice{models.NoticeBalance, models.NoticeRent}}
		if err := h.AddContact(ctx, &c); err != nil || c.ID == 0 {
			t.Fatal(err)
		}
		if got := must[models.Contact](t)(h.Contact(ctx, h.tenant.ID, c.ID)); !reflect.DeepEqual(got, c) {
			t.Errorf("read %+v, want %+v", got, c)
		}
		c.Mail, c.Notices = "", nil
		if err := h.ChangeContact(ctx, c); err != nil {
			t.Fatal(err)
		}
		if err := h.ChangeContact(ctx, c); err != nil {
			t.Errorf("the same once more: %v", err)
		}
		if got := must[[]models.Contact](t)(h.Contacts(ctx, h.tenant.ID)); len(got) != 1 || !reflect.DeepEqual(got[0], c) {
			t.Errorf("read %+v, want %+v", got, c)
		}
		strange := c
		strange.TenantID = 99
		wantCode(t, h.ChangeContact(ctx, strange), models.NotFound)
		wantCode(t, h.RemoveContact(ctx, 99, c.ID), models.NotFound)
		wantCode(t, h.AddContact(ctx, &strange), models.NotFound)
		for _, bad := range []models.Contact{{Name: "x"}, {Name: "x", Mail: "a b@c"}, {Name: "x", Mail: "a@b", Notices: []models.Notice{"gossip"}},
			{Name: "x", Mail: "a@b", Phone: strings.Repeat("1", 33)}, {Name: "x", Webhook: "ftp://x/"}} {
			bad.TenantID = h.tenant.ID
			wantCode(t, h.AddContact(ctx, &bad), models.Invalid)
		}
		if err := h.RemoveContact(ctx, h.tenant.ID, c.ID); err != nil {
			t.Error(err)
		}
		wantCode(t, h.RemoveContact(ctx, h.tenant.ID, c.ID), models.NotFound)

		// Twenty at once: ten stay.
		var wg sync.WaitGroup
		results := make([]error, 2*models.ContactsMost)
		for i := range results {
			wg.Go(func() { results[i] = h.AddContact(ctx, &models.Contact{TenantID: h.tenant.ID, Name: "x", Mail: "a@b"}) })
		}
		wg.Wait()
		for _, err := range results {
			if err != nil && models.CodeOf(err) != models.Conflict {
				t.Error(err)
			}
		}
		n := 0
		if _, err := one(h.read, []any{num(&n)}, "SELECT COUNT(*) FROM contacts"); err != nil || n != models.ContactsMost {
			t.Errorf("%d contacts (%v)", n, err)
		}
	})
}

func TestRegisteredParties(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		list := []models.RegisteredParty{{TenantID: h.tenant.ID, Party: alice, Name: "李雷"}, {TenantID: h.tenant.ID, Party: bob, Name: "韩梅梅"}}
		if err := h.RegisterParties(ctx, list); err != nil {
			t.Fatal(err)
		}
		first := h.clock.Now()
		h.clock.advance(time.Hour)
		list[0].Name = "李磊"
		if err := h.RegisterParties(ctx, append(list, models.RegisteredParty{TenantID: h.tenant.ID, Party: carol, Name: "x"}, list[0])); err != nil {
			t.Fatal(err)
		}
		got, ok, err := h.RegisteredParty(ctx, h.tenant.ID, alice)
		if want := (models.RegisteredParty{TenantID: h.tenant.ID, Party: alice, Name: "李磊", RegisteredAt: first}); err != nil || !ok || got != want {
			t.Errorf("read %+v %v, want %+v (%v)", got, ok, want, err)
		}
		for tenant, who := range map[int64]models.Party{h.tenant.ID: dave, 99: alice} {
			if _, ok, err := h.RegisteredParty(ctx, tenant, who); err != nil || ok {
				t.Errorf("%v of tenant %d is registered (%v)", who, tenant, err)
			}
		}
		for f, want := range map[RegisteredFilter]int{{}: 3, {TenantID: h.tenant.ID}: 3, {TenantID: 99}: 0, {Party: alice}: 1} {
			if _, n, err := h.RegisteredParties(ctx, f, models.Page{}); err != nil || n != want {
				t.Errorf("%+v finds %d, want %d (%v)", f, n, want, err)
			}
		}
		// All or none.
		wantCode(t, h.RegisterParties(ctx, []models.RegisteredParty{{TenantID: h.tenant.ID, Party: dave, Name: "y"}, {TenantID: h.tenant.ID, Party: models.Hidden, Name: "z"}}), models.Invalid)
		wantCode(t, h.RegisterParties(ctx, []models.RegisteredParty{{TenantID: h.tenant.ID, Party: dave, Name: "y"}, {TenantID: 99, Party: dave, Name: "z"}}), models.NotFound)
		wantCode(t, h.RegisterParties(ctx, make([]models.RegisteredParty, RegisteredMost+1)), models.Invalid)
		if _, ok, err := h.RegisteredParty(ctx, h.tenant.ID, dave); err != nil || ok {
			t.Errorf("half of a list was registered (%v)", err)
		}
		if err := h.UnregisterParty(ctx, h.tenant.ID, bob); err != nil {
			t.Error(err)
		}
		wantCode(t, h.UnregisterParty(ctx, h.tenant.ID, bob), models.NotFound)
	})
}
