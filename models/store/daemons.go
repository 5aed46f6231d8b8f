package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

var daemonColumns = columns[models.Daemon]{
	table: "daemons",
	names: []string{"name", "version", "url", "started_at", "seen_at", "draining"},
	values: func(d *models.Daemon) []any {
		return []any{d.Name, cut(d.Version, 64), d.URL, micros(d.StartedAt), micros(d.SeenAt), d.Draining}
	},
	dest: func(d *models.Daemon) []any {
		return []any{text(&d.Name), text(&d.Version), text(&d.URL), when(&d.StartedAt), when(&d.SeenAt), flag(&d.Draining)}
	},
}

// SeeDaemon notes that a daemon lives, by the store's clock, which it gives back.
func (s *Store) SeeDaemon(ctx context.Context, d models.Daemon) (now time.Time, err error) {
	err = s.within(ctx, "note daemon", func(ctx context.Context, tx *gorm.DB) error {
		if now, err = s.Now(ctx); err != nil {
			return err
		}
		d.StartedAt, d.SeenAt = clean(d.StartedAt), clean(now)
		n, err := daemonColumns.update(tx, &d, "name = ?", d.Name)
		if err != nil || n > 0 {
			return err
		}
		err = daemonColumns.add(tx, &d)
		if errors.Is(err, gorm.ErrDuplicatedKey) {
			return nil // the update changed nothing: its former self wrote the same
		}
		return err
	})
	return now, err
}

// ForgetDaemon removes a daemon that ends.
func (s *Store) ForgetDaemon(ctx context.Context, name string) error {
	return s.within(ctx, "forget daemon", func(_ context.Context, tx *gorm.DB) error {
		_, err := run(tx, "DELETE FROM daemons WHERE name = ?", name)
		return err
	})
}

// Daemons reads the daemons that were seen since, by name: a few.
func (s *Store) Daemons(ctx context.Context, since time.Time) ([]models.Daemon, error) {
	list, err := daemonColumns.all(s.reader(ctx), "WHERE t.seen_at >= ? ORDER BY t.name LIMIT 1000", micros(since))
	return list, wrap("read daemons", err)
}
