package delivery

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/models"
	"maskline/models/store"
)

const (
	customersAll = 1000
	customersOut = 150 // calls whose pushes are under way at once
)

// customersOf are 1000 hosts of this machine, all behind one server. The first of them are dead: they take a push and never answer.
type customersOf struct {
	port   int
	dead   int
	server *httptest.Server
	gone   chan struct{} // closed at the end, for those that hang

	mu     sync.Mutex
	since  map[string]time.Time // by session: when its last push was offered
	late   []time.Duration      // of pushes to the living, from the commit to their arrival
	room   chan struct{}
	served sync.WaitGroup
}

func openCustomers(b *testing.B, dead int) *customersOf {
	b.Helper()
	c := &customersOf{dead: dead, gone: make(chan struct{}), since: map[string]time.Time{}, room: make(chan struct{}, customersOut)}
	l, err := net.Listen("tcp", "0.0.0.0:0") //nolint:gosec // every address of 127/8 is a host of its own
	if err != nil {
		b.Fatal(err)
	}
	c.port = l.Addr().(*net.TCPAddr).Port
	c.server = httptest.NewUnstartedServer(c)
	_ = c.server.Listener.Close()
	c.server.Listener = l
	c.server.Start()
	b.Cleanup(func() { close(c.gone); c.server.Close() })
	return c
}

func (c *customersOf) url(i int) string {
	return fmt.Sprintf("http://127.1.%d.%d:%d/status", i/250, i%250+1, c.port)
}

// ServeHTTP answers a push at once, or not at all. The body is the session and the number of pushes it still has.
func (c *customersOf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	session, last, _ := strings.Cut(string(body), " ")
	c.mu.Lock()
	at, living := c.since[session]
	if living {
		c.late = append(c.late, time.Since(at))
		c.since[session] = time.Now() // the next of the session can come no earlier
	}
	c.mu.Unlock()
	if !living {
		select {
		case <-c.gone:
		case <-r.Context().Done():
		}
		return
	}
	w.WriteHeader(http.StatusOK)
	if last == "last" {
		<-c.room
		c.served.Done()
	}
}

func (c *customersOf) begins(session string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since[session] = time.Now()
}

// call commits a call of three events to a customer and offers its pushes. Those of the living are waited for: no more than customersOut are
// under way.
func (c *customersOf) call(st *store.Store, courier *Courier, app models.App, i, customer int) error {
	id := fmt.Sprintf("s%d@h", i)
	s := models.Session{ID: id, LegA: id, TenantID: app.TenantID, AppID: app.ID, Mode: models.ModeAXB, Dialled: numberX, Caller: models.MustParty(numberA),
		Stage: models.StageRouting, StartedAt: time.Now()}
	ch := models.Change{Session: s}
	for k, word := range []string{"first", "second", "last"} {
		ch.Events = append(ch.Events, models.CallEvent{SessionID: id, Key: word, Type: models.EventCallIn, At: s.StartedAt.Add(time.Duration(k)), Caller: s.Caller,
			Called: models.MustParty(numberX)})
		ch.Deliveries = append(ch.Deliveries, models.Delivery{AppID: app.ID, SessionID: id, Kind: models.DeliverEvent, Key: word, URL: c.url(customer),
			Body: []byte(id + " " + word), State: models.DeliveryWaiting, CreatedAt: s.StartedAt})
	}
	living := customer >= c.dead
	if living {
		c.room <- struct{}{}
		c.served.Add(1)
		c.begins(id) // the courier may read it from the store, too
	}
	if _, err := st.Record(context.Background(), ch); err != nil {
		return err
	}
	if living {
		c.begins(id)
	}
	courier.Offer(ch.Deliveries)
	return nil
}

// BenchmarkCustomers pushes to 1000 customers, over HTTP, from the commit on SQLite to the outcome in it: three events a call, in order. In one
// of two, 100 of the 1000 accept and never answer. ms-late are those of a push to the living, from the moment at which it could go.
func BenchmarkCustomers(b *testing.B) {
	for name, dead := range map[string]int{"all-live": 0, "100-dead": 100} {
		b.Run(name, func(b *testing.B) {
			customers := openCustomers(b, dead)
			st, _, app := openStore(b, models.App{Name: "taxi", Key: "appkey1", Mode: models.ModeAXB, State: models.StateNormal, PushScheme: models.PushAKSK})
			c := New(Options{Store: st, Allow: loopback})
			run(c, func() {
				for {
					if behind, _ := c.inbox.standing(); !behind {
						break
					}
					time.Sleep(time.Millisecond)
				}
				next, living := make(chan int), 0
				var callers sync.WaitGroup
				for range customersOut {
					callers.Go(func() {
						for i := range next {
							if err := customers.call(st, c, app, i, i*7%customersAll); err != nil {
								b.Error(err)
							}
						}
					})
				}
				b.ResetTimer()
				began := time.Now()
				for i := range b.N {
					if i*7%customersAll >= dead {
						living++
					}
					next <- i
				}
				close(next)
				callers.Wait()
				customers.served.Wait()
				took := time.Since(began)
				b.StopTimer()
				slices.Sort(customers.late)
				n := len(customers.late)
				if n == 0 {
					return
				}
				b.ReportMetric(float64(3*living)/took.Seconds(), "deliveries/s")
				b.ReportMetric(float64(customers.late[n/2].Microseconds())/1000, "ms-late-median")
				b.ReportMetric(float64(customers.late[n*99/100].Microseconds())/1000, "ms-late-p99")
				b.ReportMetric(float64(customers.late[n-1].Microseconds())/1000, "ms-late-most")
				b.ReportMetric(0, "ns/op")
			})
		})
	}
}
