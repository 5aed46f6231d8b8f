package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

var stockColumns = columns[models.Stock]{
	table: "stock",
	names: []string{"number", "kind", "area_code", "carrier", "trunk", "free_at", "added_at"},
	dest: func(v *models.Stock) []any {
		return []any{text(&v.Number), text(&v.Kind), text(&v.AreaCode), text(&v.Carrier), text(&v.Trunk), when(&v.FreeAt), when(&v.AddedAt)}
	},
}

// newStock is stockColumns for writing: no order has taken the number.
var newStock = columns[models.Stock]{
	table: "stock",
	names: append(slices.Clone(stockColumns.names), "order_id"),
	values: func(v *models.Stock) []any {
		return []any{v.Number, string(v.Kind), v.AreaCode, v.Carrier, v.Trunk, micros(v.FreeAt), micros(v.AddedAt), 0}
	},
}

// StockMost is how many numbers one call of AddStock takes.
const StockMost = 5000

// stockBatch is how many of them one transaction writes.
const stockBatch = 100

// AddStock puts numbers in stock and tells how many it put there. rows has an entry for each number: nil, or why it was left out, models.Invalid
// or Conflict (it is in stock, an app has it, or the list names it twice). Kind "" is private. What was added stays when a later part fails, whose
// rows then have err; the same list again adds the rest.
func (s *Store) AddStock(ctx context.Context, list []models.Stock) (added int, rows []error, err error) {
	if len(list) > StockMost {
		return 0, nil, models.Fail(models.Invalid, "stock", "at most %d numbers are put in stock at once", StockMost)
	}
	rows = make([]error, len(list))
	fresh, where := make([]models.Stock, 0, len(list)), map[string]int{}
	for i, v := range list {
		if v.Kind == "" {
			v.Kind = models.NumberPrivate
		}
		rows[i] = v.Validate()
		if _, twice := where[v.Number]; rows[i] == nil && twice {
			rows[i] = models.Fail(models.Conflict, v.Number, "the list names the number twice")
		}
		if rows[i] == nil {
			where[v.Number] = i
			fresh = append(fresh, v)
		}
	}
	for chunk := range slices.Chunk(fresh, stockBatch) {
		refused := map[string]error{}
		if err == nil {
			refused, err = s.addStock(ctx, chunk)
		}
		if err != nil {
			for _, v := range chunk {
				rows[where[v.Number]] = err
			}
			continue
		}
		for number, why := range refused {
			rows[where[number]] = why
		}
		added += len(chunk) - len(refused)
	}
	return added, rows, err
}

// addStock writes some numbers, those that are not known yet. It begins again when somebody else writes one of them in the same moment.
func (s *Store) addStock(ctx context.Context, list []models.Stock) (refused map[string]error, err error) {
	for range maxAttempts {
		err = s.within(ctx, "add to stock", func(ctx context.Context, tx *gorm.DB) error {
			now, err := s.Now(ctx)
			if err != nil {
				return err
			}
			if refused, err = knownNumbers(tx, list); err != nil {
				return err
			}
			var fresh []*models.Stock
			for _, v := range list {
				if v.AddedAt = now; refused[v.Number] == nil {
					fresh = append(fresh, &v)
				}
			}
			if len(fresh) == 0 {
				return nil
			}
			return newStock.add(tx, fresh...)
		})
		if !errors.Is(err, gorm.ErrDuplicatedKey) {
			return refused, err
		}
	}
	return nil, err
}

// knownNumbers says of which numbers the platform knows already, and where they are.
func knownNumbers(tx *gorm.DB, list []models.Stock) (map[string]error, error) {
	names := make([]string, len(list))
	for i, v := range list {
		names[i] = v.Number
	}
	out := map[string]error{}
	for _, in := range []struct{ table, why string }{
		{"stock", "the number is in stock already"},
		{"numbers", "the number belongs to an app already"},
	} {
		err := each(tx, func(rows *sql.Rows) error {
			var number string
			err := rows.Scan(text(&number))
			out[number] = models.Fail(models.Conflict, number, "%s", in.why)
			return err
		}, "SELECT t.number FROM "+in.table+" t WHERE t.number IN ?", names)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// StockFilter narrows StockList; zero fields narrow nothing.
type StockFilter struct {
	Kind     models.NumberKind
	AreaCode string
	Carrier  string
	Number   string    // the beginning of it
	FreeBy   time.Time // only those that may be handed out by then
}

// StockList lists the numbers that no app has, those put in stock last first. Numbers that an app has are in Numbers.
func (s *Store) StockList(ctx context.Context, f StockFilter, page models.Page) ([]models.Stock, int, error) {
	var c conditions
	c.add("t.order_id = 0")
	is(&c, "t.area_code", f.AreaCode)
	is(&c, "t.kind", f.Kind)
	is(&c, "t.carrier", f.Carrier)
	begins(&c, "t.number", f.Number)
	if !f.FreeBy.IsZero() {
		c.add("t.free_at <= ?", micros(f.FreeBy))
	}
	return listed(ctx, s, stockColumns, c, "t.id DESC", page)
}

// RemoveStock takes a number out of stock for good: it went back to its carrier. models.NotFound, or InUse when an app has it.
func (s *Store) RemoveStock(ctx context.Context, number string) error {
	return s.within(ctx, "remove from stock", func(_ context.Context, tx *gorm.DB) error {
		n, err := run(tx, "DELETE FROM stock WHERE number = ? AND order_id = 0", number)
		if err != nil || n > 0 {
			return err
		}
		_, found, err := stockColumns.first(tx, "WHERE t.number = ?", number)
		if err == nil && found {
			return models.Fail(models.InUse, number, "an app has the number; let it be returned first")
		}
		return known(found, err, "number", "the number is not in stock")
	})
}

// takeStock takes numbers for an order and reads them: all of them, or it fails and names one that will not do. They are locked in order. Two
// orders never take the same number: of two, the second meets no row.
func takeStock(tx *gorm.DB, o models.Order, numbers []string, now time.Time) (out []models.Stock, err error) {
	numbers = slices.Sorted(slices.Values(numbers))
	for chunk := range slices.Chunk(numbers, stockBatch) {
		stmt := "UPDATE stock SET order_id = ? WHERE number IN ? AND order_id = 0 AND kind = ? AND area_code = ? AND free_at <= ?"
		args := []any{o.ID, chunk, string(o.Kind), o.AreaCode, micros(now)}
		if o.Carrier != "" {
			stmt, args = stmt+" AND carrier = ?", append(args, o.Carrier)
		}
		n, err := run(tx, stmt, args...)
		if err != nil {
			return nil, err
		}
		list, err := stockColumns.all(tx, "WHERE t.number IN ? AND t.order_id = ?", chunk, o.ID)
		if err != nil {
			return nil, err
		}
		if int(n) < len(chunk) {
			return nil, notToBeHad(tx, o, chunk, list, now)
		}
		out = append(out, list...)
	}
	return out, nil
}

// notToBeHad says of the first number that was not taken why.
func notToBeHad(tx *gorm.DB, o models.Order, numbers []string, took []models.Stock, now time.Time) error {
	for _, number := range numbers {
		if slices.ContainsFunc(took, func(v models.Stock) bool { return v.Number == number }) {
			continue
		}
		v, found, err := stockColumns.first(tx, "WHERE t.number = ? AND t.order_id = 0", number)
		switch {
		case err != nil:
			return err
		case !found:
			return models.Fail(models.Conflict, number, "the number is not in stock")
		case v.Kind != o.Kind || v.AreaCode != o.AreaCode:
			return models.Fail(models.Conflict, number, "the number is %s of %s, the order asks for %s of %s", v.Kind, v.AreaCode, o.Kind, o.AreaCode)
		case o.Carrier != "" && v.Carrier != o.Carrier:
			return models.Fail(models.Conflict, number, "the number is of another carrier than the order asks for")
		case v.FreeAt.After(now):
			return models.Fail(models.Conflict, number, "the number rests until %s", v.FreeAt.Format(time.RFC3339))
		}
	}
	return models.Fail(models.Conflict, "numbers", "another order has taken one of the numbers just now; try again")
}

// withoutOrder is the order_id of a number in stock that an app got without an order.
const withoutOrder = -1

// leaveStock takes the numbers that an app is to get without an order out of stock, if they are there. It refuses one that rests.
func leaveStock(tx *gorm.DB, list []models.Number, now time.Time) error {
	for chunk := range slices.Chunk(list, stockBatch) {
		names := make([]string, len(chunk))
		for i := range chunk {
			names[i] = chunk[i].Number
		}
		slices.Sort(names)
		if _, err := run(tx, "UPDATE stock SET order_id = ? WHERE number IN ? AND order_id = 0 AND free_at <= ?", withoutOrder, names, micros(now)); err != nil {
			return err
		}
		v, rests, err := stockColumns.first(tx, "WHERE t.number IN ? AND t.order_id = 0", names)
		if err == nil && rests {
			err = models.Fail(models.Conflict, v.Number, "the number was returned and rests until %s", v.FreeAt.Format(time.RFC3339))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// pickStock chooses numbers for an order, those that have been in stock for longest first. It passes over one that an app got in the moment in which
// it was put in stock.
func pickStock(tx *gorm.DB, o models.Order, now time.Time) ([]string, error) {
	where, args := "WHERE t.order_id = 0 AND t.area_code = ? AND t.kind = ? AND t.free_at <= ?", []any{o.AreaCode, string(o.Kind), micros(now)}
	if o.Carrier != "" {
		where, args = where+" AND t.carrier = ?", append(args, o.Carrier)
	}
	where += " AND NOT EXISTS (SELECT 1 FROM numbers n WHERE n.number = t.number)"
	list, err := stockColumns.all(tx, where+" ORDER BY t.id LIMIT ?", append(args, o.Count)...)
	if err != nil {
		return nil, err
	}
	if len(list) < o.Count {
		return nil, models.Fail(models.Conflict, "count", "the order asks for %d numbers; %d of its kind and city are in stock", o.Count, len(list))
	}
	numbers := make([]string, len(list))
	for i, v := range list {
		numbers[i] = v.Number
	}
	return numbers, nil
}
