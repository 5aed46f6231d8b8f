package store

import (
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// closeBindings ends open bindings of numbers whose locks the transaction has: their routes go to the history and the numbers have room
// again. An expired binding ended at its own second of expiry, whenever that is noticed; the others end now. What concerns a Y too locks
// both its numbers here.
func closeBindings(tx *gorm.DB, list []models.Binding, now time.Time) error {
	list, err := lockRelations(tx, list)
	if err != nil {
		return err
	}
	var expired, others []models.Binding
	for _, b := range list {
		if b.Live(now) {
			others = append(others, b)
		} else {
			expired = append(expired, b)
		}
	}
	for chunk := range slices.Chunk(expired, closeBatch) {
		if err := closeAs(tx, chunk, ownExpiry); err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(others, closeBatch) {
		if err := closeAs(tx, chunk, ending{models.ClosedUnbound, now}); err != nil {
			return err
		}
	}
	return settleCallbacks(tx, list, now)
}

// lockRelations locks the numbers of those bindings that have a Y, in order, and drops the ones that somebody closed before it had the locks.
func lockRelations(tx *gorm.DB, list []models.Binding) ([]models.Binding, error) {
	var numbers, ids []string
	for _, b := range list {
		if b.Y != "" {
			numbers, ids = append(numbers, b.X, b.Y), append(ids, b.ID)
		}
	}
	if len(ids) == 0 {
		return list, nil
	}
	if err := lockNumbers(tx, numbers); err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(slices.Clone(list), func(b models.Binding) bool { return b.Y != "" })
	for chunk := range slices.Chunk(ids, closeBatch) {
		open, err := bindingColumns.all(tx, "WHERE t.id IN ? AND t.closed_at = 0", chunk)
		if err != nil {
			return nil, err
		}
		list = append(list, open...)
	}
	return list, nil
}

// closeAs closes bindings with one ending, at most closeBatch of them.
func closeAs(tx *gorm.DB, list []models.Binding, e ending) error {
	ids := make([]string, len(list))
	rows, rooms := map[string][]models.Route{}, map[string]room{}
	for i, b := range list {
		ids[i] = b.ID
		for _, r := range routesOf(b, time.Time{}) {
			rows[r.Dialled] = append(rows[r.Dialled], r)
		}
		x := roomOn(b)
		rooms[x] = rooms[x].with(b, e)
	}
	for _, x := range slices.Sorted(maps.Keys(rows)) {
		if err := retireRoutes(tx, rows[x], ids, e); err != nil {
			return err
		}
	}
	at, args := e.at()
	args = append(args, string(e.reason), ids)
	if _, err := run(tx, "UPDATE bindings SET closed_at = "+at+", reason = ? WHERE id IN ? AND closed_at = 0", args...); err != nil {
		return err
	}
	for _, x := range slices.Sorted(maps.Keys(rooms)) {
		if err := rooms[x].giveBack(tx, x); err != nil {
			return err
		}
	}
	return nil
}

// room is what closed bindings leave on a number.
type room struct {
	places int
	leftY  int64 // when the last relation ended for which the number was Y, microseconds; 0 for an X
}

// roomOn is the number whose places a binding takes: a relation of AXYB its Y's, all others their X's.
func roomOn(b models.Binding) string {
	if b.Y != "" {
		return b.Y
	}
	return b.X
}

// placesOf is how many places a binding takes. An X of AXYB takes all there are, so that the number is no Y at the same time.
func placesOf(b models.Binding) int {
	if b.Mode == models.ModeAXYB && b.Parent == "" {
		return relationsPerY
	}
	return 1
}

func (m room) with(b models.Binding, e ending) room {
	m.places += placesOf(b)
	if b.Y != "" {
		m.leftY = max(m.leftY, micros(e.of(b)))
	}
	return m
}

func (m room) giveBack(tx *gorm.DB, x string) error {
	stmt, args := "UPDATE numbers SET pairs = pairs - ?", []any{m.places}
	if m.leftY > 0 {
		stmt += ", y_left_at = CASE WHEN y_left_at < ? THEN ? ELSE y_left_at END"
		args = append(args, m.leftY, m.leftY)
	}
	_, err := run(tx, stmt+" WHERE number = ?", append(args, x)...)
	return err
}
