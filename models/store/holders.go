package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// sealedHolder is a holder as the database has him.
type sealedHolder struct {
	models.Holder
	keyID  string
	sealed []byte
}

var holderColumns = columns[sealedHolder]{
	table: "holders",
	names: []string{"number", "name", "key_id", "sealed", "since_at", "until_at", "changed_by"},
	values: func(h *sealedHolder) []any {
		return []any{h.Number, h.Name, h.keyID, h.sealed, micros(h.Since), micros(h.Until), h.ChangedBy}
	},
	dest: func(h *sealedHolder) []any {
		return []any{text(&h.Number), text(&h.Name), text(&h.keyID), &h.sealed, when(&h.Since), when(&h.Until), text(&h.ChangedBy)}
	},
}

// SetHolder says in whose name a number stands, from Since on (zero: now); who held it before holds it until then. The ID number is sealed.
// models.NotFound (the number), Invalid, or Conflict: the holder before came later than Since, or is the same.
func (s *Store) SetHolder(ctx context.Context, h models.Holder) error {
	if err := h.Validate(); err != nil {
		return err
	}
	if err := validWho(h.ChangedBy); err != nil {
		return err
	}
	keyID, sealed, err := s.seal.seal(ofHolder(h.Number), h.IDNumber)
	if err != nil {
		return err
	}
	return s.within(ctx, "set holder", func(ctx context.Context, tx *gorm.DB) error {
		if err := lockNumber(tx, h.Number); err != nil {
			return err
		}
		if _, err := s.Number(ctx, h.Number); err != nil {
			return err
		}
		row := sealedHolder{Holder: h, keyID: keyID, sealed: sealed}
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		if row.Until = (time.Time{}); row.Since.IsZero() {
			row.Since = now
		}
		if row.Since.After(now) {
			return models.Fail(models.Invalid, "since", "a holder is named once the number stands in his name, not before")
		}
		if err := s.mayFollow(tx, h, row.Since); err != nil {
			return err
		}
		if err := endHolder(tx, h.Number, row.Since); err != nil {
			return err
		}
		return holderColumns.add(tx, &row)
	})
}

// mayFollow refuses a holder who would begin before the last one did or ended, or who is the last one.
func (s *Store) mayFollow(tx *gorm.DB, h models.Holder, since time.Time) error {
	last, found, err := holderColumns.first(tx, "WHERE t.number = ? ORDER BY t.id DESC", h.Number)
	if err != nil || !found {
		return err
	}
	if since.Before(last.Since) || since.Before(last.Until) {
		return models.Fail(models.Conflict, "since", "the holder before came on %s; a later one follows him", last.Since.Format(time.RFC3339))
	}
	id, err := s.seal.open(ofHolder(h.Number), last.keyID, last.sealed)
	if err == nil && last.Until.IsZero() && last.Name == h.Name && id == h.IDNumber {
		return models.Fail(models.Conflict, "name", "the number stands in this name already")
	}
	return err
}

// endHolder ends the holder of a number, if it has one.
func endHolder(tx *gorm.DB, number string, at time.Time) error {
	_, err := run(tx, "UPDATE holders SET until_at = ? WHERE number = ? AND until_at = 0", micros(at), number)
	return err
}

// Holders lists who held a number, the present one first, their ID numbers masked.
func (s *Store) Holders(ctx context.Context, number string, page models.Page) ([]models.Holder, int, error) {
	var c conditions
	c.add("t.number = ?", number)
	rows, total, err := listed(ctx, s, holderColumns, c, "t.id DESC", page)
	if err != nil {
		return nil, 0, err
	}
	out := make([]models.Holder, len(rows))
	for i, r := range rows {
		id, err := s.seal.open(ofHolder(r.Number), r.keyID, r.sealed)
		if err != nil {
			return nil, 0, err
		}
		out[i] = r.Holder
		out[i].IDNumber = models.MaskID(id)
	}
	return out, total, nil
}

// Holder reads who holds a number, with his ID number in clear: for an authority's request, never for a list, and with an audit line.
// models.NotFound.
func (s *Store) Holder(ctx context.Context, number string) (models.Holder, error) {
	r, found, err := holderColumns.first(s.reader(ctx), "WHERE t.number = ? AND t.until_at = 0 ORDER BY t.id DESC", number)
	if err = known(found, wrap("read holder", err), "number", "the number stands in nobody's name"); err != nil {
		return models.Holder{}, err
	}
	r.IDNumber, err = s.seal.open(ofHolder(number), r.keyID, r.sealed)
	return r.Holder, err
}
