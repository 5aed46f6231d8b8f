package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

var deliveryColumns = columns[models.Delivery]{
	table: "deliveries",
	names: []string{"id", "app_id", "session_id", "dkey", "kind", "url", "body", "state", "attempts", "first_at", "due_at", "last_status",
		"last_error", "created_at", "ended_at", "lane"},
	values: func(d *models.Delivery) []any {
		var key any
		if d.Key != "" && d.SessionID != "" {
			key = d.Key
		}
		return []any{nil, d.AppID, d.SessionID, key, string(d.Kind), d.URL, append([]byte{}, d.Body...), string(d.State), d.Attempts,
			micros(d.FirstAt), micros(d.DueAt), d.LastStatus, d.LastError, micros(d.CreatedAt), micros(d.EndedAt), d.Lane}
	},
	dest: func(d *models.Delivery) []any {
		return []any{num(&d.ID), num(&d.AppID), text(&d.SessionID), text(&d.Key), text(&d.Kind), text(&d.URL), &d.Body, text(&d.State),
			num(&d.Attempts), when(&d.FirstAt), when(&d.DueAt), num(&d.LastStatus), text(&d.LastError), when(&d.CreatedAt), when(&d.EndedAt), num(&d.Lane)}
	},
}

// addDelivery writes a delivery and sets its ID, unless its session has one with its key: then the ID is 0. An empty state is waiting.
func addDelivery(tx *gorm.DB, d *models.Delivery) (err error) {
	completeDelivery(d)
	d.ID, err = deliveryColumns.insertOne(tx, d)
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return nil
	}
	return err
}

// completeDelivery sets what every new delivery has: a state, and the lane of its line. All of a session must be in one lane, or two daemons would
// tell of one call in any order.
func completeDelivery(d *models.Delivery) {
	if d.State == "" {
		d.State = models.DeliveryWaiting
	}
	d.Lane = models.LaneOf(d.Line())
}

// AddDelivery writes one delivery that belongs to no change of a call (a test push, a number's state) and sets its ID.
func (s *Store) AddDelivery(ctx context.Context, d *models.Delivery) error {
	row := *d
	row.Key = ""
	err := s.within(ctx, "add delivery", func(_ context.Context, tx *gorm.DB) error { return addDelivery(tx, &row) })
	if err == nil {
		d.ID, d.Lane = row.ID, row.Lane
	}
	return err
}

// DueDeliveries reads deliveries whose calendar has come (state retry), the longest due first.
func (s *Store) DueDeliveries(ctx context.Context, now time.Time, lanes []int, limit int) ([]models.Delivery, error) {
	in, args := inLanes(lanes)
	rows, err := deliveryColumns.all(s.reader(ctx), "WHERE t.state = ? AND t.due_at <= ?"+in+" ORDER BY t.due_at, t.id LIMIT ?",
		slices.Concat([]any{string(models.DeliveryRetry), micros(now)}, args, []any{limit})...)
	return rows, wrap("read due deliveries", err)
}

// inLanes narrows to lanes; nil narrows nothing. The few rows of others that are met on the way are stepped over.
func inLanes(lanes []int) (where string, args []any) {
	if lanes == nil || len(lanes) == models.Lanes {
		return "", nil
	}
	for _, l := range lanes {
		args = append(args, l)
	}
	if len(args) == 0 {
		args = []any{-1}
	}
	return " AND t.lane IN (?" + strings.Repeat(", ?", len(args)-1) + ")", args
}

// WaitingDeliveries reads deliveries whose first attempt has not ended, in the order in which they were written, after an id: for recovery
// at start and after Replay.
func (s *Store) WaitingDeliveries(ctx context.Context, afterID int64, lanes []int, limit int) ([]models.Delivery, error) {
	in, args := inLanes(lanes)
	rows, err := deliveryColumns.all(s.reader(ctx), "WHERE t.state = ? AND t.id > ?"+in+" ORDER BY t.id LIMIT ?",
		slices.Concat([]any{string(models.DeliveryWaiting), afterID}, args, []any{limit})...)
	return rows, wrap("read waiting deliveries", err)
}

// SaveAttempt stores how deliveries stand after an attempt: state, attempts, times, last status and error, by primary key, in one
// transaction. A delivery without an ID is an error. Under leases of which one is lost nothing is written: ErrLeaseLost.
func (s *Store) SaveAttempt(ctx context.Context, list []models.Delivery, under ...models.Lease) error {
	return s.within(ctx, "save delivery attempts", func(ctx context.Context, tx *gorm.DB) error {
		if err := s.allHeld(tx, under); err != nil {
			return err
		}
		for chunk := range slices.Chunk(list, attemptsAtOnce) {
			if err := saveAttempts(tx, chunk); err != nil {
				return err
			}
		}
		return nil
	})
}

// attemptsAtOnce bounds one statement of SaveAttempt.
const attemptsAtOnce = 100

// saveAttempts writes deliveries, one statement for those that went alike: most were taken at the first attempt.
func saveAttempts(tx *gorm.DB, list []models.Delivery) error {
	type outcome struct {
		state, failure   string
		attempts, status int
		due              int64
	}
	alike := map[outcome][]models.Delivery{}
	var order []outcome
	for _, d := range list {
		o := outcome{string(d.State), cut(d.LastError, 512), d.Attempts, d.LastStatus, micros(d.DueAt)}
		if alike[o] == nil {
			order = append(order, o)
		}
		alike[o] = append(alike[o], d)
	}
	for _, o := range order {
		first, firstArgs := byID(alike[o], func(d models.Delivery) int64 { return micros(d.FirstAt) })
		ended, endedArgs := byID(alike[o], func(d models.Delivery) int64 { return micros(d.EndedAt) })
		ids := make([]int64, len(alike[o]))
		for i, d := range alike[o] {
			ids[i] = d.ID
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
		args := slices.Concat([]any{o.state, o.attempts, o.due, o.status, o.failure}, firstArgs, endedArgs, []any{ids})
		n, err := run(tx, "UPDATE deliveries SET state = ?, attempts = ?, due_at = ?, last_status = ?, last_error = ?, first_at = "+first+", ended_at = "+ended+" WHERE id IN ?", args...)
		if err != nil {
			return err
		}
		if n < int64(len(ids)) {
			return models.Fail(models.NotFound, "delivery", "of the deliveries %v only %d are there", ids, n)
		}
	}
	return nil
}

// byID is an expression that gives each row its own time.
func byID(list []models.Delivery, of func(models.Delivery) int64) (expr string, args []any) {
	for _, d := range list {
		args = append(args, d.ID, of(d))
	}
	return "CASE id" + strings.Repeat(" WHEN ? THEN ?", len(list)) + " END", args
}

// cut bounds a text to n characters.
func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// DeliveryFilter narrows Deliveries and Replay; zero fields narrow nothing.
type DeliveryFilter struct {
	TenantID     int64 // of any of his apps
	AppID        int64
	SessionID    string
	State        models.DeliveryState
	Kind         models.DeliveryKind
	Since, Until time.Time // of the writing
}

func (f DeliveryFilter) conditions() (c conditions) {
	if f.TenantID != 0 {
		c.add("t.app_id IN (SELECT a.id FROM apps a WHERE a.tenant_id = ?)", f.TenantID)
	}
	is(&c, "t.app_id", f.AppID)
	is(&c, "t.session_id", f.SessionID)
	is(&c, "t.state", f.State)
	is(&c, "t.kind", f.Kind)
	c.span("t.created_at", f.Since, f.Until)
	return c
}

// Deliveries lists deliveries, newest first.
func (s *Store) Deliveries(ctx context.Context, f DeliveryFilter, page models.Page) ([]models.Delivery, int, error) {
	return listed(ctx, s, deliveryColumns, f.conditions(), "t.created_at DESC, t.id DESC", page)
}

// Replay makes ended deliveries wait anew, as if they had never been tried, and tells how many. State dead or done replays those, ""
// both; another state is models.Invalid. It goes in transactions of 200. Those that were replayed are found by WaitingDeliveries.
func (s *Store) Replay(ctx context.Context, f DeliveryFilter) (n int, err error) {
	const batch = 200
	if f.State != "" && f.State != models.DeliveryDead && f.State != models.DeliveryDone {
		return 0, models.Fail(models.Invalid, "state", "only done and dead deliveries can be replayed")
	}
	c := f.conditions()
	if f.State == "" {
		c.add("t.state IN (?, ?)", string(models.DeliveryDead), string(models.DeliveryDone))
	}
	now, err := s.Now(ctx)
	if err != nil {
		return 0, err
	}
	// Bounded by what exists now: deliveries that end while this runs are not replayed for ever.
	c.add("t.created_at <= ?", micros(now))
	c.add("t.id > ?", int64(0))
	for after := int64(0); ; {
		c.args[len(c.args)-1] = after
		rows, err := deliveryColumns.all(s.reader(ctx), c.String()+fmt.Sprintf(" ORDER BY t.id LIMIT %d", batch), c.args...)
		if err != nil {
			return n, fmt.Errorf("find deliveries to replay: %w", err)
		}
		if len(rows) == 0 {
			return n, nil
		}
		after = rows[len(rows)-1].ID
		met, err := s.replay(ctx, rows, now)
		n += met
		if err != nil || len(rows) < batch {
			return n, err
		}
	}
}

func (s *Store) replay(ctx context.Context, list []models.Delivery, now time.Time) (n int, err error) {
	ids := make([]int64, len(list))
	for i, d := range list {
		ids[i] = d.ID
	}
	err = s.within(ctx, "replay deliveries", func(_ context.Context, tx *gorm.DB) error {
		met, err := run(tx, "UPDATE deliveries SET state = ?, attempts = 0, first_at = 0, due_at = ?, last_status = 0, last_error = '', ended_at = 0 WHERE id IN ? AND state IN (?, ?)",
			string(models.DeliveryWaiting), micros(now), ids, string(models.DeliveryDead), string(models.DeliveryDone))
		n = int(met)
		return err
	})
	if err != nil {
		n = 0
	}
	return n, err
}

// DeadCDRs reads the CDR deliveries of an app that died on one day (UTC), by id, for the files of the dead-letter list. after and limit
// page it: give the last id read, or 0.
func (s *Store) DeadCDRs(ctx context.Context, day time.Time, appID, after int64, limit int) ([]models.Delivery, error) {
	from := day.UTC().Truncate(24 * time.Hour)
	rows, err := deliveryColumns.all(s.reader(ctx), "WHERE t.app_id = ? AND t.state = ? AND t.ended_at >= ? AND t.ended_at < ? AND t.kind = ? AND t.id > ? ORDER BY t.id LIMIT ?",
		appID, string(models.DeliveryDead), micros(from), micros(from.AddDate(0, 0, 1)), string(models.DeliverCDR), after, limit)
	return rows, wrap("read dead cdrs", err)
}
