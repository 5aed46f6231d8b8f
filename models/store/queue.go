package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// depthShards is over how many rows an app's count of waiting calls is spread on MySQL. SQLite has one writer, and one row.
const depthShards = 8

// queued is what one transaction of the committer changes in the queue. It is written at the end: many rows in one statement, and each app's
// count once, in order.
type queued struct {
	calls   []*models.Outgoing
	deeper  map[int64]int   // by app: how many more calls wait
	tenants map[int64]int64 // by app

	steps *steps // of a group; nil: each step writes its own
}

func (q *queued) add(o models.Outgoing) {
	q.calls = append(q.calls, &o)
	q.deepen(o.Session, 1)
}

func (q *queued) deepen(v models.Session, by int) {
	if q.deeper == nil {
		q.deeper, q.tenants = map[int64]int{}, map[int64]int64{}
	}
	q.deeper[v.AppID] += by
	q.tenants[v.AppID] = v.TenantID
}

// flushMost is how many rows one statement writes.
const flushMost = 25

func (s *Store) flush(tx *gorm.DB, q *queued) error {
	if err := q.steps.flush(tx); err != nil {
		return err
	}
	for chunk := range slices.Chunk(q.calls, flushMost) {
		if err := addOutgoing(tx, chunk...); err != nil {
			return err
		}
	}
	for _, app := range slices.Sorted(maps.Keys(q.deeper)) {
		if by := q.deeper[app]; by != 0 {
			if err := s.countWaiting(tx, app, q.tenants[app], by); err != nil {
				return err
			}
		}
	}
	return nil
}

// deepen counts calls of an app that have begun or ceased to wait. It comes last of what a transaction does for a call.
func (s *Store) deepen(ctx context.Context, tx *gorm.DB, v models.Session, by int) error {
	if j := s.joint(ctx); j.queue != nil {
		j.queue.deepen(v, by)
		return nil
	}
	return s.countWaiting(tx, v.AppID, v.TenantID, by)
}

func (s *Store) countWaiting(tx *gorm.DB, appID, tenantID int64, by int) error {
	shard := 0
	if s.cfg.Driver == MySQL {
		shard = rand.IntN(depthShards) //nolint:gosec // it spreads locks
	}
	for {
		n, err := run(tx, "UPDATE outgoing_depth SET waiting = waiting + ? WHERE app_id = ? AND shard = ?", by, appID, shard)
		if err != nil || n > 0 {
			return err
		}
		_, err = run(tx, "INSERT INTO outgoing_depth (app_id, shard, tenant_id, waiting) VALUES (?, ?, ?, ?)", appID, shard, tenantID, by)
		if !errors.Is(err, gorm.ErrDuplicatedKey) {
			return err
		}
	}
}

// QueueDepth tells how many calls of an app wait. It reads a count, not the calls.
func (s *Store) QueueDepth(ctx context.Context, appID int64) (waiting int, err error) {
	_, err = one(s.reader(ctx), []any{num(&waiting)}, "SELECT SUM(waiting) FROM outgoing_depth WHERE app_id = ?", appID)
	return waiting, wrap("count waiting calls", err)
}

// QueueApp is an app with calls that wait.
type QueueApp struct {
	AppID, TenantID int64
	Waiting         int
	Oldest          time.Time // when the one began to wait that waits longest
}

// queueApps sums the counts of the apps, and looks for the oldest call of each priority by one seek.
var queueApps = func() string {
	var each []string
	for p := range PriorityMost + 1 {
		each = append(each, fmt.Sprintf("SELECT %d AS n", p))
	}
	return "SELECT d.app_id, d.tenant_id, d.waiting, MIN((SELECT o.queued_at FROM outgoing o WHERE o.app_id = d.app_id AND o.state = ? AND o.priority = p.n ORDER BY o.queued_at LIMIT 1))" +
		" FROM (SELECT app_id, tenant_id, SUM(waiting) AS waiting FROM outgoing_depth GROUP BY app_id, tenant_id HAVING SUM(waiting) > 0) d" +
		" CROSS JOIN (" + strings.Join(each, " UNION ALL ") + ") p GROUP BY d.app_id, d.tenant_id, d.waiting"
}()

// QueueApps lists the apps that have calls waiting, by id.
func (s *Store) QueueApps(ctx context.Context) (list []QueueApp, err error) {
	err = each(s.reader(ctx), func(rows *sql.Rows) error {
		var a QueueApp
		err := rows.Scan(num(&a.AppID), num(&a.TenantID), num(&a.Waiting), when(&a.Oldest))
		list = append(list, a)
		return err
	}, queueApps, string(models.OutgoingQueued))
	slices.SortFunc(list, func(a, b QueueApp) int { return cmp.Compare(a.AppID, b.AppID) })
	return list, wrap("read the apps with waiting calls", err)
}

// QueueMark is a place in an app's queue; the zero mark is before its head.
type QueueMark struct {
	Priority int
	QueuedAt time.Time
	Seq      int64
}

// MarkOf is the place of a call that was read from the queue.
func MarkOf(o models.Outgoing) QueueMark { return QueueMark{o.Priority, o.QueuedAt, o.Seq} }

// QueueHead reads up to n of an app's waiting calls after a mark, in the order in which they are to be placed: by priority, then by how long
// they wait.
func (s *Store) QueueHead(ctx context.Context, appID int64, after QueueMark, n int) ([]models.Outgoing, error) {
	const order = " ORDER BY t.priority, t.queued_at, t.id LIMIT ?"
	at := micros(after.QueuedAt)
	// Two statements, since no form of one is a seek on both databases.
	list, err := outgoingColumns.all(s.reader(ctx), "WHERE t.app_id = ? AND t.state = ? AND t.priority = ? AND t.queued_at >= ? AND (t.queued_at > ? OR t.id > ?)"+order,
		appID, string(models.OutgoingQueued), after.Priority, at, at, after.Seq, n)
	if err == nil && len(list) < n {
		var more []models.Outgoing
		more, err = outgoingColumns.all(s.reader(ctx), "WHERE t.app_id = ? AND t.state = ? AND t.priority > ?"+order,
			appID, string(models.OutgoingQueued), after.Priority, n-len(list))
		list = append(list, more...)
	}
	return list, wrap("read waiting calls", err)
}

// QueueExpired reads up to n waiting calls whose GiveUpAt has come, the longest overdue first.
func (s *Store) QueueExpired(ctx context.Context, now time.Time, n int) ([]models.Outgoing, error) {
	list, err := outgoingColumns.all(s.reader(ctx), "WHERE t.state = ? AND t.give_up_at BETWEEN 1 AND ? ORDER BY t.give_up_at, t.id LIMIT ?",
		string(models.OutgoingQueued), micros(now), n)
	return list, wrap("read overdue calls", err)
}

// Outgoing reads a call that waits or is being dialled, by its session's id; models.NotFound.
func (s *Store) Outgoing(ctx context.Context, sessionID string) (models.Outgoing, error) {
	o, found, err := outgoingColumns.first(s.reader(ctx), "WHERE t.session_id = ?", sessionID)
	return o, known(found, wrap("read waiting call", err), "sessionid", "no such call waits")
}

// Taken reads the calls of a switch that were taken and are not known to be on it, the one that was accepted first first. Few are.
func (s *Store) Taken(ctx context.Context, switchName string) ([]models.Outgoing, error) {
	list, err := outgoingColumns.all(s.reader(ctx), "WHERE t.state = ? AND t.switch = ?", string(models.OutgoingTaken), switchName)
	slices.SortFunc(list, func(a, b models.Outgoing) int { return cmp.Compare(a.Seq, b.Seq) })
	return list, wrap("read taken calls", err)
}

// OutgoingFilter narrows OutgoingList; zero fields narrow nothing.
type OutgoingFilter struct {
	AppID, TenantID int64
	State           models.OutgoingState
}

// OutgoingList lists waiting calls, then those being dialled: an app's in the order in which they are to be placed, so that the place in the
// list is the place in the queue; others by when they give up.
func (s *Store) OutgoingList(ctx context.Context, f OutgoingFilter, page models.Page) ([]models.Outgoing, int, error) {
	var c conditions
	is(&c, "t.app_id", f.AppID)
	is(&c, "t.tenant_id", f.TenantID)
	is(&c, "t.state", f.State)
	order := "t.state, t.give_up_at, t.id"
	if f.AppID != 0 {
		order = "t.state, t.priority, t.queued_at, t.id"
	}
	return listed(ctx, s, outgoingColumns, c, order, page)
}

// PlacedLive reads every session of a placed mode that is on its way: taken, and not ended. How many there are is bounded by what the
// switches carry.
func (s *Store) PlacedLive(ctx context.Context) ([]models.Session, error) {
	args := []any{string(models.StageQueued)}
	for _, m := range models.VoiceModes {
		args = append(args, string(m))
	}
	list, err := sessionColumns.all(s.reader(ctx), "WHERE t.ended_at = 0 AND t.stage <> ? AND t.mode IN (?"+strings.Repeat(", ?", len(models.VoiceModes)-1)+")", args...)
	return list, wrap("read live placed calls", err)
}
