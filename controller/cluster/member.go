package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"maskline/models"
)

// ErrLost is the cause of the end of a context whose lease is another's now, or may be soon.
var ErrLost = errors.New("another daemon may do this: the lease could not be renewed in time")

// Store is what a Member needs of the database.
type Store interface {
	SeeDaemon(ctx context.Context, d models.Daemon) (now time.Time, err error)
	ForgetDaemon(ctx context.Context, name string) error
	Daemons(ctx context.Context, since time.Time) ([]models.Daemon, error)
	Leases(ctx context.Context, prefix string) ([]models.Lease, error)
	Acquire(ctx context.Context, name, holder string, ttl time.Duration) (models.Lease, bool, error)
	Retake(ctx context.Context, name, holder string, ttl time.Duration) (models.Lease, bool, error)
	RenewAll(ctx context.Context, held []models.Lease, ttl time.Duration) ([]models.Lease, error)
	Release(ctx context.Context, lease models.Lease) error
}

// day is for how long a daemon that was not struck off the list counts as one that may come back.
const day = 24 * time.Hour

// DefaultLease is how long a daemon that died holds up what it owned.
const DefaultLease = 6 * time.Second

// Moves of a piece of work, as Options.Observe is told.
const (
	Taken     = "taken"
	Given     = "given" // back, in good order
	LostLease = "lost"
)

// Options are what a Member is made of. Store, Name and Works are required.
type Options struct {
	Store   Store
	Name    string        // of this daemon: unique among those that run, the same after a restart
	Version string        // for those who look at the list
	URL     string        // how others reach us; "" is not at all
	Lease   time.Duration // 0 is DefaultLease
	Works   []Work
	Observe func(lease, move string)
	Log     *slog.Logger
}

// Member is this daemon among the others. Make it with New; Run it once.
type Member struct {
	o       Options
	started time.Time

	mu       sync.Mutex
	pieces   map[string]*piece
	view     View
	draining bool
	retaken  bool // what our former self held has been taken over
}

// New makes a Member. It asks nothing before Run.
func New(o Options) *Member {
	if o.Lease == 0 {
		o.Lease = DefaultLease
	}
	if o.Observe == nil {
		o.Observe = func(string, string) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Member{o: o, started: time.Now().UTC(), pieces: map[string]*piece{}}
}

// Holds says whether this daemon may do the work of a lease now, by its own clock. It is asked before every step that must not be done by two.
func (m *Member) Holds(lease string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.pieces[lease]
	return p != nil && time.Now().Before(p.until)
}

// View is how things stood at the last look.
func (m *Member) View() View {
	m.mu.Lock()
	defer m.mu.Unlock()
	return View{Self: m.o.Name, Daemons: slices.Clone(m.view.Daemons), Leases: slices.Clone(m.view.Leases)}
}

// Drain tells the others that this daemon takes nothing more. What it holds it keeps until Run ends.
func (m *Member) Drain() {
	m.mu.Lock()
	m.draining = true
	m.mu.Unlock()
}

// Run takes and keeps what falls to this daemon until ctx ends; then it lets all work end in good order, gives the leases back, and returns.
func (m *Member) Run(ctx context.Context) {
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	tick := time.NewTicker(m.o.Lease / 5)
	defer tick.Stop()
	for ctx.Err() == nil {
		m.look(life)
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	m.Drain()
	m.mu.Lock()
	for _, p := range m.pieces {
		m.give(p)
	}
	m.mu.Unlock()
	for m.busy() { // leases are renewed while their work ends
		m.look(life)
		select {
		case <-m.anyEnded():
		case <-tick.C:
		}
	}
	limit, cancel := context.WithTimeout(life, m.o.Lease/2)
	defer cancel()
	if err := m.o.Store.ForgetDaemon(limit, m.o.Name); err != nil {
		m.o.Log.Warn("this daemon could not strike itself off the list", "error", err)
	}
}

func (m *Member) busy() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.pieces) > 0
}

// anyEnded is closed when some piece's work has ended.
func (m *Member) anyEnded() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.pieces {
		return p.ended
	}
	ended := make(chan struct{})
	close(ended)
	return ended
}

// look is one round: say that we live, renew what we hold, give back what has ended, see who is there, and take what falls to us. A database
// that does not answer ends nothing here: the clock of each piece does (see start).
func (m *Member) look(life context.Context) {
	ctx, cancel := context.WithTimeout(life, m.o.Lease/3)
	defer cancel()
	if err := m.round(ctx, life); err != nil {
		m.o.Log.Warn("leases could not be seen to; trying again", "error", err)
	}
}

func (m *Member) round(ctx, life context.Context) error {
	err := m.renew(ctx)
	m.reap(ctx) // whatever becomes of the leases, work that has ended is not held
	if err != nil {
		return err
	}
	m.mu.Lock()
	self := models.Daemon{Name: m.o.Name, Version: m.o.Version, URL: m.o.URL, StartedAt: m.started, Draining: m.draining}
	m.mu.Unlock()
	now, err := m.o.Store.SeeDaemon(ctx, self)
	if err != nil {
		return err
	}
	view := View{Self: m.o.Name}
	if view.Daemons, err = m.o.Store.Daemons(ctx, now.Add(-day)); err != nil {
		return err
	}
	view.Alone = !slices.ContainsFunc(view.Daemons, func(d models.Daemon) bool { return d.Name != m.o.Name })
	view.Daemons = slices.DeleteFunc(view.Daemons, func(d models.Daemon) bool { return d.Draining || d.SeenAt.Before(now.Add(-m.o.Lease)) })
	if view.Leases, err = m.o.Store.Leases(ctx, ""); err != nil {
		return err
	}
	m.mu.Lock()
	m.view = view
	ending := m.draining
	m.mu.Unlock()
	if ending {
		return nil
	}
	return m.share(ctx, life, view)
}

// renew prolongs what is held. What it is worth counts from before it was asked.
func (m *Member) renew(ctx context.Context) error {
	m.mu.Lock()
	var held []models.Lease
	for _, p := range m.pieces {
		held = append(held, p.held)
	}
	m.mu.Unlock()
	slices.SortFunc(held, func(a, b models.Lease) int { return cmp.Compare(a.Name, b.Name) })
	asked := time.Now()
	renewed, err := m.o.Store.RenewAll(ctx, held, m.o.Lease)
	if err != nil {
		return fmt.Errorf("renew %d leases: %w", len(held), err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range held {
		p := m.pieces[l.Name]
		if p == nil || p.held.Token != l.Token {
			continue
		}
		if i := slices.IndexFunc(renewed, func(r models.Lease) bool { return r.Name == l.Name }); i >= 0 && asked.Before(p.until) {
			p.held = renewed[i]
			p.until = asked.Add(m.worth())
			p.timer.Reset(time.Until(p.until))
			continue
		}
		m.lose(p)
	}
	return nil
}

// worth is how long a lease counts by our own clock: a successor waits the whole of it, by the database's.
func (m *Member) worth() time.Duration { return m.o.Lease * 2 / 3 }

// reap gives back the leases of work that has ended in good order, and forgets what was lost.
func (m *Member) reap(ctx context.Context) {
	m.mu.Lock()
	var over []*piece
	for _, p := range m.pieces {
		select {
		case <-p.ended:
			over = append(over, p)
		default:
		}
	}
	m.mu.Unlock()
	for _, p := range over {
		move := LostLease
		if p.giving && time.Now().Before(p.until) {
			move = Given
			if err := m.o.Store.Release(ctx, p.held); err != nil {
				m.o.Log.Warn("lease could not be given back; it runs out by itself", "lease", p.work.Lease, "error", err)
			}
		}
		m.mu.Lock()
		p.timer.Stop()
		p.cancel(nil)
		delete(m.pieces, p.work.Lease)
		m.mu.Unlock()
		m.o.Observe(p.work.Lease, move)
		m.o.Log.Info("work is another's to take", "lease", p.work.Lease, "how", move)
	}
}

// share takes and gives so that each daemon has its part.
func (m *Member) share(ctx, life context.Context, view View) error {
	counts := map[string]int{}
	m.mu.Lock()
	for _, p := range m.pieces {
		counts[p.work.Kind]++
	}
	m.mu.Unlock()
	m.shed(view, counts)
	m.mu.Lock()
	retake := !m.retaken
	m.mu.Unlock()
	for _, w := range m.o.Works {
		if m.known(w.Lease) || w.Share != nil && counts[w.Kind] >= w.Share(view) {
			continue
		}
		holder, held := view.holder(w.Lease)
		if held && (holder != m.o.Name || !retake) {
			continue
		}
		take := m.o.Store.Acquire
		if held {
			take = m.o.Store.Retake
		}
		asked := time.Now()
		l, ok, err := take(ctx, w.Lease, m.o.Name, m.o.Lease)
		if err != nil {
			return fmt.Errorf("take lease %s: %w", w.Lease, err)
		}
		if ok {
			counts[w.Kind]++
			m.start(life, w, l, asked.Add(m.worth()))
		}
	}
	m.mu.Lock()
	m.retaken = true
	m.mu.Unlock()
	return nil
}

// shed gives back what this daemon holds beyond its share.
func (m *Member) shed(view View, counts map[string]int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, w := range m.o.Works {
		p := m.pieces[w.Lease]
		if p == nil || p.giving || w.Share == nil || counts[w.Kind] <= w.Share(view) {
			continue
		}
		m.give(p)
		counts[w.Kind]--
	}
}

func (m *Member) known(lease string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pieces[lease] != nil
}

// start does a piece of work. Whatever becomes of the database, it ends when the lease is worth nothing any longer.
func (m *Member) start(life context.Context, w Work, held models.Lease, until time.Time) {
	ctx, cancel := context.WithCancelCause(life)
	p := &piece{work: w, held: held, until: until, cancel: cancel, ended: make(chan struct{})}
	m.mu.Lock()
	m.pieces[w.Lease] = p
	p.timer = time.AfterFunc(time.Until(until), func() { m.expired(p) })
	m.mu.Unlock()
	m.o.Observe(w.Lease, Taken)
	m.o.Log.Info("work taken", "lease", w.Lease, "token", held.Token)
	go func() {
		defer close(p.ended)
		w.Do(ctx, held)
	}()
}

// expired ends a piece that nobody could renew. A daemon that is alone keeps it: nobody could take it over, and while the database is away callers
// are to hear so from somebody. If another has come meanwhile, the next look that gets through says it.
func (m *Member) expired(p *piece) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if now.Before(p.until) || p.until.IsZero() {
		return // renewed while the timer fired, or lost
	}
	if m.view.Alone && !p.giving {
		p.until = now.Add(m.worth())
		p.timer.Reset(m.worth())
		return
	}
	m.lose(p)
}

func (m *Member) lose(p *piece) {
	p.until = time.Time{}
	p.cancel(ErrLost)
}

func (m *Member) give(p *piece) {
	p.giving = true
	p.cancel(context.Canceled)
}

func (v View) holder(lease string) (name string, held bool) {
	i, ok := slices.BinarySearchFunc(v.Leases, lease, func(l models.Lease, name string) int { return cmp.Compare(l.Name, name) })
	if !ok {
		return "", false
	}
	return v.Leases[i].Holder, true
}

// Owner is the daemon that holds a lease; false: nobody does, or one that is not there any more.
func (v View) Owner(lease string) (string, bool) { return v.holder(lease) }
