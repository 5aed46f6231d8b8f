package delivery

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"maskline/models"
)

func xApp(url string) models.App {
	app := sampleApp()
	app.Mode, app.StatusURL = models.ModeX, url
	return app
}

func askIn(c *Courier, app models.App, within time.Duration) ([]byte, int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	s := models.Session{ID: "s@h", AppID: app.ID, Mode: models.ModeX, Plan: models.Plan{Ask: &models.Ask{}}}
	return c.Ask(ctx, app, s, models.CallEvent{SessionID: "s@h", Key: "callin", Type: models.EventCallIn, At: at("2019-01-24 07:03:28"),
		Caller: models.MustParty(numberA), Called: models.MustParty(numberX)})
}

// The question is the callin of spec §4.1 with notifyMode Block, signed like a push; the answer comes back as it is, whatever it is.
func TestAsk(t *testing.T) {
	var asked []string
	var header http.Header
	reply := `{"operation":"connect","connectInfo":[{"calleeNum":"+8613700000003"}]}`
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		asked, header = append(asked, r.Method+" "+r.URL.Path+" "+string(b)), r.Header
		_, _ = io.WriteString(w, reply)
	}))
	defer srv.Close()
	c := real(t, Options{Allow: loopback})
	app := xApp(srv.URL + "/status")
	for _, reply = range []string{reply, "", "\x00\xff{[", strings.Repeat("x", answerMax)} {
		got, status, err := askIn(c, app, 10*time.Second)
		if err != nil || status != 200 || string(got) != reply {
			t.Errorf("%.80q: %.80q, %d, %v", reply, got, status, err)
		}
	}
	const body = `{"eventType":"callin","statusInfo":{"sessionId":"s@h","timestamp":"2019-01-24 07:03:28","caller":"+8613900000002","called":"+8617000000009","notifyMode":"Block"}}`
	if asked[0] != "POST /status "+body {
		t.Errorf("asked %s", asked[0])
	}
	token := strings.Split(header.Get("X-Aksk"), `"`)
	if len(token) != 9 || token[3] != models.AKSKDigest("newest-secret", token[5], token[7]) || header.Get("Content-Type") != contentType {
		t.Errorf("headers %v", header)
	}
	app.Settings.AskURL = srv.URL + "/ask"
	if _, _, err := askIn(c, app, 10*time.Second); err != nil || asked[len(asked)-1] != "POST /ask "+body {
		t.Errorf("asked %v, %v", asked, err)
	}
	if _, _, err := askIn(c, xApp(""), time.Second); err == nil {
		t.Error("an app without a URL")
	}
}

// Whatever is no whole answer with HTTP 200 is an error, in our own words, and the question is put once.
func TestAskGetsNoAnswer(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		err    string
		serve  func(w http.ResponseWriter, r *http.Request)
	}{
		{"a megabyte", 200, "the answer is longer than 65536 bytes", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"operation":"`+strings.Repeat("x", 1<<20)+`"}`)
		}},
		{"a byte too much", 200, "the answer is longer than 65536 bytes", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat("x", answerMax+1))
		}},
		{"500", 500, "the answer is HTTP 500", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"operation":"close"}`, http.StatusInternalServerError)
		}},
		{"204", 204, "the answer is HTTP 204", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }},
		{"a redirect", 307, "the answer is HTTP 307", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}},
		{"late", 0, "no answer within the time", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
		{"late in its body", 200, "no answer within the time", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"operation":`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}},
		{"half a body", 200, "the connection was closed in the middle of an answer", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"operation":`)
		}},
		{"closes", 0, "the connection was closed before an answer", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		{"no HTTP", 0, "the connection failed, or the answer was not HTTP", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "220 mail.example ESMTP +8613700000003\r\n\r\n")
				_ = conn.Close()
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var hits atomic.Int32
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				hits.Add(1)
				_, _ = io.Copy(io.Discard, r.Body)
				c.serve(w, r)
			}))
			defer srv.Close()
			reply, status, err := askIn(real(t, Options{Allow: loopback}), xApp(srv.URL+"/p?token=hidden"), 300*time.Millisecond)
			if reply != nil || status != c.status || err == nil || err.Error() != "ask "+srv.URL+"/p: "+c.err {
				t.Errorf("%.80q, %d, %v", reply, status, err)
			}
			if hits.Load() != 1 {
				t.Errorf("asked %d times", hits.Load())
			}
		})
	}
}

// Questions go past no guard, and a caller who leaves ends his question.
func TestAskIsGuarded(t *testing.T) {
	var hits atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer srv.Close()
	if _, _, err := askIn(real(t, Options{}), xApp(srv.URL), time.Second); err == nil || !strings.HasSuffix(err.Error(), errBarred.Error()) || hits.Load() != 0 {
		t.Errorf("%v, %d hits", err, hits.Load())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _, err := real(t, Options{Allow: loopback}).Ask(ctx, xApp(srv.URL), models.Session{}, models.CallEvent{})
	if err == nil || !strings.HasSuffix(err.Error(), "given up before an answer came") {
		t.Error(err)
	}
}

// A connection of its own: what the other side does with an idle one cannot cost a call.
func TestAskKeepsNoConnection(t *testing.T) {
	var opened atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	c := real(t, Options{Allow: loopback})
	for range 3 {
		if _, _, err := askIn(c, xApp(srv.URL), 10*time.Second); err != nil {
			t.Error(err)
		}
	}
	if opened.Load() != 3 {
		t.Errorf("%d connections", opened.Load())
	}
}

// counted counts results from any goroutine.
type counted struct {
	unobserved
	mu sync.Mutex
	n  map[Result]int
}

func (c *counted) Attempted(kind models.DeliveryKind, r Result, _ time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[Result(string(kind)+" ")+r]++
}

// In virtual time: forty URLs hang and are asked without pause. One that answers is heard each time, no question outlives its time, and soon a
// hanging URL holds one place.
func TestHangingQuestionsDelayNobody(t *testing.T) {
	seen := &counted{n: map[Result]int{}}
	inLab(t, Options{Observe: seen}, func(l *lab) {
		l.says = `{"operation":"close"}`
		l.answer = func(r received) (int, time.Duration) {
			if strings.HasPrefix(r.url, "https://hanging") {
				return 0, 0
			}
			return 200, 200 * time.Millisecond
		}
		c := New(l.o)
		var late, refused, bad atomic.Int32
		var wg sync.WaitGroup
		ask := func(url string) {
			began := time.Now()
			reply, status, err := askIn(c, xApp(url), 4*time.Second)
			switch took := time.Since(began); {
			case url == "https://good.example/":
				if err != nil || status != 200 || string(reply) != l.says || took != 200*time.Millisecond {
					bad.Add(1)
				}
			case err == nil || took != 0 && took != 4*time.Second:
				bad.Add(1)
			case took == 0:
				refused.Add(1)
			default:
				late.Add(1)
			}
		}
		for wave, most := range []int32{40 * 16, 40, 40} {
			before := late.Load()
			for i := range 40 {
				for range 200 {
					wg.Go(func() { ask(fmt.Sprintf("https://hanging%d.example/", i)) })
				}
			}
			synctest.Wait()
			for range 10 {
				ask("https://good.example/")
			}
			for range 50 { // at once: it has answered before
				wg.Go(func() { ask("https://good.example/") })
			}
			wg.Wait()
			if got := late.Load() - before; got == 0 || got > most {
				t.Errorf("wave %d: %d questions waited, at most %d may", wave, got, most)
			}
		}
		if bad.Load() != 0 || late.Load()+refused.Load() != 3*8000 {
			t.Errorf("%d late, %d refused, %d bad", late.Load(), refused.Load(), bad.Load())
		}
		if n := seen.n; n["event "+NoAnswer] != int(late.Load()) || n["event "+Skipped] != int(refused.Load()) || n["event "+Delivered] != 180 {
			t.Errorf("observed %v", n)
		}
		if c.asks.inside != 0 {
			t.Errorf("%d places are not given back", c.asks.inside)
		}
		if l.last != 0 {
			t.Errorf("%d rows were written", l.last)
		}
	})
}

// A question ends even when nobody gave it a time.
func TestAskEndsByItself(t *testing.T) {
	inLab(t, Options{}, func(l *lab) {
		l.answer = func(received) (int, time.Duration) { return 0, 0 }
		began := time.Now()
		_, _, err := New(l.o).Ask(context.Background(), xApp("https://hanging.example/"), models.Session{}, models.CallEvent{})
		if err == nil || time.Since(began) != askMost {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// The app cannot be read, or it has no secret: no question goes out unsigned.
func TestAskWithoutSecret(t *testing.T) {
	inLab(t, Options{}, func(l *lab) {
		l.noApps = true
		if _, _, err := askIn(New(l.o), xApp("https://good.example/"), time.Second); err == nil || len(l.seen()) != 0 {
			t.Errorf("%v, %d were asked", err, len(l.seen()))
		}
	})
}

func TestGate(t *testing.T) {
	g := newGate(100, 16)
	fill := func(url string) (n int) {
		for g.enter(url) {
			n++
		}
		return n
	}
	empty := func(url string, said word) {
		for g.urls[url].inside > 0 {
			g.leave(url, said)
		}
	}
	for i, step := range []struct {
		places int
		then   word
	}{{2, nothing}, {2, answered}, {8, answered}, {16, nothing}, {16, answered}, {16, silent}, {1, silent}, {1, answered}, {2, nothing}} {
		if n := fill("a"); n != step.places {
			t.Errorf("step %d: %d places, want %d", i, n, step.places)
		}
		empty("a", step.then)
	}
	fill("a")
	g.leave("a", answered)
	empty("a", nothing)
	g.urls["a"].size = 16
	g.leave("a", silent) // one late answer costs half
	g.inside, g.urls["a"].inside = 0, 0
	if n := fill("a"); n != 8 {
		t.Errorf("after one late answer: %d places", n)
	}
	for i := range 200 {
		fill(fmt.Sprint(i))
	}
	if g.inside != 100 || fill("a") != 0 || fill("new") != 0 {
		t.Errorf("%d of 100 inside", g.inside)
	}
}

// URLs that nobody asks any longer are forgotten, before they are too many.
func TestGateForgets(t *testing.T) {
	g := newGate(10, 10)
	for i := range 3 * urlsMax {
		if url := fmt.Sprint(i); g.enter(url) {
			g.leave(url, answered)
		}
	}
	if len(g.urls) > urlsMax {
		t.Errorf("%d URLs are remembered", len(g.urls))
	}
}
