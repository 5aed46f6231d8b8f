package store

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"maskline/models"
)

func TestCountDeliveries(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		for i := range 5 {
			d := models.Delivery{AppID: h.app.ID, Kind: models.DeliverTest, URL: "https://example.com", CreatedAt: h.clock.Now()}
			if i > 0 {
				d.State = models.DeliveryRetry
			}
			if err := h.AddDelivery(ctx, &d); err != nil {
				t.Fatal(err)
			}
		}
		for state, want := range map[models.DeliveryState]int{models.DeliveryWaiting: 1, models.DeliveryRetry: 3, models.DeliveryHeld: 0} {
			if n := must[int](t)(h.CountDeliveries(ctx, state, 3)); n != want {
				t.Errorf("%d are %s, want %d", n, state, want)
			}
		}
	})
}

// The plan reads an index and no row of the table.
func TestCountDeliveriesIsCheap(t *testing.T) {
	h := newHouse(t, sqliteConfig(t))
	plan := ""
	err := each(h.read, func(rows *sql.Rows) error {
		var id, parent, unused int
		var detail string
		defer func() { plan += detail + "\n" }()
		return rows.Scan(&id, &parent, &unused, &detail)
	}, "EXPLAIN QUERY PLAN "+countDeliveries, "retry", 10)
	if err != nil || !strings.Contains(plan, "USING COVERING INDEX deliveries_") {
		t.Errorf("%s%v", plan, err)
	}
}
