package switches

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"maskline/esl"
	"maskline/esl/freeswitch"
	"maskline/esl/sim"
	"maskline/models"
	"maskline/models/store"
	"maskline/models/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lab is a switch and a database in one bubble of virtual time.
type lab struct {
	*testing.T
	ctx  context.Context
	sw   *sim.Switch
	st   *store.Store
	logs *lines
	seen counts
}

func inLab(t *testing.T, test func(*lab)) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "test.db")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		l := &lab{T: t, ctx: ctx, sw: sim.New(sim.Options{}), logs: &lines{}}
		defer func() { l.must(l.sw.Close()) }()
		l.must(storetest.Lay(file))
		var err error
		l.st, err = store.Open(ctx, store.Config{Driver: store.SQLite, DSN: file})
		l.must(err)
		defer func() { l.must(l.st.Close()) }()
		test(l)
	})
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// adapter is a connection to the switch. It runs until stop.
func (l *lab) adapter() (sw esl.Switch, stop func()) {
	a := freeswitch.New(freeswitch.Options{Name: "fs1", Password: "ClueCon", Dial: func(context.Context) (net.Conn, error) { return l.sw.Dial() }})
	ctx, cancel := context.WithCancel(l.ctx)
	var wg sync.WaitGroup
	wg.Go(func() { _ = a.Run(ctx, nobody{}) })
	synctest.Wait()
	return a, func() {
		cancel()
		wg.Wait()
	}
}

// daemon runs orders on a connection of its own.
func (l *lab) daemon(name string) (d *Orders, stop func()) {
	l.Helper()
	sw, cut := l.adapter()
	d = New(Options{Store: l.st, Switches: []esl.Switch{sw}, Daemon: name, Observe: &l.seen, Log: slog.New(slog.NewTextHandler(l.logs, nil))})
	ctx, cancel := context.WithCancel(l.ctx)
	var wg sync.WaitGroup
	wg.Go(func() { d.Run(ctx) })
	return d, func() {
		cancel()
		wg.Wait()
		cut()
	}
}

func (l *lab) order(wanted models.SwitchState, shutdown bool) {
	l.Helper()
	_, err := l.st.OrderSwitch(l.ctx, "fs1", models.SwitchOrder{Wanted: wanted, Shutdown: shutdown, By: "ann"})
	l.must(err)
}

// look is one look, to its end.
func (l *lab) look(d *Orders) {
	l.Helper()
	l.must(d.look(l.ctx))
	d.begun.Wait()
}

// call is a caller, and the status with which he was refused at once, 0 if he was not. Nobody claims him: he is refused after 10 s.
func (l *lab) call() (*sim.Line, int) {
	l.Helper()
	line, err := l.sw.Call(sim.Caller{From: "8613800000001", To: "8617000000001"})
	l.must(err)
	synctest.Wait()
	return line, line.Status()
}

func (l *lab) refused() {
	l.Helper()
	if _, status := l.call(); status != 503 {
		l.Errorf("a new call was let in: status %d", status)
	}
}

func (l *lab) letIn() {
	l.Helper()
	line, status := l.call()
	if status != 0 {
		l.Errorf("a new call was refused with %d", status)
	}
	line.HangUp()
	synctest.Wait()
}

func (l *lab) row() models.SwitchRow {
	l.Helper()
	rows, _, err := l.st.Switches(l.ctx, models.Page{})
	l.must(err)
	if len(rows) != 1 {
		l.Fatalf("rows %+v", rows)
	}
	return rows[0]
}

// stands waits at most so long until the switch is told of as it should be.
func (l *lab) stands(want models.SwitchState, sessions int, within time.Duration) {
	l.Helper()
	limit := time.Now().Add(within)
	for {
		rows, _, err := l.st.Switches(l.ctx, models.Page{})
		l.must(err)
		if len(rows) == 1 && rows[0].Sight.State == want && rows[0].Sight.Sessions == sessions {
			return
		}
		if !time.Now().Before(limit) {
			l.Fatalf("after %s the switch stands %+v, want %s with %d sessions; log:\n%s", within, rows, want, sessions, l.logs)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// nobody takes no call.
type nobody struct{}

func (nobody) Arrived(c esl.Call, _ esl.Event) { c.Close() }
func (nobody) Found(c esl.Call, _ []esl.Event) { c.Close() }
func (nobody) Synced([]string)                 {}
func (nobody) Stranger(esl.Event)              {}
func (nobody) Stray(esl.Event)                 {}
func (nobody) Restarted(string)                {}

// lines is a log.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *lines) count(text string) int { return strings.Count(l.String(), text) }

// counts is an Observe.
type counts struct {
	mu         sync.Mutex
	wanted, is models.SwitchState
	failures   int
}

func (c *counts) SwitchStands(_ string, wanted, is models.SwitchState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted, c.is = wanted, is
}

func (c *counts) SwitchOrderFailed(string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures++
}

func (c *counts) get() (wanted, is models.SwitchState, failures int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wanted, c.is, c.failures
}
