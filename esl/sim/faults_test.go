package sim

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maskline/esl/wire"
)

// parked places a call and waits until the client has seen it parked.
func parked(t *testing.T, s *Switch, c *client) *Line {
	t.Helper()
	a, err := s.Call(Caller{From: "8613800000001", To: "8617000000001"})
	if err != nil {
		t.Fatal(err)
	}
	c.wait("CHANNEL_PARK", "Unique-ID", a.Leg)
	return a
}

func TestEventFaults(t *testing.T) {
	for name, tt := range map[string]struct {
		fate EventFate
		want string // HEARTBEATs are numbered by their order; what the client sees of PARK and UNPARK
	}{
		"none":   {EventFate{}, "PARK UNPARK"},
		"drop":   {EventFate{Drop: true}, "UNPARK"},
		"repeat": {EventFate{Repeat: 2}, "PARK PARK PARK UNPARK"},
		"late":   {EventFate{Delay: time.Minute}, "UNPARK PARK"},
		"swap":   {EventFate{Overtake: true}, "HANGUP PARK UNPARK"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s Switch
				defer s.Close()
				s.Faults.Event = func(e *Event) *EventFate {
					if e.Name == "CHANNEL_PARK" {
						return &tt.fate
					}
					return nil
				}
				c := dialSwitch(t, &s)
				c.do("nixevent ALL")
				c.do("event plain CHANNEL_PARK CHANNEL_UNPARK CHANNEL_HANGUP")
				if name != "swap" {
					c.do("nixevent CHANNEL_HANGUP")
				}
				a, err := s.Call(Caller{From: "1", To: "2"})
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				c.do("api uuid_kill %s", a.Leg)
				time.Sleep(2 * time.Minute)
				c.do("api status")
				if got := strings.Join(c.order(a.Leg), " "); got != tt.want {
					t.Errorf("saw %q, want %q", got, tt.want)
				}
			})
		})
	}
}

func TestCommandFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Switch
		defer s.Close()
		fates := map[string]*CommandFate{
			"api create_uuid": {Reply: "-ERR not today\n"}, "api reloadxml": {After: 3 * time.Second},
		}
		s.Faults.Command = func(q wire.Request) *CommandFate { return fates[q.Verb+" "+q.Args] }
		c := dialSwitch(t, &s)
		if got := c.do("api create_uuid"); got != "-ERR not today\n" {
			t.Errorf("answer %q", got)
		}
		start := time.Now()
		if got := c.do("api reloadxml"); got != "+OK [Success]\n" || time.Since(start) != 3*time.Second {
			t.Errorf("answer %q after %v", got, time.Since(start))
		}
		a := parked(t, &s, c)
		fates["api uuid_kill "+a.Leg] = &CommandFate{Swallow: true}
		if _, err := io.WriteString(c.nc, "api uuid_kill "+a.Leg+"\n\n"); err != nil {
			t.Fatal(err)
		}
		if got := c.do("api global_getvar hostname"); got != "sim" { // the next answer, as the lost one never comes
			t.Errorf("answer %q", got)
		}
		c.wait("CHANNEL_HANGUP_COMPLETE", "Unique-ID", a.Leg)
		fates["api version"] = &CommandFate{Cut: true}
		_, _ = io.WriteString(c.nc, "api version\n\n")
		for f := range c.frames { // events that were under way may still come
			if f.Type == wire.APIResponse {
				t.Error("an answer after the cut")
			}
		}
	})
}

func TestConnectionFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Switch
		defer s.Close()
		c := dialSwitch(t, &s)
		s.Freeze(true)
		a, err := s.Call(Caller{From: "1", To: "2"})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(c.frames) != 0 {
			t.Error("a frozen switch spoke")
		}
		s.Freeze(false)
		c.wait("CHANNEL_PARK", "Unique-ID", a.Leg)

		old := s.Core()
		s.Restart()
		for range c.frames { // ends when the connection does
		}
		if s.Core() == old || s.Channels() != 0 {
			t.Error("the old core lives on")
		}
		s.Faults.Refuse(true)
		if _, err := s.Dial(); err == nil {
			t.Error("a refusing switch took a connection")
		}
		s.Faults.Refuse(false)
		again := dialSwitch(t, &s)
		if n := s.CutConnections(); n != 1 {
			t.Errorf("cut %d connections", n)
		}
		for range again.frames {
			continue
		}
	})
}

func TestGarbage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Switch
		defer s.Close()
		nc, err := s.Dial()
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		r := wire.NewReader(nc)
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(nc, "auth ClueCon\n\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		go s.Garbage([]byte("Content-Type: text/event-plain\nContent-Length: -1\n\n"))
		if f, err := r.Next(); err == nil {
			t.Errorf("read %q as a frame", f.Type)
		}
	})
}

func TestCDR(t *testing.T) {
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		user, password, _ := r.BasicAuth()
		bodies = append(bodies, r.URL.Query().Get("uuid")+" "+user+":"+password+" "+string(b))
	}))
	defer server.Close()
	dir := t.TempDir()
	s := New(Options{CDR: CDR{URL: server.URL, User: "switch", Password: "pw", Spool: dir}})
	defer s.Close()
	posts := 0
	s.Faults.CDR = func(string) bool {
		posts++
		return posts > 1
	}
	c := dialSwitch(t, s)
	for range 2 {
		a := parked(t, s, c)
		a.HangUp()
		if err := a.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(bodies) != 1 {
		t.Fatalf("%d records posted, want 1", len(bodies))
	}
	for _, want := range []string{` switch:pw {`, `"maskline_role":"a"`, `"hangup_cause":"ORIGINATOR_CANCEL"`, `"presence_data":"maskline%3A`, `"hangup_time":"`, `"destination_number":"8617000000001"`} {
		if !strings.Contains(bodies[0], want) {
			t.Errorf("no %s in %s", want, bodies[0])
		}
	}
	spooled, err := filepath.Glob(filepath.Join(dir, "*.cdr.json"))
	if err != nil || len(spooled) != 1 {
		t.Fatalf("spooled %v, %v", spooled, err)
	}
	if b, err := os.ReadFile(spooled[0]); err != nil || !strings.HasSuffix(string(b), "}\n") {
		t.Errorf("spooled %q, %v", b, err)
	}
}
