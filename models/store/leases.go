package store

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"maskline/models"
)

// ErrLeaseLost says that a lease has expired, was given back, or is another's by now.
var ErrLeaseLost = errors.New("the lease is lost")

var leaseColumns = columns[models.Lease]{
	table: "leases",
	names: []string{"name", "holder", "token", "expires_at"},
	values: func(l *models.Lease) []any {
		return []any{l.Name, l.Holder, l.Token, micros(l.ExpiresAt)}
	},
	dest: func(l *models.Lease) []any {
		return []any{text(&l.Name), text(&l.Holder), num(&l.Token), when(&l.ExpiresAt)}
	},
}

// Acquire takes the lease of a name for ttl, by the store's clock, if nobody holds it; held by anybody, the asker too, it is false. So two runs
// inside one daemon exclude each other as two daemons do, and a daemon that restarts waits its old lease out. Token is one more than that of the
// holder before. name and holder have 1 to 128 characters, ttl is a millisecond or more: else models.Invalid.
//
// Who holds a lease cannot see the store's clock while it is cut off from it: it counts ttl from before it asked, by its own clock, and stops in
// time (DESIGN §11).
func (s *Store) Acquire(ctx context.Context, name, holder string, ttl time.Duration) (l models.Lease, ok bool, err error) {
	if bad := func(v string) bool { return v == "" || utf8.RuneCountInString(v) > 128 }; bad(name) || bad(holder) || ttl < time.Millisecond {
		return l, false, models.Fail(models.Invalid, "lease", "a lease has a name and a holder of 1 to 128 characters, and lasts a millisecond or more")
	}
	err = s.within(ctx, "acquire lease", func(ctx context.Context, tx *gorm.DB) error {
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		l = models.Lease{Name: name, Holder: holder, ExpiresAt: clean(now.Add(ttl))}
		l.Token, ok, err = s.takeLease(tx, l, now)
		return err
	})
	if err != nil || !ok {
		return models.Lease{}, false, err
	}
	return l, true, nil
}

// takeLease writes the holder over a lease that nobody holds, or the first row of a name. Of two who insert it at once, one finds it taken.
func (s *Store) takeLease(tx *gorm.DB, l models.Lease, now time.Time) (token int64, ok bool, err error) {
	n, err := run(tx, "UPDATE leases SET holder = ?, token = token + 1, expires_at = ? WHERE name = ? AND expires_at <= ?",
		l.Holder, micros(l.ExpiresAt), l.Name, micros(now))
	if err != nil {
		return 0, false, err
	}
	is, found, err := leaseColumns.first(tx, "WHERE t.name = ?", l.Name)
	if err != nil || found {
		return is.Token, n > 0, err
	}
	l.Token = 1
	err = leaseColumns.add(tx, &l)
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return 0, false, nil
	}
	return l.Token, err == nil, err
}

// Renew lets a lease that is still held last ttl from now on. False: it is lost, and its holder stops what it does under it.
func (s *Store) Renew(ctx context.Context, l models.Lease, ttl time.Duration) (renewed models.Lease, ok bool, err error) {
	err = s.within(ctx, "renew lease", func(ctx context.Context, tx *gorm.DB) error {
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		renewed = l
		renewed.ExpiresAt = clean(now.Add(ttl))
		n, err := run(tx, "UPDATE leases SET expires_at = ? WHERE name = ? AND holder = ? AND token = ? AND expires_at > ?",
			micros(renewed.ExpiresAt), l.Name, l.Holder, l.Token, micros(now))
		ok = n > 0
		return err
	})
	if err != nil || !ok {
		return models.Lease{}, false, err
	}
	return renewed, true, nil
}

// Release gives a lease back, so that it can be acquired at once. One that is lost already stays as it is.
func (s *Store) Release(ctx context.Context, l models.Lease) error {
	return s.within(ctx, "release lease", func(_ context.Context, tx *gorm.DB) error {
		_, err := run(tx, "UPDATE leases SET expires_at = 0 WHERE name = ? AND holder = ? AND token = ?", l.Name, l.Holder, l.Token)
		return err
	})
}

// StillHeld is ErrLeaseLost unless the lease is held, and keeps it from being acquired by another until the transaction of ctx (Within, Once)
// ends: what is written there is written by the holder. Called first in the transaction, it stops one who was frozen and woke up too late.
// Without a transaction it would promise nothing, and fails.
func (s *Store) StillHeld(ctx context.Context, l models.Lease) error {
	j := s.joint(ctx)
	if j == nil {
		return errors.New("check lease: it is checked inside the transaction that relies on it")
	}
	// An update, though it changes nothing: both databases hold the row for it.
	n, err := run(j.tx, "UPDATE leases SET token = token WHERE name = ? AND holder = ? AND token = ? AND expires_at > "+s.nowExpr,
		append([]any{l.Name, l.Holder, l.Token}, s.nowArgs()...)...)
	switch {
	case err != nil:
		return wrap("check lease", err)
	case n == 0:
		return wrap("check lease", ErrLeaseLost)
	}
	return nil
}

// Retake is Acquire that also takes a lease from the holder of the same name: a daemon that was restarted under its old name does not wait for
// what it held before, and what it wrote before bears an older token. Only who knows that its former self is dead may ask so.
func (s *Store) Retake(ctx context.Context, name, holder string, ttl time.Duration) (l models.Lease, ok bool, err error) {
	err = s.within(ctx, "retake lease", func(ctx context.Context, tx *gorm.DB) error {
		if _, err := run(tx, "UPDATE leases SET expires_at = 0 WHERE name = ? AND holder = ?", name, holder); err != nil {
			return err
		}
		l, ok, err = s.Acquire(ctx, name, holder, ttl)
		return err
	})
	if err != nil || !ok {
		return models.Lease{}, false, err
	}
	return l, true, nil
}

// RenewAll prolongs several leases of one holder. What it gives back is still held; the others are lost. One that has run out and that nobody has
// taken since is renewed, too: its token says that nobody held it in between.
func (s *Store) RenewAll(ctx context.Context, held []models.Lease, ttl time.Duration) (renewed []models.Lease, err error) {
	if len(held) == 0 {
		return nil, nil
	}
	mine, args := tokens(held)
	err = s.within(ctx, "renew leases", func(ctx context.Context, tx *gorm.DB) error {
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		if _, err := run(tx, "UPDATE leases SET expires_at = ? WHERE expires_at > 0 AND "+mine,
			append([]any{micros(clean(now.Add(ttl)))}, args...)...); err != nil {
			return err
		}
		renewed, err = leaseColumns.all(tx, "WHERE t.expires_at > ? AND "+mine+" ORDER BY t.name", append([]any{micros(now)}, args...)...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return renewed, nil
}

// tokens is the condition that a row is one of these leases, whatever its time.
func tokens(held []models.Lease) (where string, args []any) {
	one := make([]string, len(held))
	for i, l := range held {
		one[i] = "(name = ? AND holder = ? AND token = ?)"
		args = append(args, l.Name, l.Holder, l.Token)
	}
	return "(" + strings.Join(one, " OR ") + ")", args
}

// leasesMost bounds Leases: the lanes, the jobs, and more switches than a house has.
const leasesMost = 2000

// Leases reads the leases that are held now and whose name begins with a prefix, by name.
func (s *Store) Leases(ctx context.Context, prefix string) ([]models.Lease, error) {
	now, err := s.Now(ctx)
	if err != nil {
		return nil, err
	}
	list, err := leaseColumns.all(s.reader(ctx), "WHERE t.expires_at > ? ORDER BY t.name LIMIT "+strconv.Itoa(leasesMost), micros(now))
	list = slices.DeleteFunc(list, func(l models.Lease) bool { return !strings.HasPrefix(l.Name, prefix) })
	return list, wrap("read leases", err)
}

// allHeld is StillHeld of several leases in one look; none is none.
func (s *Store) allHeld(tx *gorm.DB, held []models.Lease) error {
	if len(held) == 0 {
		return nil
	}
	mine, args := tokens(held)
	n, err := run(tx, "UPDATE leases SET token = token WHERE expires_at > "+s.nowExpr+" AND "+mine, append(s.nowArgs(), args...)...)
	if err == nil && n < int64(len(held)) {
		err = ErrLeaseLost
	}
	return wrap("check leases", err)
}

// Lease reads who holds the lease of a name. False: nobody does.
func (s *Store) Lease(ctx context.Context, name string) (l models.Lease, held bool, err error) {
	now, err := s.Now(ctx)
	if err != nil {
		return l, false, err
	}
	l, held, err = leaseColumns.first(s.reader(ctx), "WHERE t.name = ? AND t.expires_at > ?", name, micros(now))
	return l, held, wrap("read lease", err)
}
