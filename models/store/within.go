package store

import (
	"context"

	"gorm.io/gorm"
)

// Within runs do in one transaction: all that is written with do's context stays, or nothing does, if do returns an error. So a thing and the
// audit line of it are changed together. Inside Once or another Within it is a part of that transaction, undone alone when it fails.
//
// do may run again after a deadlock or conflict, so it has no effect outside the store and keeps nothing of a failed run. It is short: on SQLite
// it holds the one writer. Its context is used by one goroutine at a time.
func (s *Store) Within(ctx context.Context, do func(ctx context.Context) error) error {
	return s.within(ctx, "change", func(ctx context.Context, _ *gorm.DB) error { return do(ctx) })
}
