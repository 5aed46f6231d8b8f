package store

import (
	"testing"

	"maskline/models"
)

// together commits changes as one group.
func (h *house) together(t *testing.T, list ...models.Change) []*pending {
	t.Helper()
	var group []*pending
	for _, ch := range list {
		if err := validChange(ch); err != nil {
			t.Fatal(err)
		}
		group = append(group, &pending{work: h.workOf(ch), done: make(chan struct{})})
	}
	h.commits.commit(group)
	return group
}

func (h *house) step(session string, types ...models.EventType) models.Change {
	ch := models.Change{Session: h.session(session)}
	for _, typ := range types {
		ch.Events = append(ch.Events, event(session, typ))
		ch.Deliveries = append(ch.Deliveries, h.push(session, string(typ), models.DeliverEvent))
	}
	return ch
}

// stored is the id of each delivery of a session, by key.
func (h *house) stored(t *testing.T, session string) map[string]int64 {
	t.Helper()
	list, _, err := h.Deliveries(t.Context(), DeliveryFilter{SessionID: session}, models.Page{})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]int64{}
	for _, d := range list {
		ids[d.Key] = d.ID
	}
	return ids
}

// delivery reads one row.
func (h *house) delivery(t *testing.T, id int64) models.Delivery {
	t.Helper()
	list, err := h.WaitingDeliveries(t.Context(), id-1, nil, 1)
	if err != nil || len(list) != 1 || list[0].ID != id {
		t.Fatalf("delivery %d: %v, %v", id, list, err)
	}
	return list[0]
}

func TestGroupWritesItsStepsTogether(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		first, second, end := h.step("s1", models.EventCallIn, models.EventCallOut), h.step("s2", models.EventCallIn), h.end("s3")
		first.Deliveries = append(first.Deliveries, models.Delivery{AppID: h.app.ID, Kind: models.DeliverTest, URL: "https://example.com", CreatedAt: h.clock.Now()})
		for i, p := range h.together(t, first, second, end) {
			if p.err != nil || !p.applied {
				t.Errorf("change %d: %v, applied %v", i, p.err, p.applied)
			}
		}
		last := int64(0)
		for _, d := range []models.Delivery{first.Deliveries[0], first.Deliveries[1], second.Deliveries[0], end.Deliveries[0], end.Deliveries[1]} {
			if got := h.stored(t, d.SessionID)[d.Key]; d.ID == 0 || got != d.ID {
				t.Errorf("%s of %s has id %d, in the database %d", d.Key, d.SessionID, d.ID, got)
			}
			if d.ID <= last {
				t.Errorf("%s of %s came before what was told earlier", d.Key, d.SessionID)
			}
			last = d.ID
			if row := h.delivery(t, d.ID); d.Lane != models.LaneOf(d.SessionID) || row.Lane != d.Lane {
				t.Errorf("%s of %s is in lane %d, in the database %d, want %d", d.Key, d.SessionID, d.Lane, row.Lane, models.LaneOf(d.SessionID))
			}
		}
		if first.Deliveries[2].ID == 0 {
			t.Error("a delivery without key has no id")
		}
		if got := h.keys(t, "s1") + " " + h.keys(t, "s2"); got != "callin callout →callin →callout callin →callin" {
			t.Errorf("events %s", got)
		}
	})
}

// A repeat in a group is sorted out, and costs its neighbours nothing.
func TestGroupWithARepeat(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		h.record(t, h.step("s1", models.EventCallIn))
		again, other := h.step("s1", models.EventCallIn, models.EventAlerting), h.step("s2", models.EventCallIn)
		ended := h.end("s4")
		h.record(t, ended)
		late := h.step("s4", models.EventAnswer)
		group := h.together(t, again, other, late)
		for i, applied := range []bool{true, true, false} {
			if group[i].err != nil || group[i].applied != applied {
				t.Errorf("change %d: %v, applied %v", i, group[i].err, group[i].applied)
			}
		}
		if again.Deliveries[0].ID != 0 || again.Deliveries[1].ID != h.stored(t, "s1")["alerting"] || other.Deliveries[0].ID != h.stored(t, "s2")["callin"] {
			t.Errorf("ids %d, %d, %d", again.Deliveries[0].ID, again.Deliveries[1].ID, other.Deliveries[0].ID)
		}
		if got := h.keys(t, "s1"); got != "callin alerting →callin →alerting" {
			t.Errorf("events of the repeated one: %s", got)
		}
	})
}
