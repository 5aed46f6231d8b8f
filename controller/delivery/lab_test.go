package delivery

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
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

// memory is a store in memory that behaves as the real one says it does.
type memory struct {
	mu      sync.Mutex
	rows    map[int64]models.Delivery
	last    int64
	app     models.App
	down    bool
	noApps  bool
	saves   int
	refetch int              // rows that were read
	tokens  map[string]int64 // of leases, by name: whoever writes under an older one is refused
}

var errLost = errors.New("the lease is lost")

var errDown = errors.New("the database is away")

func newMemory() *memory {
	app := sampleApp()
	return &memory{rows: map[int64]models.Delivery{}, tokens: map[string]int64{}, app: app}
}

// commit writes new rows and gives them their ids.
func (m *memory) commit(rows ...models.Delivery) []models.Delivery {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := slices.Clone(rows)
	for i := range out {
		m.last++
		out[i].ID, out[i].Lane = m.last, models.LaneOf(out[i].Line())
		m.rows[m.last] = out[i]
	}
	return out
}

func (m *memory) find(limit int, keep func(models.Delivery) bool, order func(a, b models.Delivery) int) ([]models.Delivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return nil, errDown
	}
	var out []models.Delivery
	for _, d := range m.rows {
		if keep(d) {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, order)
	out = out[:min(limit, len(out))]
	m.refetch += len(out)
	return out, nil
}

func byID(a, b models.Delivery) int { return cmp.Compare(a.ID, b.ID) }

func in(lanes []int, d models.Delivery) bool { return lanes == nil || slices.Contains(lanes, d.Lane) }

func (m *memory) DueDeliveries(_ context.Context, now time.Time, lanes []int, limit int) ([]models.Delivery, error) {
	return m.find(limit, func(d models.Delivery) bool {
		return in(lanes, d) && d.State == models.DeliveryRetry && !d.DueAt.After(now)
	},
		func(a, b models.Delivery) int { return cmp.Or(a.DueAt.Compare(b.DueAt), byID(a, b)) })
}

func (m *memory) WaitingDeliveries(_ context.Context, after int64, lanes []int, limit int) ([]models.Delivery, error) {
	return m.find(limit, func(d models.Delivery) bool { return in(lanes, d) && d.State == models.DeliveryWaiting && d.ID > after }, byID)
}

func (m *memory) DeadCDRs(_ context.Context, day time.Time, appID, after int64, limit int) ([]models.Delivery, error) {
	day = day.Truncate(24 * time.Hour)
	return m.find(limit, func(d models.Delivery) bool {
		return d.State == models.DeliveryDead && d.Kind == models.DeliverCDR && d.AppID == appID && d.ID > after && d.EndedAt.Truncate(24*time.Hour).Equal(day)
	}, byID)
}

func (m *memory) SaveAttempt(_ context.Context, rows []models.Delivery, under ...models.Lease) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return errDown
	}
	for _, l := range under {
		if m.tokens[l.Name] != l.Token {
			return errLost
		}
	}
	m.saves++
	for _, d := range rows {
		if _, ok := m.rows[d.ID]; !ok {
			return models.Fail(models.NotFound, "delivery", "no delivery %d", d.ID)
		}
	}
	for _, d := range rows {
		m.rows[d.ID] = d
	}
	return nil
}

func (m *memory) CountDeliveries(_ context.Context, state models.DeliveryState, most int) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return 0, errDown
	}
	n := 0
	for _, d := range m.rows {
		if d.State == state {
			n++
		}
	}
	return min(n, most), nil
}

func (m *memory) App(_ context.Context, id int64) (models.App, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.noApps {
		return models.App{}, errDown
	}
	if id != m.app.ID {
		return models.App{}, models.Fail(models.NotFound, "app", "no such app")
	}
	return m.app, nil
}

func (m *memory) AppSecrets(context.Context, int64) ([]string, error) {
	return []string{"newest-secret", "older-secret"}, nil
}

// replay makes ended rows wait anew.
func (m *memory) replay() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, d := range m.rows {
		if d.State == models.DeliveryDead || d.State == models.DeliveryDone {
			d.State = models.DeliveryWaiting
			m.rows[id] = d
		}
	}
}

func (m *memory) set(change func(*memory)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m)
}

// states counts the rows by state.
func (m *memory) states() map[models.DeliveryState]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[models.DeliveryState]int{}
	for _, d := range m.rows {
		out[d.State]++
	}
	return out
}

func (m *memory) row(id int64) models.Delivery {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rows[id]
}

// customers are the URLs: what they answer, after how long, and what they were sent.
type customers struct {
	began  time.Time
	answer func(r received) (status int, after time.Duration) // status 0: no answer at all; called under mu
	says   string                                             // body of every answer

	mu    sync.Mutex
	got   []received
	inNow int
	most  int
}

type received struct {
	at   time.Duration // since the beginning
	url  string
	body string
	head http.Header
}

func (c *customers) RoundTrip(req *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r := received{time.Since(c.began), req.URL.String(), string(b), req.Header}
	c.mu.Lock()
	c.got = append(c.got, r)
	c.inNow++
	c.most = max(c.most, c.inNow)
	status, after := 200, time.Millisecond
	if c.answer != nil {
		status, after = c.answer(r)
	}
	c.mu.Unlock()
	defer func() { c.mu.Lock(); c.inNow--; c.mu.Unlock() }()
	if status == 0 {
		after = time.Hour
	}
	select {
	case <-time.After(after):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(c.says)), Request: req}, nil
}

// change changes what answer looks at.
func (c *customers) change(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do()
}

// seen gives what was received so far.
func (c *customers) seen() []received {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.got)
}

func (c *customers) bodies() string {
	var out []string
	for _, r := range c.seen() {
		out = append(out, r.body)
	}
	return strings.Join(out, " ")
}

// lab is a Courier with a store and customers, in virtual time.
type lab struct {
	*memory
	*customers
	o    Options
	c    *Courier
	stop func()
}

// inLab runs a test in a bubble. start must be called by it.
func inLab(t *testing.T, o Options, test func(l *lab)) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		l := &lab{memory: newMemory(), customers: &customers{began: time.Now()}, o: o}
		l.o.Store, l.o.send, l.o.Log = l.memory, l.customers, slog.New(slog.DiscardHandler)
		test(l)
		if l.stop != nil {
			l.stop()
		}
	})
}

func (l *lab) start() {
	l.c = New(l.o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.c.Run(ctx)
	}()
	l.stop = func() {
		cancel()
		<-done
		l.stop = nil
	}
	synctest.Wait()
}

// happen commits rows and offers them, as the call flow does.
func (l *lab) happen(rows ...models.Delivery) []models.Delivery {
	out := l.commit(rows...)
	l.c.Offer(out)
	return out
}

// after lets virtual time pass.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func event(session, body string) models.Delivery {
	return eventTo("https://customer.example/status", session, body)
}

func eventTo(url, session, body string) models.Delivery {
	return models.Delivery{AppID: 7, SessionID: session, Kind: models.DeliverEvent, Key: body, URL: url, Body: []byte(body), State: models.DeliveryWaiting}
}

// numbers is number status of an app.
func numbers(app int64, body string) models.Delivery {
	return models.Delivery{AppID: app, Kind: models.DeliverNumber, URL: "https://customer.example/numbers", Body: []byte(body),
		State: models.DeliveryWaiting, CreatedAt: time.Now()}
}

func fee(session, body string) models.Delivery {
	return models.Delivery{AppID: 7, SessionID: session, Kind: models.DeliverCDR, Key: keyCDR, URL: "https://customer.example/fee", Body: []byte(body), State: models.DeliveryWaiting}
}

func feeOf(records ...string) string {
	return `{"eventType":"fee","feeLst":[` + strings.Join(records, ",") + `]}`
}
