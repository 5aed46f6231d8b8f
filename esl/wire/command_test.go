package wire

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"maskline/esl"
)

const leg = "6a1c0f9e-0b63-4c29-9a5e-3f3f5d0c7e11"

// read gives the requests that a switch would see in these bytes.
func read(t *testing.T, text string) []Request {
	t.Helper()
	r := NewReader(strings.NewReader(text))
	var all []Request
	for {
		q, err := r.Request()
		if err != nil {
			return all
		}
		all = append(all, q)
	}
}

func TestCommands(t *testing.T) {
	must := func(c Command, err error) Command {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, tt := range []struct {
		c          Command
		verb, args string
		headers    map[string]string
		arg        string
	}{
		{must(Auth("pass word")), "auth", "pass word", nil, ""},
		{must(API("status", "")), "api", "status", nil, ""},
		{must(API("sched_del", leg)), "api", "sched_del " + leg, nil, ""},
		{must(BackgroundAPI("originate", "loopback/1 &park", "job-1")), "bgapi", "originate loopback/1 &park", map[string]string{"Job-UUID": "job-1"}, ""},
		{must(Subscribe("CHANNEL_PARK", "HEARTBEAT")), "event", "plain CHANNEL_PARK HEARTBEAT", nil, ""},
		{must(Unsubscribe("HEARTBEAT")), "nixevent", "HEARTBEAT", nil, ""},
		{must(Filter("Event-Name", "CHANNEL_PARK")), "filter", "Event-Name CHANNEL_PARK", nil, ""},
		{Exit(), "exit", "", nil, ""},
		{Linger(5 * time.Second), "linger", "5", nil, ""},
		{
			must(Execute(leg, "playback", "/a b/c.wav", "token-1")), "sendmsg", leg,
			map[string]string{"call-command": "execute", "execute-app-name": "playback", "event-uuid": "token-1", "event-lock": ""}, "/a b/c.wav",
		},
		{must(Execute(leg, "answer", "", "token-1")), "sendmsg", leg, map[string]string{"execute-app-name": "answer"}, ""},
		{must(Execute(leg, "bridge", strings.Repeat("x", 5000), "token-1")), "sendmsg", leg, map[string]string{"content-length": "5000"}, strings.Repeat("x", 5000)},
	} {
		var out bytes.Buffer
		if _, err := tt.c.WriteTo(&out); err != nil {
			t.Fatal(err)
		}
		// Twice over: the second one is only read right if the first ended where it should.
		all := read(t, out.String()+out.String())
		if len(all) != 2 {
			t.Errorf("%s: %d requests, want 2", tt.verb, len(all))
			continue
		}
		q := all[1]
		if q.Verb != tt.verb || q.Args != tt.args || q.Arg() != tt.arg {
			t.Errorf("read %q %q %q, want %q %q %q", q.Verb, q.Args, q.Arg(), tt.verb, tt.args, tt.arg)
		}
		for name, want := range tt.headers {
			if got := q.Get(name); got != want {
				t.Errorf("%s: %s = %q, want %q", tt.verb, name, got, want)
			}
		}
	}
}

func TestCommandsRefuseUnsafe(t *testing.T) {
	for _, bad := range []string{"x\n\napi shutdown", "x\r\nJob-UUID: y", "x\x00", "\x7f", "\xff"} {
		for name, try := range map[string]func() (Command, error){
			"auth":          func() (Command, error) { return Auth(bad) },
			"api name":      func() (Command, error) { return API(bad, "") },
			"api argument":  func() (Command, error) { return API("status", bad) },
			"job":           func() (Command, error) { return BackgroundAPI("status", "", bad) },
			"job argument":  func() (Command, error) { return BackgroundAPI("status", bad, leg) },
			"event":         func() (Command, error) { return Subscribe("CHANNEL_PARK", bad) },
			"filter header": func() (Command, error) { return Filter(bad, "x") },
			"filter value":  func() (Command, error) { return Filter("x", bad) },
			"leg":           func() (Command, error) { return Execute(bad, "answer", "", leg) },
			"application":   func() (Command, error) { return Execute(leg, bad, "", leg) },
			"argument":      func() (Command, error) { return Execute(leg, "playback", bad, leg) },
			"token":         func() (Command, error) { return Execute(leg, "playback", "", bad) },
		} {
			if c, err := try(); !errors.Is(err, esl.ErrUnsafe) || c.String() != "" {
				t.Errorf("%s %q: %v", name, bad, err)
			}
		}
	}
	for _, arg := range []string{"${system(reboot)}", "$${password}", "%[a=b]x", "%:[a=b:c=d]x"} {
		if _, err := Execute(leg, "playback", arg, leg); !errors.Is(err, esl.ErrUnsafe) {
			t.Errorf("argument %q: %v", arg, err)
		}
	}
	if _, err := Execute(leg, "playback", "tone_stream://%(100,100,400);loops=2", leg); err != nil {
		t.Errorf("tone: %v", err)
	}
	if _, err := Subscribe(); !errors.Is(err, esl.ErrUnsafe) {
		t.Errorf("no events: %v", err)
	}
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte("auth ClueCon\n\napi status\r\n\r\n"))
	f.Add([]byte("sendmsg u\ncall-command: execute\ncontent-type: text/plain\ncontent-length: 4\n\nbody\n\nexit\n\n"))
	f.Add([]byte("sendmsg\ncontent-length: -4\n\n"))
	f.Add([]byte("\n\n\n \n\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := NewReader(bytes.NewReader(in))
		for range len(in) + 1 {
			q, err := r.Request()
			if err != nil {
				return
			}
			if strings.ContainsAny(q.Verb+q.Args, "\r\n\x00") || strings.Contains(q.Verb, " ") {
				t.Fatalf("verb %q args %q", q.Verb, q.Args)
			}
			q.Arg()
		}
		t.Fatal("more requests than bytes")
	})
}

// FuzzCommand looks for an argument that makes one command into two, or is read back as another.
func FuzzCommand(f *testing.F) {
	f.Add("status", "x\n\napi shutdown", "token")
	f.Add("playback", "a\\nb", "1")
	f.Add("bridge", "{^^~a=b}sofia/gateway/g/1", "é")
	f.Fuzz(func(t *testing.T, name, arg, token string) {
		if c, err := API(name, arg); err == nil {
			if all := read(t, c.String()+c.String()); len(all) != 2 || all[1].Verb != "api" {
				t.Errorf("api %q %q became %d requests", name, arg, len(all))
			}
		}
		if c, err := Execute(leg, name, arg, token); err == nil {
			all := read(t, c.String()+c.String())
			if len(all) != 2 || all[1].Arg() != arg || all[1].Get("execute-app-name") != name || all[1].Get("event-uuid") != token {
				t.Errorf("execute %q %q %q became %d requests", name, arg, token, len(all))
			}
			if n := all[0].Get("content-length"); arg != "" && n != strconv.Itoa(len(arg)) {
				t.Errorf("length %s of %d", n, len(arg))
			}
		}
	})
}
