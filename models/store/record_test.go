package store

import (
	"testing"

	"maskline/models"
)

// The flow hands the courier exactly the deliveries that a commit made new: Record sets their IDs in the caller's slice, and leaves 0 on
// those that it dropped as repeats.
func TestRecordGivesNewDeliveriesTheirIDs(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		first := models.Change{Session: h.session("s1"), Events: []models.CallEvent{event("s1", models.EventCallIn)},
			Deliveries: []models.Delivery{h.push("s1", "callin", models.DeliverEvent)}}
		h.record(t, first)
		again := models.Change{Session: h.session("s1"), Events: []models.CallEvent{event("s1", models.EventCallIn), event("s1", models.EventAlerting)},
			Deliveries: []models.Delivery{h.push("s1", "callin", models.DeliverEvent), h.push("s1", "alerting", models.DeliverEvent)}}
		h.record(t, again)
		end := h.end("s1")
		h.record(t, end)
		if first.Deliveries[0].ID == 0 || again.Deliveries[0].ID != 0 || again.Deliveries[1].ID == 0 || end.Deliveries[0].ID == 0 || end.Deliveries[1].ID == 0 {
			t.Errorf("ids %v, %v, %v", first.Deliveries[0].ID, []int64{again.Deliveries[0].ID, again.Deliveries[1].ID}, []int64{end.Deliveries[0].ID, end.Deliveries[1].ID})
		}
		for _, want := range []models.Delivery{first.Deliveries[0], again.Deliveries[1], end.Deliveries[0], end.Deliveries[1]} {
			list, _, err := h.Deliveries(t.Context(), DeliveryFilter{SessionID: "s1"}, models.Page{})
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, d := range list {
				found = found || d.ID == want.ID && d.Key == want.Key
			}
			if !found {
				t.Errorf("delivery %s does not have id %d in the database", want.Key, want.ID)
			}
		}
	})
}
