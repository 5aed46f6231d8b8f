package freeswitch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"maskline/esl"
	"maskline/esl/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// script is a switch's end of the wire: it answers api commands from a table and says what a test tells it to say. It lives in one
// synctest bubble and speaks over net.Pipe.
type script struct {
	mu       sync.Mutex
	api      map[string]func(arg string) string
	silent   map[string]bool // commands that get no reply
	raw      map[string]string
	asked    []string
	jobs     []string // Job-UUIDs of bgapi
	refuse   bool
	events   net.Conn   // the connection that subscribed
	open     []net.Conn // every connection, in the order of dialling
	logins   int
	password string
}

func newScript() *script {
	say := func(text string) func(string) string { return func(string) string { return text } }
	return &script{
		password: "secret", silent: map[string]bool{}, raw: map[string]string{},
		api: map[string]func(string) string{
			"global_getvar": func(arg string) string { return map[string]string{"core_uuid": "core-1", "hostname": "fs1"}[arg] },
			"version":       say("FreeSWITCH Version 1.11.1-release~64bit (64bit)\n"),
			"show":          say(`{"row_count": 0}` + "\n"),
			"uuid_exists":   say("false"),
			"uuid_dump":     say("-ERR No such channel!\n"),
			"sched_del":     say("+OK Deleted: 1\n"),
			"echo":          func(arg string) string { return arg },
		},
	}
}

func (s *script) dial(context.Context) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse {
		return nil, errors.New("connection refused")
	}
	here, there := net.Pipe()
	s.open = append(s.open, there)
	go s.serve(there)
	return here, nil
}

func (s *script) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	_, _ = c.Write(wire.AppendAuthRequest(nil))
	in := wire.NewReader(c)
	for {
		q, err := in.Request()
		if err != nil {
			return
		}
		if out := s.answer(c, q); out != nil {
			if _, err := c.Write(out); err != nil {
				return
			}
		}
	}
}

// answer is what the switch says to one command; nil says nothing.
func (s *script) answer(c net.Conn, q wire.Request) []byte {
	name, arg, _ := strings.Cut(q.Args, " ")
	switch q.Verb {
	case "auth":
		s.mu.Lock()
		s.logins++
		right := q.Args == s.password
		s.mu.Unlock()
		if !right {
			return wire.AppendReply(nil, "-ERR invalid")
		}
		return wire.AppendReply(nil, "+OK accepted")
	case "event":
		s.set(func() { s.events = c })
		return wire.AppendReply(nil, "+OK event listener enabled plain")
	case "sendmsg":
		name, arg = "sendmsg", q.Args+" "+q.Get("execute-app-name")+" "+q.Arg()
	}
	s.mu.Lock()
	s.asked = append(s.asked, strings.TrimSpace(name+" "+arg))
	if job := q.Get("job-uuid"); job != "" {
		s.jobs = append(s.jobs, job)
	}
	silent, raw, f := s.silent[name], s.raw[name], s.api[name]
	s.mu.Unlock()
	switch {
	case silent:
		return nil
	case raw != "":
		return []byte(raw)
	case f != nil:
		return wire.AppendAPI(nil, f(arg)) // may wait, so not under the lock
	case name == "sendmsg", q.Verb == "bgapi":
		return wire.AppendReply(nil, "+OK")
	}
	return wire.AppendAPI(nil, "+OK\n")
}

// set changes the script while it runs.
func (s *script) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// send writes to the event connection.
func (s *script) send(frames ...[]byte) {
	s.mu.Lock()
	c := s.events
	s.mu.Unlock()
	_, _ = c.Write(slices.Concat(frames...))
}

// cut closes every connection.
func (s *script) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.open {
		_ = c.Close()
	}
	s.open = nil
}

func (s *script) count(command string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.asked {
		if a == command || strings.HasPrefix(a, command+" ") {
			n++
		}
	}
	return n
}

// legs makes the script show these legs and answer for them.
func (s *script) legs(legs ...[]wire.Field) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := make([]string, 0, len(legs))
	dumps := map[string]string{}
	for _, l := range legs {
		m := map[string]string{}
		for _, f := range l {
			m[f.Name] = f.Value
		}
		rows = append(rows, fmt.Sprintf(`{"uuid":%q,"presence_data":%q}`, m["Unique-ID"], "maskline:"+m["variable_maskline_call"]))
		dumps[m["Unique-ID"]] = string(wire.AppendPlain(nil, l, ""))
	}
	s.api["show"] = func(string) string {
		return fmt.Sprintf(`{"row_count":%d,"rows":[%s]}`, len(rows), strings.Join(rows, ","))
	}
	s.api["uuid_dump"] = func(arg string) string {
		if d, ok := dumps[arg]; ok {
			return d
		}
		return "-ERR No such channel!\n"
	}
}

// event is the event of a leg of ours.
func event(name, leg, call, role string, more ...wire.Field) []wire.Field {
	fields := []wire.Field{
		{Name: "Event-Name", Value: name},
		{Name: "Core-UUID", Value: "core-1"},
		{Name: "Event-Date-Timestamp", Value: "1795162585000000"},
		{Name: "Unique-ID", Value: leg},
		{Name: "variable_maskline_call", Value: call},
		{Name: "variable_maskline_role", Value: role},
	}
	return append(fields, more...)
}

func frame(fields []wire.Field) []byte { return wire.AppendEvent(nil, fields, "") }

func park(id string) []byte { return frame(event("CHANNEL_PARK", id, id, "a")) }

// ear is a handler that writes down what it was told.
type ear struct {
	mu    sync.Mutex
	told  []string
	calls map[string]esl.Call
}

func (e *ear) note(c esl.Call, format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.told = append(e.told, fmt.Sprintf(format, args...))
	if c != nil {
		e.calls[c.ID()] = c
	}
}

func (e *ear) Arrived(c esl.Call, p esl.Event) { e.note(c, "arrived %s %s", c.ID(), p.Kind) }
func (e *ear) Found(c esl.Call, legs []esl.Event) {
	var ids []string
	for _, l := range legs {
		ids = append(ids, l.Leg+"="+l.Kind.String())
	}
	e.note(c, "found %s %s", c.ID(), strings.Join(ids, ","))
}
func (e *ear) Synced(calls []string) { e.note(nil, "synced %s", strings.Join(calls, ",")) }
func (e *ear) Stranger(v esl.Event)  { e.note(nil, "stranger %s", v.Leg) }
func (e *ear) Stray(v esl.Event)     { e.note(nil, "stray %s of %s", v.Leg, v.Call) }
func (e *ear) Restarted(core string) { e.note(nil, "restarted %s", core) }
func (e *ear) call(id string) esl.Call {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.calls[id]
}

// took gives what the handler was told since the last took.
func (e *ear) took() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	told := e.told
	e.told = nil
	return told
}

// bench is a script, an adapter that runs on it, and an ear, in a bubble.
type bench struct {
	*testing.T
	*script
	*ear
	sw *Switch
}

// run starts the adapter, waits until it is settled, and runs the test.
func run(t *testing.T, o Options, prepare func(*script), test func(*bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, script: newScript(), ear: &ear{calls: map[string]esl.Call{}}}
		if prepare != nil {
			prepare(b.script)
		}
		o.Name, o.Password, o.Dial = "fs", "secret", b.dial
		b.sw = New(o)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.sw.Run(ctx, b.ear) }()
		b.settle()
		test(b)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("run ended with %v", err)
		}
		b.cut()
		if b.sw.Status().Up {
			t.Error("up after the end")
		}
	})
}

// settle lets a resync with both its looks pass.
func (b *bench) settle() {
	synctest.Wait()
	time.Sleep(2 * secondLook)
	synctest.Wait()
}

// told checks what the handler was told since the last check.
func (b *bench) told(want ...string) {
	b.Helper()
	synctest.Wait()
	if got := b.took(); !slices.Equal(got, want) {
		b.Errorf("handler was told %q, want %q", got, want)
	}
}

// next takes the call's next events and checks them, written kind:leg.
func (b *bench) next(id string, want ...string) {
	b.Helper()
	c := b.call(id)
	if c == nil {
		b.Fatalf("no call %s", id)
	}
	for i, w := range want {
		ctx, cancel := context.WithTimeout(b.Context(), time.Second)
		e, err := c.Next(ctx)
		cancel()
		if got := e.Kind.String() + ":" + e.Leg; err != nil || got != w {
			b.Fatalf("event %d of %s is %s, %v; want %s", i, id, got, err, w)
		}
	}
}

// quiet checks that a call has no event waiting.
func (b *bench) quiet(id string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), time.Millisecond)
	defer cancel()
	if e, err := b.call(id).Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		b.Errorf("call %s has %s:%s, %v", id, e.Kind, e.Leg, err)
	}
}

// loggedIn is how many connections have given their password.
func (s *script) loggedIn() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
}
