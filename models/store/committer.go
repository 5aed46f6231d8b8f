package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"

	"maskline/models"
)

// The bounds of group commit.
const (
	QueueSize = 1024 // changes that may wait; beyond it Record and Enqueue wait for room
	groupMax  = 128  // changes that share a commit

	commitTimeout = 30 * time.Second // of one commit, retries included
)

// ErrClosed is returned by Record when the store is closed.
var ErrClosed = errors.New("store is closed")

// committer takes what waits in its queue into one transaction, over and over: while one commit waits for the disk, the next group
// gathers. Under load a commit is shared by many, without load a change waits for nobody, but for one that says that it has time
// (models.Change.Patient): most of a call's steps are such, and each commit costs the database more than what it carries.
type committer struct {
	store   *Store
	queue   chan *pending
	closing chan struct{} // closed: no more changes
	ended   chan struct{} // closed by the goroutine when it has committed the rest
	once    sync.Once
}

// work is something to be written. do may run more than once.
type work struct {
	what    string
	patient bool
	numbers []string // whose rows do locks
	tenants []int64  // whose limits it counts against
	under   models.Lease
	do      func(ctx context.Context, tx *gorm.DB) (applied bool, err error)
}

// pending is work that waits for its commit. done is closed after the other fields are set.
type pending struct {
	work
	applied bool
	err     error
	refused error // this alone was not written; its group was
	done    chan struct{}
}

func startCommitter(s *Store) *committer {
	c := &committer{store: s, queue: make(chan *pending, QueueSize), closing: make(chan struct{}), ended: make(chan struct{})}
	go c.loop()
	return c
}

func (c *committer) close() {
	c.once.Do(func() { close(c.closing) })
	<-c.ended
}

func (c *committer) submit(ctx context.Context, w work) (bool, error) {
	p := &pending{work: w, done: make(chan struct{})}
	select {
	case <-c.closing:
		return false, ErrClosed
	default:
	}
	select {
	case c.queue <- p:
	case <-c.closing:
		return false, ErrClosed
	case <-ctx.Done():
		return false, fmt.Errorf("%s: no room in the queue: %w", w.what, context.Cause(ctx))
	}
	select {
	case <-p.done:
		return p.applied, p.err
	case <-ctx.Done():
		return false, fmt.Errorf("%s: not known to be committed: %w", w.what, context.Cause(ctx))
	case <-c.ended:
	}
	select {
	case <-p.done: // in the last group
		return p.applied, p.err
	default:
		return false, ErrClosed // put into the queue after the last look
	}
}

func (c *committer) loop() {
	defer close(c.ended)
	for {
		select {
		case p := <-c.queue:
			c.commit(c.gather(p))
		case <-c.closing:
			for {
				select {
				case p := <-c.queue:
					c.commit(c.gather(p))
				default:
					return
				}
			}
		}
	}
}

// gather takes what waits. As long as all of it is patient it waits for more, for Config.Gather at most.
func (c *committer) gather(first *pending) []*pending {
	group := []*pending{first}
	if first.patient && c.store.cfg.Gather > 0 {
		group = c.linger(group)
	}
	for len(group) < groupMax {
		select {
		case p := <-c.queue:
			group = append(group, p)
		default:
			return group
		}
	}
	return group
}

// linger waits for more patient work, until some comes that is not.
func (c *committer) linger(group []*pending) []*pending {
	late := time.NewTimer(c.store.cfg.Gather)
	defer late.Stop()
	for len(group) < groupMax {
		select {
		case p := <-c.queue:
			if group = append(group, p); !p.patient {
				return group
			}
		case <-late.C:
			return group
		case <-c.closing:
			return group
		}
	}
	return group
}

// commit tries the group in one transaction. If that fails, each of it gets a transaction of its own, so that a bad one fails alone;
// unless the database itself is gone: then all fail at once, and nobody waits for a hundred timeouts in a row. The context is the store's
// own: a caller that stops waiting must not fail his neighbours.
func (c *committer) commit(group []*pending) {
	err := c.together(group)
	alone := err != nil && len(group) > 1 && !gone(err)
	for _, p := range group {
		p.err = err
		if alone {
			p.err = c.together([]*pending{p})
		}
		if p.err == nil {
			p.err = p.refused
		}
		p.applied = p.applied && p.err == nil
		close(p.done)
	}
}

// gone says whether an error is about the database as a whole and not about what was written.
func gone(err error) bool {
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	for _, e := range []error{context.DeadlineExceeded, ErrBusy, driver.ErrBadConn, mysql.ErrInvalidConn, sql.ErrConnDone} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// claim names one holding of a lease.
type claim struct {
	name  string
	token int64
}

func claimOf(l models.Lease) claim { return claim{l.Name, l.Token} }

// lostLeases are the claims of a group that have gone to others. Each is looked at once.
func (s *Store) lostLeases(ctx context.Context, group []*pending) (map[claim]error, error) {
	lost, seen := map[claim]error{}, map[claim]bool{}
	for _, p := range group {
		c := claimOf(p.under)
		if seen[c] {
			continue
		}
		seen[c] = true
		err := s.heldBy(ctx, p.under)
		switch {
		case errors.Is(err, ErrLeaseLost):
			lost[c] = err
		case err != nil:
			return nil, err
		}
	}
	return lost, nil
}

// heldBy is StillHeld of a lease that a change may have been made under.
func (s *Store) heldBy(ctx context.Context, l models.Lease) error {
	if l.Name == "" {
		return nil
	}
	return s.StillHeld(ctx, l)
}

func (c *committer) together(group []*pending) error {
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	return c.store.within(ctx, "record", func(ctx context.Context, tx *gorm.DB) error {
		queue := &queued{}
		if len(group) > 1 {
			queue.steps = &steps{}
		}
		c.store.joint(ctx).queue = queue
		lost, err := c.store.lostLeases(ctx, group)
		if err != nil {
			return err
		}
		var numbers []string
		var tenants []int64
		for _, p := range group {
			numbers, tenants = append(numbers, p.numbers...), append(tenants, p.tenants...)
		}
		if err := lockNumbers(tx, numbers); err != nil {
			return err
		}
		if err := lockTolls(tx, tenants); err != nil {
			return err
		}
		for _, p := range group {
			if p.applied, p.refused = false, lost[claimOf(p.under)]; p.refused != nil {
				continue
			}
			applied, err := p.do(ctx, tx)
			if no, ok := errors.AsType[refusal](err); ok {
				p.refused, err = no, nil
			}
			if err != nil {
				return err
			}
			p.applied = applied
		}
		return c.store.flush(tx, queue)
	})
}
