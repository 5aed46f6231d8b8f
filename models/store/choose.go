package store

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"strings"
	"time"

	"maskline/models"
)

// candidates is how many numbers one choice offers. More than one, since another bind may take a place between the choice and the bind.
const candidates = 16

// bindAny chooses a number and binds on it: in the city asked for; if that is loose, in any other then.
//
// A number is left out on which either party has a live route, or which either left less than the cool-off ago: a late call to the old
// binding would reach the next customer. That holds even when nothing else is free, since a refused bind is seen and mended by whoever
// asked, a wrong connection is not; a tenant who wants a certain number all the same names it. One thing is let through: the same two
// parties, whom a late call connects as it did before.
func (s *Store) bindAny(ctx context.Context, r BindRequest, now time.Time) (models.Binding, error) {
	areas := []string{r.area()}
	if r.Loose && r.area() != "" {
		areas = append(areas, "")
	}
	for _, area := range areas {
		xs, err := s.choose(ctx, r, area, now)
		if err != nil {
			return models.Binding{}, wrap("choose a number", err)
		}
		for _, x := range xs {
			b, err := s.bindTo(ctx, r, x)
			switch models.CodeOf(err) {
			case models.NumberBound, models.NoNumber, models.NumberAbnormal, models.NumberNotOwned:
				continue // somebody was faster
			}
			return b, err
		}
	}
	return models.Binding{}, models.Fail(models.NoNumber, "areaCode", "no number is free in the city for these two parties")
}

// choose finds numbers that could carry r, the least used first, those equally used in random order so that concurrent binds spread.
// It walks numbers by use and stops at the first that pass; each look at routes and history is by its whole key.
func (s *Store) choose(ctx context.Context, r BindRequest, area string, now time.Time) ([]string, error) {
	query := "SELECT n.number, n.pairs FROM numbers n WHERE n.app_id = ? AND n.state = ? AND n.pairs < ?"
	args := []any{r.App.ID, int(models.NumberNormal), r.App.Pairs()}
	if area != "" {
		query += " AND n.area_code = ?"
		args = append(args, area)
	}
	left := micros(now.Add(-s.cfg.coolOff()))
	parties := [][2]models.Party{{r.A, r.B}, {r.B, r.A}}
	query += strings.Repeat(freeOfRoutes+freeOfHistory, len(parties))
	for _, p := range parties {
		args = append(args, p[0], models.NoExtension, left, micros(now), p[1], p[0], models.NoExtension, left, p[1])
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

// What a party must not have on a number n: a route that is live or expired less than the cool-off ago, or one in the history that ended
// so; but for one that had expired or ended and led to the other party. Counting, and one caller at a time: MariaDB answers NOT EXISTS by
// a pass over all routes, and for two callers reads every route of the number.
const (
	freeOfRoutes = " AND (SELECT COUNT(*) FROM routes r WHERE r.dialled = n.number AND r.caller = ? AND r.extension = ?" +
		" AND (r.expires_at = 0 OR r.expires_at > ?) AND NOT (r.expires_at BETWEEN 1 AND ? AND r.destination = ?)) = 0"
	freeOfHistory = " AND (SELECT COUNT(*) FROM route_history h WHERE h.dialled = n.number AND h.caller = ? AND h.extension = ?" +
		" AND h.valid_to > ? AND h.destination <> ?) = 0"
)
