package wire

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReaderFrames(t *testing.T) {
	stream := "Content-Type: auth/request\n\n" +
		"Content-Type: command/reply\nReply-Text: +OK accepted\n\n" +
		"Content-Type: command/reply\r\nReply-Text: +OK Job-UUID: j1\r\nJob-UUID: j1\r\n\r\n" +
		"Content-Type: api/response\nContent-Length: 8\n\n+OK\n\n\n\xff\n" +
		"\n\nContent-Length: 23\nContent-Type: text/event-plain\n\nEvent-Name: HEARTBEAT\n\n" +
		"Content-Type: text/disconnect-notice\nContent-Disposition: linger\nContent-Length: 0\n\n" +
		"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n" +
		"Content-Type: log/data\nContent-Length: 3\nLog-Level: 7\n\nlog"
	for name, in := range map[string]io.Reader{
		"at once":        strings.NewReader(stream),
		"byte by byte":   iotest.OneByteReader(strings.NewReader(stream)),
		"data with EOF":  iotest.DataErrReader(strings.NewReader(stream)),
		"half at a time": iotest.HalfReader(strings.NewReader(stream)),
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(in)
			want := []struct{ kind, text string }{
				{AuthRequest, ""}, {CommandReply, "+OK accepted"}, {CommandReply, "+OK Job-UUID: j1"}, {APIResponse, "+OK\n\n\n\uFFFD\n"},
				{EventPlain, "Event-Name: HEARTBEAT\n\n"}, {Disconnect, ""}, {Rejection, "Access Denied, go away.\n"}, {LogData, "log"},
			}
			for i, w := range want {
				f, err := r.Next()
				if err != nil {
					t.Fatalf("frame %d: %v", i, err)
				}
				if f.Type != w.kind || f.Text() != w.text {
					t.Errorf("frame %d: %s %q, want %s %q", i, f.Type, f.Text(), w.kind, w.text)
				}
				if f.Lingers() != (w.kind == Disconnect) {
					t.Errorf("frame %d: lingers %v", i, f.Lingers())
				}
				if i == 2 && f.Get("Job-UUID") != "j1" {
					t.Errorf("job id %q", f.Get("Job-UUID"))
				}
			}
			if _, err := r.Next(); !errors.Is(err, io.EOF) {
				t.Errorf("after the last frame: %v", err)
			}
		})
	}
}

func TestReaderBadFrames(t *testing.T) {
	long := strings.Repeat("x", MaxLine)
	for name, in := range map[string]string{
		"negative length":         "Content-Type: api/response\nContent-Length: -1\n\n",
		"length with a sign":      "Content-Type: api/response\nContent-Length: +1\n\nx",
		"no number":               "Content-Type: api/response\nContent-Length: ten\n\n",
		"empty length":            "Content-Type: api/response\nContent-Length:\n\n",
		"absurd length":           "Content-Type: api/response\nContent-Length: 99999999999999999999\n\n",
		"length above the bound":  "Content-Type: api/response\nContent-Length: 33554433\n\n",
		"contradictory lengths":   "Content-Type: api/response\nContent-Length: 1\nContent-Length: 2\n\nxy",
		"NUL":                     "Content-Type: api/\x00response\n\n",
		"CR inside":               "Content-Type: api\r/response\n\n",
		"no colon":                "Content-Type: api/response\nnonsense\n\n",
		"no name":                 "Content-Type: api/response\n: x\n\n",
		"no type":                 "Content-Length: 0\nReply-Text: x\n\n",
		"not utf-8":               "Content-Type: command/reply\nReply-Text: \xff\n\n",
		"long line":               "Content-Type: " + long + "\n\n",
		"many lines":              "Content-Type: x/y\n" + strings.Repeat("A: "+long[:1000]+"\n", 300) + "\n",
		"endless blank lines":     strings.Repeat("\n", MaxHead+1),
		"ends in headers":         "Content-Type: api/response\n",
		"ends in a line":          "Content-Type: api",
		"ends in a body":          "Content-Type: api/response\nContent-Length: 5\n\nabc",
		"ends before a body":      "Content-Type: api/response\nContent-Length: 5\n\n",
		"ends in a long body":     "Content-Type: api/response\nContent-Length: 33554432\n\n" + long,
		"another protocol":        "HTTP/1.1 400 Bad Request\r\n\r\n",
		"a line with nothing but": " \n\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewReader(strings.NewReader(in)).Next()
			if !errors.Is(err, ErrFrame) {
				t.Errorf("got %v, want ErrFrame", err)
			}
			if strings.HasPrefix(name, "ends ") && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("got %v, want ErrUnexpectedEOF too", err)
			}
		})
	}
}

func TestReaderKeepsStreamErrors(t *testing.T) {
	boom := errors.New("reset")
	for _, before := range []string{"", "Content-Type: x/y\n", "Content-Type: x/y\nContent-Length: 3\n\nab"} {
		_, err := NewReader(io.MultiReader(strings.NewReader(before), iotest.ErrReader(boom))).Next()
		if !errors.Is(err, boom) {
			t.Errorf("after %q: %v, want the stream's error", before, err)
		}
	}
}

func TestFramesOwnTheirBytes(t *testing.T) {
	in := AppendReply(nil, "+OK first")
	in = AppendEvent(in, []Field{{"Event-Name", "ONE"}}, "")
	in = AppendReply(in, "+OK later")
	in = AppendEvent(in, []Field{{"Event-Name", "TWO"}}, "")
	r := NewReader(bytes.NewReader(in))
	var frames []Frame
	for range 4 {
		f, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, f)
	}
	one, err := frames[1].Event()
	if err != nil {
		t.Fatal(err)
	}
	if frames[0].Text() != "+OK first" || one.Name() != "ONE" {
		t.Errorf("read on and the first frames became %q, %q", frames[0].Text(), one.Name())
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("Content-Type: auth/request\n\nContent-Type: command/reply\nReply-Text: +OK\n\n"))
	f.Add([]byte("Content-Length: 23\nContent-Type: text/event-plain\n\nEvent-Name: HEARTBEAT\n\n"))
	f.Add([]byte("Content-Length: -1\nContent-Type: api/response\n\n"))
	f.Add([]byte("Content-Length: 99999999\nContent-Type: api/response\n\nshort"))
	f.Add([]byte("Content-Length: 1\nContent-Length: 2\nContent-Type: api/response\n\nab"))
	f.Add(AppendLinger(AppendDisconnect(AppendRejection(nil)), "u", "sofia/x", 3))
	f.Fuzz(func(t *testing.T, in []byte) {
		whole, slow := NewReader(bytes.NewReader(in)), NewReader(iotest.OneByteReader(bytes.NewReader(in)))
		for range len(in) + 2 {
			a, errA := whole.Next()
			b, errB := slow.Next()
			if (errA == nil) != (errB == nil) || a.Type != b.Type || !bytes.Equal(a.Body, b.Body) {
				t.Fatalf("read at once %v %v, byte by byte %v %v", a.Type, errA, b.Type, errB)
			}
			if errA != nil {
				return
			}
			if len(a.Body) > len(in) {
				t.Fatalf("a body of %d bytes from %d", len(a.Body), len(in))
			}
			if e, err := a.Event(); err == nil {
				for range e.All() {
				}
			}
		}
		t.Fatal("more frames than bytes")
	})
}
