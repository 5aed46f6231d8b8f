package store

import (
	"context"
	"strings"
	"testing"
	"time"

	"maskline/models"
)

func TestHolders(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		const id = "110101199001011234"
		first := models.Holder{Number: x1, Name: "李雷", IDNumber: id, ChangedBy: "olga"}
		if err := h.SetHolder(ctx, first); err != nil {
			t.Fatal(err)
		}
		came := h.clock.Now()
		wantCode(t, h.SetHolder(ctx, first), models.Conflict)
		h.clock.advance(48 * time.Hour)
		second := models.Holder{Number: x1, Name: "Acme", IDNumber: "91440300MA5EXAMPLE", Since: came.Add(24 * time.Hour), Until: h.clock.Now(), ChangedBy: "olga"}
		for name, tt := range map[string]struct {
			change func(*models.Holder)
			code   models.Code
		}{
			"before the first": {func(v *models.Holder) { v.Since = came.Add(-time.Second) }, models.Conflict}, "to come": {func(v *models.Holder) { v.Since = h.clock.Now().Add(time.Second) }, models.Invalid},
			"no name": {func(v *models.Holder) { v.Name = " " }, models.Invalid}, "no id": {func(v *models.Holder) { v.IDNumber = "" }, models.Invalid},
			"number": {func(v *models.Holder) { v.Number = "+8617099999999" }, models.NotFound}, "form": {func(v *models.Holder) { v.Number = "1" }, models.Invalid},
		} {
			bad := second
			tt.change(&bad)
			if err := h.SetHolder(ctx, bad); models.CodeOf(err) != tt.code {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := h.SetHolder(ctx, second); err != nil {
			t.Fatal(err)
		}
		second.Until, first.Since, first.Until = time.Time{}, came, second.Since
		if got := must[models.Holder](t)(h.Holder(ctx, x1)); got != second {
			t.Errorf("holder %+v, want %+v", got, second)
		}
		list, n, err := h.Holders(ctx, x1, models.Page{})
		second.IDNumber, first.IDNumber = "91**************LE", "11**************34"
		if err != nil || n != 2 || list[0] != second || list[1] != first {
			t.Errorf("holders %+v, want %+v and %+v (%v)", list, second, first, err)
		}
		_, err = h.Holder(ctx, x2)
		wantCode(t, err, models.NotFound)
		_, err = h.Holder(ctx, "+8617099999999")
		wantCode(t, err, models.NotFound)
	})
}

func TestHoldersAreSealed(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		cfg.Clock = h.clock.Now
		ctx := context.Background()
		const id = "110101199001011234"
		for _, x := range []string{x1, x2} {
			if err := h.SetHolder(ctx, models.Holder{Number: x, Name: "李雷", IDNumber: id}); err != nil {
				t.Fatal(err)
			}
		}
		var sealed []byte
		if _, err := one(h.read, []any{&sealed}, "SELECT sealed FROM holders WHERE number = ?", x1); err != nil || strings.Contains(string(sealed), "199001") {
			t.Fatalf("stored %q: %v", sealed, err)
		}
		with := func(k Keys) *Store {
			cfg.Keys = k
			return open(t, cfg)
		}
		if n := must[int](t)(with(testKeys("2k", "k1")).Reseal(ctx)); n != 3 { // the app's secret among them
			t.Errorf("resealed %d, want 3", n)
		}
		renewed := with(testKeys("2k"))
		if got := must[models.Holder](t)(renewed.Holder(ctx, x1)); got.IDNumber != id {
			t.Errorf("with the new key alone %+v", got)
		}
		// An ID number does not open in another number's row.
		if err := h.write.Exec("UPDATE holders SET number = 'x' WHERE number = ?", x2).Error; err != nil {
			t.Fatal(err)
		}
		if err := h.write.Exec("UPDATE holders SET number = ? WHERE number = ?", x2, x1).Error; err != nil {
			t.Fatal(err)
		}
		if _, err := renewed.Holder(ctx, x2); err == nil || strings.Contains(err.Error(), x2) {
			t.Errorf("a holder moved to another number: %v", err)
		}
		if _, _, err := renewed.Holders(ctx, x2, models.Page{}); err == nil {
			t.Error("a list opens what was moved")
		}
		if err := with(Keys{}).SetHolder(ctx, models.Holder{Number: x3, Name: "x", IDNumber: id}); err == nil {
			t.Error("an ID number was stored without a key")
		}
	})
}
