package sim

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maskline/esl/wire"
)

// client is a small Event Socket client: it keeps the events in the order in which they came.
type client struct {
	t      *testing.T
	nc     net.Conn
	frames chan wire.Frame
	events []*wire.Event
}

func dialSwitch(t *testing.T, s *Switch) *client {
	t.Helper()
	nc, err := s.Dial()
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, nc: nc, frames: make(chan wire.Frame, 1000)}
	go func() {
		defer close(c.frames)
		r := wire.NewReader(nc)
		for {
			f, err := r.Next()
			if err != nil {
				return
			}
			c.frames <- f
		}
	}()
	t.Cleanup(func() { _ = nc.Close() })
	if f := <-c.frames; f.Type != wire.AuthRequest {
		t.Fatalf("first frame is %q", f.Type)
	}
	if r := c.do("auth ClueCon"); r != "+OK accepted" {
		t.Fatalf("auth: %q", r)
	}
	c.do("event plain ALL")
	return c
}

// do sends a command and gives its answer.
func (c *client) do(format string, args ...any) string {
	c.t.Helper()
	if _, err := fmt.Fprintf(c.nc, format+"\n\n", args...); err != nil {
		c.t.Fatal(err)
	}
	for f := range c.frames {
		if f.Type == wire.EventPlain {
			c.keep(f)
			continue
		}
		return f.Text()
	}
	c.t.Fatal("connection closed")
	return ""
}

func (c *client) keep(f wire.Frame) {
	e, err := f.Event()
	if err != nil {
		c.t.Fatal(err)
	}
	c.events = append(c.events, e)
}

// wait waits for an event whose header says so.
func (c *client) wait(name, header, value string) *wire.Event {
	c.t.Helper()
	for _, e := range c.events {
		if e.Name() == name && e.Get(header) == value {
			return e
		}
	}
	for f := range c.frames {
		if f.Type != wire.EventPlain {
			continue
		}
		c.keep(f)
		if e := c.events[len(c.events)-1]; e.Name() == name && e.Get(header) == value {
			return e
		}
	}
	c.t.Fatalf("no %s with %s=%s", name, header, value)
	return nil
}

func (c *client) execute(leg, app, arg, token string) {
	c.t.Helper()
	if r := c.do("sendmsg %s\ncall-command: execute\nexecute-app-name: %s\nEvent-UUID: %s\nexecute-app-arg: %s", leg, app, token, arg); r != "+OK" {
		c.t.Errorf("execute %s: %q", app, r)
	}
}

func (c *client) order(leg string) []string {
	var all []string
	for _, e := range c.events {
		if e.Get("Unique-ID") == leg {
			all = append(all, strings.TrimPrefix(e.Name(), "CHANNEL_"))
		}
	}
	return all
}

func TestPlainCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Switch
		defer s.Close()
		s.SetPhone(Phone{Number: "+8613900000002", Rings: 15 * time.Second, HangsUpAfter: 60 * time.Second})
		c := dialSwitch(t, &s)
		a, err := s.Call(Caller{From: "+8613800000001", To: "+8617000000001", Display: "Alice"})
		if err != nil {
			t.Fatal(err)
		}
		c.wait("CHANNEL_PARK", "Unique-ID", a.Leg)
		if r := c.do("api sched_del %s", a.Leg); r != "+OK Deleted: 1\n" {
			t.Fatalf("claim: %q", r)
		}
		c.do("api uuid_setvar_multi %s continue_on_fail=true;maskline_owner=me", a.Leg)
		c.execute(a.Leg, "bridge", "{maskline_call="+a.Leg+",maskline_role=b}[origination_uuid=b1,leg_timeout=90,origination_caller_id_number=+8617000000001]sofia/gateway/t1/+8613900000002", "tok")
		end := c.wait("CHANNEL_HANGUP_COMPLETE", "Unique-ID", a.Leg)

		if got := end.Get("Hangup-Cause") + " " + end.Get("variable_sip_hangup_disposition"); got != "NORMAL_CLEARING send_bye" {
			t.Errorf("A ended by %s", got)
		}
		b := c.wait("CHANNEL_HANGUP_COMPLETE", "Unique-ID", "b1")
		if got := b.Get("variable_sip_hangup_disposition"); got != "recv_bye" {
			t.Errorf("B ended by %s", got)
		}
		if got := b.Get("variable_billsec"); got != "60" {
			t.Errorf("B talked %s s", got)
		}
		if got, want := a.Ladder(), []string{"180 Ringing", "200 OK", "BYE NORMAL_CLEARING"}; !slices.Equal(got, want) {
			t.Errorf("A heard %q, want %q", got, want)
		}
		want := []string{
			"CREATE", "EXECUTE", "EXECUTE_COMPLETE", "EXECUTE", "EXECUTE_COMPLETE", "EXECUTE", "PARK", "EXECUTE", "PROGRESS", "ANSWER",
			"BRIDGE", "UNBRIDGE", "HANGUP", "EXECUTE_COMPLETE", "UNPARK", "EXECUTE_COMPLETE", "HANGUP_COMPLETE",
		}
		if got := c.order(a.Leg); !slices.Equal(got, want) {
			t.Errorf("A's events\n%q, want\n%q", got, want)
		}
	})
}
