package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"maskline/models"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// board is the database that daemons share, with the bubble's clock. It can be away for some of them, or hang.
type board struct {
	mu      sync.Mutex
	leases  map[string]models.Lease
	daemons map[string]models.Daemon
	cut     map[string]bool // daemons whose questions get no answer until their time is over
}

func newBoard() *board {
	return &board{leases: map[string]models.Lease{}, daemons: map[string]models.Daemon{}, cut: map[string]bool{}}
}

// line is one daemon's connection to the board.
type line struct {
	*board
	name string
}

func (b line) ask(ctx context.Context, do func()) error {
	b.mu.Lock()
	if b.cut[b.name] {
		b.mu.Unlock()
		<-ctx.Done()
		return ctx.Err()
	}
	defer b.mu.Unlock()
	do()
	return nil
}

func (b line) SeeDaemon(ctx context.Context, d models.Daemon) (now time.Time, err error) {
	err = b.ask(ctx, func() { d.SeenAt = time.Now(); b.daemons[d.Name] = d })
	return time.Now(), err
}

func (b line) ForgetDaemon(ctx context.Context, name string) error {
	return b.ask(ctx, func() { delete(b.daemons, name) })
}

func (b line) Daemons(ctx context.Context, since time.Time) (list []models.Daemon, err error) {
	err = b.ask(ctx, func() {
		for _, name := range slices.Sorted(maps.Keys(b.daemons)) {
			if d := b.daemons[name]; !d.SeenAt.Before(since) {
				list = append(list, d)
			}
		}
	})
	return list, err
}

func (b line) Leases(ctx context.Context, prefix string) (list []models.Lease, err error) {
	err = b.ask(ctx, func() {
		for _, l := range b.leases {
			if l.ExpiresAt.After(time.Now()) && strings.HasPrefix(l.Name, prefix) {
				list = append(list, l)
			}
		}
	})
	slices.SortFunc(list, func(a, b models.Lease) int { return cmp.Compare(a.Name, b.Name) })
	return list, err
}

func (b line) take(ctx context.Context, name, holder string, ttl time.Duration, mine bool) (l models.Lease, ok bool, err error) {
	err = b.ask(ctx, func() {
		is := b.leases[name]
		if is.ExpiresAt.After(time.Now()) && (!mine || is.Holder != holder) {
			return
		}
		l, ok = models.Lease{Name: name, Holder: holder, Token: is.Token + 1, ExpiresAt: time.Now().Add(ttl)}, true
		b.leases[name] = l
	})
	return l, ok, err
}

func (b line) Acquire(ctx context.Context, name, holder string, ttl time.Duration) (models.Lease, bool, error) {
	return b.take(ctx, name, holder, ttl, false)
}

func (b line) Retake(ctx context.Context, name, holder string, ttl time.Duration) (models.Lease, bool, error) {
	return b.take(ctx, name, holder, ttl, true)
}

func (b line) RenewAll(ctx context.Context, held []models.Lease, ttl time.Duration) (list []models.Lease, err error) {
	err = b.ask(ctx, func() {
		for _, l := range held {
			if is := b.leases[l.Name]; is.Token == l.Token && is.Holder == l.Holder && !is.ExpiresAt.IsZero() {
				is.ExpiresAt = time.Now().Add(ttl)
				b.leases[l.Name] = is
				list = append(list, is)
			}
		}
	})
	return list, err
}

func (b line) Release(ctx context.Context, l models.Lease) error {
	return b.ask(ctx, func() {
		if is := b.leases[l.Name]; is.Token == l.Token {
			is.ExpiresAt = time.Time{}
			b.leases[l.Name] = is
		}
	})
}

// house is daemons on one board, and a record of who does what. Two at one piece at once is what must never be.
type house struct {
	t     *testing.T
	b     *board
	mu    sync.Mutex
	doing map[string]string // lease → daemon
	moves []string
	slow  time.Duration // how long work takes to end in good order
}

func inHouse(t *testing.T, test func(h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(&house{t: t, b: newBoard(), doing: map[string]string{}})
	})
}

func (h *house) works(name string, switches, lanes int) (list []Work) {
	add := func(w Work) {
		w.Do = func(ctx context.Context, _ models.Lease) { h.do(ctx, name, w.Lease) }
		list = append(list, w)
	}
	for i := range switches {
		add(Work{Lease: fmt.Sprintf("switch/fs%d", i), Kind: "switch"})
	}
	for i := range lanes {
		add(Work{Lease: fmt.Sprintf("outbox/%02d", i), Kind: "outbox", Share: Even(lanes)})
	}
	for i := range lanes {
		add(Work{Lease: fmt.Sprintf("queue/%02d", i), Kind: "queue", Share: EvenAmong(lanes, "switch/")})
	}
	return list
}

func (h *house) do(ctx context.Context, name, lease string) {
	h.mu.Lock()
	if other := h.doing[lease]; other != "" {
		h.t.Errorf("%v: %s begins %s, which %s does", time.Now().Format("05.000"), name, lease, other)
	}
	h.doing[lease] = name
	h.moves = append(h.moves, name+" takes "+lease)
	h.mu.Unlock()
	<-ctx.Done()
	if !errors.Is(context.Cause(ctx), ErrLost) {
		time.Sleep(h.slow)
	}
	h.mu.Lock()
	h.doing[lease] = ""
	h.mu.Unlock()
}

func (h *house) count(prefix string) map[string]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := map[string]int{}
	for lease, name := range h.doing {
		if name != "" && strings.HasPrefix(lease, prefix) {
			n[name]++
		}
	}
	return n
}

// daemon is one that runs.
type daemon struct {
	*Member
	end func() // in good order, waited for
}

func (h *house) start(name string, switches, lanes int) *daemon {
	m := New(Options{Store: line{h.b, name}, Name: name, Works: h.works(name, switches, lanes)})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); m.Run(ctx) }()
	return &daemon{m, func() { cancel(); <-done }}
}

func (h *house) cut(name string, is bool) {
	h.b.mu.Lock()
	h.b.cut[name] = is
	h.b.mu.Unlock()
}

func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (h *house) want(what string, got, want map[string]int) {
	h.t.Helper()
	if !maps.Equal(got, want) {
		h.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// A daemon alone does everything, at once.
func TestAlone(t *testing.T) {
	inHouse(t, func(h *house) {
		d := h.start("a", 3, 16)
		synctest.Wait()
		h.want("all", h.count(""), map[string]int{"a": 3 + 16}) // the queue's lanes follow the switches
		after(2 * time.Second)
		h.want("all", h.count(""), map[string]int{"a": 3 + 16 + 16})
		if !d.Holds("switch/fs0") || d.Holds("switch/none") {
			t.Error("what it holds")
		}
		after(time.Hour)
		h.want("an hour later", h.count(""), map[string]int{"a": 35})
		d.end()
		if len(h.b.daemons) != 0 || d.Holds("switch/fs0") {
			t.Error("it is still there")
		}
		for _, l := range h.b.leases {
			if l.ExpiresAt.After(time.Now()) {
				t.Errorf("%s is still held", l.Name)
			}
		}
	})
}

// Who comes later gets his part of the lanes; who has a switch his part of the queue.
func TestShares(t *testing.T) {
	inHouse(t, func(h *house) {
		h.slow = time.Second
		a := h.start("a", 2, 16)
		after(5 * time.Second)
		b := h.start("b", 2, 16)
		after(10 * time.Second)
		h.want("outbox", h.count("outbox/"), map[string]int{"a": 8, "b": 8})
		h.want("queue", h.count("queue/"), map[string]int{"a": 16})
		h.want("switches", h.count("switch/"), map[string]int{"a": 2})
		a.end()
		after(5 * time.Second)
		h.want("all", h.count(""), map[string]int{"b": 34})
		b.end()
	})
}

// A daemon that is cut off stops before another begins, and the other begins within ten seconds.
func TestCutOff(t *testing.T) {
	inHouse(t, func(h *house) {
		a := h.start("a", 3, 16)
		after(5 * time.Second)
		b := h.start("b", 3, 16)
		after(10 * time.Second)
		for range 5 {
			h.cut("a", true)
			after(4*time.Second + 400*time.Millisecond)
			if n := h.count("")["a"]; n != 0 || a.Holds("switch/fs0") {
				t.Errorf("a still does %d pieces", n)
			}
			after(5*time.Second + 600*time.Millisecond)
			h.want("ten seconds later", h.count(""), map[string]int{"b": 35})
			h.cut("a", false)
			after(20 * time.Second)
			h.want("outbox", h.count("outbox/"), map[string]int{"a": 8, "b": 8})
			h.want("switches", h.count("switch/"), map[string]int{"b": 3})
			h.cut("b", true)
			after(10 * time.Second)
			h.want("the other way", h.count("switch/"), map[string]int{"a": 3})
			h.cut("b", false)
			after(20 * time.Second)
		}
		a.end()
		b.end()
	})
}

// A daemon that was killed and restarted under its name has its switches back at once; another name waits the lease out.
func TestRestarted(t *testing.T) {
	for _, tt := range []struct {
		name   string
		within time.Duration
	}{{"a", 0}, {"b", DefaultLease + DefaultLease/5}} {
		inHouse(t, func(h *house) {
			now := time.Now()
			for i := range 2 {
				name := fmt.Sprintf("switch/fs%d", i)
				h.b.leases[name] = models.Lease{Name: name, Holder: "a", Token: 7, ExpiresAt: now.Add(DefaultLease)}
			}
			h.b.daemons["a"] = models.Daemon{Name: "a", SeenAt: now}
			d := h.start(tt.name, 2, 4)
			after(tt.within)
			h.want(tt.name, h.count("switch/"), map[string]int{tt.name: 2})
			if h.b.leases["switch/fs0"].Token != 8 {
				t.Errorf("token %d", h.b.leases["switch/fs0"].Token)
			}
			d.end()
		})
	}
}

// A daemon that ends while the database is away ends all the same, and soon.
func TestEndsCutOff(t *testing.T) {
	inHouse(t, func(h *house) {
		h.slow = time.Second
		d := h.start("a", 2, 4)
		after(5 * time.Second)
		h.cut("a", true)
		began := time.Now()
		d.end()
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it ended after %v", took)
		}
		h.want("afterwards", h.count(""), map[string]int{})
	})
}

// A daemon alone keeps what it has while the database is away, and afterwards; unless another has come meanwhile.
func TestAloneKeeps(t *testing.T) {
	inHouse(t, func(h *house) {
		d := h.start("a", 2, 4)
		after(5 * time.Second)
		h.cut("a", true)
		after(10 * time.Minute)
		h.want("while it is away", h.count("switch/"), map[string]int{"a": 2})
		if !d.Holds("switch/fs0") {
			t.Error("it may not command its switch")
		}
		h.cut("a", false)
		after(5 * time.Second)
		h.want("afterwards", h.count("switch/"), map[string]int{"a": 2})
		if h.b.leases["switch/fs0"].Token != 1 {
			t.Error("it was given up in between")
		}
		h.cut("a", true)
		after(time.Minute)
		for name, l := range h.b.leases { // another has taken and lost them
			l.Token++
			h.b.leases[name] = l
		}
		h.cut("a", false)
		after(3 * time.Second)
		if h.b.leases["switch/fs0"].Token != 3 {
			t.Errorf("token %d", h.b.leases["switch/fs0"].Token)
		}
		d.end()
	})
}

// Three daemons whose ways to the database come and go at random: never two at one piece, and all done when all is well.
func TestNeverTwo(t *testing.T) {
	inHouse(t, func(h *house) {
		h.slow = 300 * time.Millisecond
		names := []string{"a", "b", "c"}
		var all []*daemon
		for _, n := range names {
			all = append(all, h.start(n, 3, 8))
		}
		seed := uint32(20261120)
		random := func(n uint32) uint32 { seed = seed*1664525 + 1013904223; return (seed >> 16) % n }
		for range 300 {
			h.cut(names[random(3)], random(2) == 0)
			after(time.Duration(random(4000)) * time.Millisecond)
		}
		for _, n := range names {
			h.cut(n, false)
		}
		after(time.Minute)
		total := 0
		for _, n := range h.count("") {
			total += n
		}
		if total != 3+8+8 {
			t.Errorf("%d pieces are done", total)
		}
		for _, d := range all {
			d.end()
		}
	})
}
