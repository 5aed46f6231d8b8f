package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"maskline/models"
)

// candidates is how many numbers one choice offers. More than one, since another bind may take a place between the choice and the bind.
const candidates = 16

// Where says on which number to bind.
type Where struct {
	X string // the number wanted, global form; "" lets the platform choose
	// Area is the city to choose in; "" takes AreaOfA. Both empty (a mobile number whose city nobody knows): any city of the app.
	Area    string
	AreaOfA string // the city of A's own number, if known
	Loose   bool   // when the city has no number left, take one of another
}

// areas are the cities to look in, in turn; "" is any.
func (w Where) areas() []string {
	area := w.Area
	if area == "" {
		area = w.AreaOfA
	}
	if w.Loose && area != "" {
		return []string{area, ""}
	}
	return []string{area}
}

// search is what a bind asks of a number that the platform chooses for it.
type search struct {
	app   models.App
	where Where
	fill  []span // how many of its places are taken already; numbers of the first span are preferred
	apart []late
	but   string // a number that will not do
	// restedY leaves out numbers that were a Y less than the cool-off ago: as an X they would lead late callers to somebody new.
	restedY bool
}

type span struct{ least, most int }

// late is a caller who must not find somebody new behind the number: whom he met there is let through.
type late struct {
	caller    models.Party
	extension string
	met       models.Party
}

// bindAny chooses a number and binds on it with bind: in the city asked for; if that is loose, in any other then.
//
// A number is left out on which one of those kept apart has a live route, or which he left less than the cool-off ago: a late call to the old
// binding would reach the next customer. That holds even when nothing else is free, since a refused bind is seen and mended by whoever
// asked, a wrong connection is not; a tenant who wants a certain number all the same names it. One thing is let through: the same two
// parties, whom a late call connects as it did before.
//
// Bindings that have expired and that nobody has closed take places still. When nothing is free some are closed and the numbers looked at
// again: a binding is dead at its second, whether or not the job has been by.
func (s *Store) bindAny(ctx context.Context, q search, now time.Time, bind func(ctx context.Context, x string) (models.Binding, error)) (models.Binding, error) {
	b, err := s.bindFree(ctx, q, now, bind)
	if models.CodeOf(err) != models.NoNumber {
		return b, err
	}
	if closed, failed := s.ExpireBindings(ctx, closeBatch); failed != nil || closed == 0 {
		return models.Binding{}, cmp.Or(failed, err)
	}
	return s.bindFree(ctx, q, now, bind)
}

// bindFree binds on one of the numbers that have room now.
func (s *Store) bindFree(ctx context.Context, q search, now time.Time, bind func(ctx context.Context, x string) (models.Binding, error)) (models.Binding, error) {
	for _, area := range q.where.areas() {
		for _, fill := range q.fill {
			xs, err := s.choose(ctx, q, area, fill, now)
			if err != nil {
				return models.Binding{}, wrap("choose a number", err)
			}
			for _, x := range xs {
				b, err := bind(ctx, x)
				if err == nil || !onlyThere(err) {
					return b, err
				}
			}
		}
	}
	return models.Binding{}, models.Fail(models.NoNumber, "areaCode", "no number is free in the city for these parties")
}

// onlyThere says that a bind failed on one number because somebody was faster; another may do.
func onlyThere(err error) bool {
	if errors.Is(err, errQuota) {
		return false
	}
	switch models.CodeOf(err) {
	case models.NumberBound, models.NumberTaken, models.BoundAlready, models.NoNumber, models.NumberAbnormal, models.NumberNotOwned, models.ExtensionTaken:
		return true
	}
	return false
}

// choose finds numbers that could carry a binding, the least used first, those equally used in random order so that concurrent binds spread.
// It walks numbers by use and stops at the first that pass; each look at routes and history is by its whole key.
func (s *Store) choose(ctx context.Context, q search, area string, fill span, now time.Time) ([]string, error) {
	left := micros(now.Add(-s.cfg.coolOff()))
	query := "SELECT n.number, n.pairs FROM numbers n WHERE n.app_id = ? AND n.state = ? AND n.pairs BETWEEN ? AND ? AND n.kind = ?"
	args := []any{q.app.ID, int(models.NumberNormal), fill.least, fill.most, string(models.NumberPrivate)}
	if area != "" {
		query += " AND n.area_code = ?"
		args = append(args, area)
	}
	if q.but != "" {
		query += " AND n.number <> ?"
		args = append(args, q.but)
	}
	if q.restedY {
		query += " AND n.y_left_at <= ?"
		args = append(args, left)
	}
	query += strings.Repeat(freeOfRoutes+freeOfHistory, len(q.apart))
	for _, p := range q.apart {
		args = append(args, p.caller, p.extension, left, micros(now), p.met, p.caller, p.extension, left, p.met)
	}
	query += " ORDER BY n.pairs LIMIT ?"
	args = append(args, candidates)
	var out []string
	var uses []int
	err := each(s.reader(ctx), func(rows *sql.Rows) error {
		var x string
		var pairs int
		err := rows.Scan(text(&x), num(&pairs))
		out, uses = append(out, x), append(uses, pairs)
		return err
	}, query, args...)
	shuffleEqual(out, uses)
	return out, err
}

// shuffleEqual shuffles each run of numbers that are used equally.
func shuffleEqual(xs []string, uses []int) {
	for from := 0; from < len(xs); {
		to := from + 1
		for to < len(xs) && uses[to] == uses[from] {
			to++
		}
		same := xs[from:to]
		rand.Shuffle(len(same), func(i, j int) { same[i], same[j] = same[j], same[i] }) //nolint:gosec // it spreads load and decides nothing that anybody could gain from
		from = to
	}
}

// What a caller must not have on a number n: a route that is live or expired less than the cool-off ago, or one in the history that ended
// so; but for one that had expired or ended and led to whom he may meet. Counting, and one caller at a time: MariaDB answers NOT EXISTS by
// a pass over all routes, and for two callers reads every route of the number.
const (
	freeOfRoutes = " AND (SELECT COUNT(*) FROM routes r WHERE r.dialled = n.number AND r.caller = ? AND r.extension = ?" +
		" AND (r.expires_at = 0 OR r.expires_at > ?) AND NOT (r.expires_at BETWEEN 1 AND ? AND r.destination = ?)) = 0"
	freeOfHistory = " AND (SELECT COUNT(*) FROM route_history h WHERE h.dialled = n.number AND h.caller = ? AND h.extension = ?" +
		" AND h.valid_to > ? AND h.destination <> ?) = 0"
)
