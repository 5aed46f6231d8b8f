//go:build !race

// The race detector multiplies memory, so `make test` runs this file in a pass of its own, without it.

package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/models"
	"maskline/models/store"
)

// memoryFor is what is promised of a daemon with 500 calls up.
const memoryFor = 100 << 20

func TestFiveHundredCallsFitIntoMemory(t *testing.T) {
	p := openProcess(t, "log: {level: error}\nbinding: {cool_off: 0s}\n")
	st := p.open()
	callers, callees, x := bind(t, st, 500)
	p.begin()
	for i := range callers {
		if _, err := p.sw.Call(sim.Caller{From: callers[i], To: x[i], Callee: &sim.Phone{Number: callees[i]}}); err != nil {
			t.Fatal(err)
		}
	}
	p.await("500 talks", func() error {
		page, total, err := st.Sessions(t.Context(), store.SessionFilter{Live: true}, models.Page{Limit: models.PageMax})
		if err != nil {
			return err
		}
		talking := 0
		for _, s := range page {
			if s.Stage == models.StageTalking {
				talking++
			}
		}
		if talking < len(callers) {
			return fmt.Errorf("%d of %d talk", talking, total)
		}
		return nil
	})
	used := p.resident()
	t.Logf("%.1f MB resident with %d calls up", float64(used)/1e6, len(callers))
	if used > memoryFor {
		t.Errorf("%d bytes resident with %d calls up, more than %d", used, len(callers), memoryFor)
	}
}

// hangingFor is what is promised of a daemon none of whose customers answers, with a thousand calls to tell of.
const hangingFor = 128 << 20

// silence is every customer's server: it takes pushes and questions, and answers none of them while it is silent.
type silence struct {
	*httptest.Server
	gone chan struct{} // closed: it answers
	once sync.Once

	mu   sync.Mutex
	told map[string]int // answered pushes, by path
}

func openSilence(t *testing.T) *silence {
	t.Helper()
	s := &silence{gone: make(chan struct{}), told: map[string]int{}}
	l, err := net.Listen("tcp", "0.0.0.0:0") //nolint:gosec // every address of 127/8 is a customer of its own
	if err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewUnstartedServer(s)
	_ = s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(func() { s.speak(); s.Close() })
	return s
}

func (s *silence) speak() { s.once.Do(func() { close(s.gone) }) }

// url is a customer's own host.
func (s *silence) url(customer int, path string) string {
	return fmt.Sprintf("http://127.2.0.%d:%d%s", customer+1, s.Listener.Addr().(*net.TCPAddr).Port, path)
}

func (s *silence) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case <-s.gone:
	case <-r.Context().Done():
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	s.mu.Lock()
	s.told[r.URL.Path]++
	s.mu.Unlock()
	w.WriteHeader(http.StatusOK)
}

// callersOf makes customers with an app and a number each, who have bound pairs, and one of mode X, and gives who calls: a caller for each pair,
// and now and then one for the customer who is asked.
func (s *silence) callersOf(t *testing.T, st *store.Store, customers, pairs int) (callers []sim.Caller) {
	t.Helper()
	for i := range customers + 1 {
		tenant := models.Tenant{Name: fmt.Sprintf("customer %d", i), SpID: fmt.Sprintf("sp%d", i)}
		app := models.App{Key: fmt.Sprintf("key%d", i), Name: "app", Mode: models.ModeAXB, PushScheme: models.PushAKSK, StatusURL: s.url(i, "/status"), FeeURL: s.url(i, "/fee")}
		if i == customers {
			app.Mode, app.Settings.AskURL = models.ModeX, s.url(i, "/ask")
		}
		err := st.CreateTenant(t.Context(), &tenant)
		if app.TenantID = tenant.ID; err == nil {
			err = st.CreateApp(t.Context(), &app, "secret")
		}
		x := fmt.Sprintf("+8617%09d", i)
		if err == nil {
			err = st.AddNumbers(t.Context(), []models.Number{{AppID: app.ID, Number: x, AreaCode: "0755"}})
		}
		for n := range pairs {
			a, b := fmt.Sprintf("+86138%08d", i*pairs+n), fmt.Sprintf("+86139%08d", i*pairs+n)
			if i == customers {
				break
			}
			if err == nil {
				_, err = st.Bind(t.Context(), store.BindRequest{App: app, Where: store.Where{X: x}, A: models.MustParty(a), B: models.MustParty(b)})
			}
			callers = append(callers, sim.Caller{From: a, To: x, Callee: &sim.Phone{Number: b, HangsUpAfter: 50 * time.Millisecond}})
			if n%10 == 0 {
				callers = append(callers, sim.Caller{From: a, To: fmt.Sprintf("+8617%09d", customers)})
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return callers
}

// deliveries counts those in a state; "" is any.
func deliveries(t *testing.T, st *store.Store, state models.DeliveryState) int {
	t.Helper()
	_, n, err := st.Deliveries(t.Context(), store.DeliveryFilter{State: state}, models.Page{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestHangingURLsFitIntoMemory lets a thousand calls of forty customers come and go while none of their URLs answers, questions of mode X among
// them. Memory stays bounded, the calls end as they should, and when the URLs answer again everything is told.
func TestHangingURLsFitIntoMemory(t *testing.T) {
	p := openProcess(t, "log: {level: error}\nbinding: {cool_off: 0s}\ncall: {ask_timeout: 500ms}\n")
	text, err := os.ReadFile(p.config)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("batch_wait: 10ms,"), []byte("batch_wait: 10ms, timeout: 1s, calendar: [1s, 25s, 50s, 75s, 100s, 125s],"), 1)
	if err := os.WriteFile(p.config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s, st := openSilence(t), p.open()
	callers := s.callersOf(t, st, 40, 25)
	p.begin()
	room := make(chan struct{}, 50)
	var calls sync.WaitGroup
	most := p.resident()
	for i, c := range callers {
		room <- struct{}{}
		line, err := p.sw.Call(c)
		if err != nil {
			t.Fatal(err)
		}
		calls.Go(func() {
			<-line.Done()
			<-room
		})
		if i%100 == 0 {
			most = max(most, p.resident())
		}
	}
	calls.Wait()
	p.await("the records", func() error {
		_, total, err := st.CDRs(t.Context(), store.CDRFilter{}, models.Page{Limit: 1})
		if err == nil && total < len(callers) {
			err = fmt.Errorf("%d of %d", total, len(callers))
		}
		return err
	})
	most = max(most, p.resident())
	owed := deliveries(t, st, "")
	if done := deliveries(t, st, models.DeliveryDone); done > 0 {
		t.Errorf("%d deliveries are done while nobody answers", done)
	}
	t.Logf("%.1f MB resident at most, with %d calls to tell of in %d deliveries and nobody who answers", float64(most)/1e6, len(callers), owed)
	if most > hangingFor {
		t.Errorf("%d bytes resident while every URL hangs, more than %d", most, hangingFor)
	}
	s.speak()
	p.awaitFor(3*time.Minute, "every delivery", func() error {
		if done := deliveries(t, st, models.DeliveryDone); done < owed {
			return fmt.Errorf("%d of %d", done, owed)
		}
		return nil
	})
}
