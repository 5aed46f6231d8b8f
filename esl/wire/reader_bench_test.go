package wire

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/percipia/eslgo"
	"github.com/percipia/eslgo/command"
)

const (
	burst       = 2500 // events a round, numbered from 0
	burstBytes  = 7400 // of one event, about what CHANNEL_EXECUTE_COMPLETE of a SIP leg has
	burstFields = 115
)

// BenchmarkReader lets eslgo and this package read the same events from the same server over loopback, in rounds by turns, each as a client
// uses it: four headers of every event. It reports events a second, how many came out of order, and the ratio, which is to be read
// rather than the numbers: medians of the rounds of one run.
func BenchmarkReader(b *testing.B) {
	addr := serveBursts(b)
	ours, theirs := dialOurs(b, addr), dialEslgo(b, addr)
	var mine, their []float64
	disorder := 0
	for b.Loop() {
		mine = append(mine, burst/ours().Seconds())
		took, late := theirs()
		their, disorder = append(their, burst/took.Seconds()), disorder+late
	}
	slices.Sort(mine)
	slices.Sort(their)
	m, t := mine[len(mine)/2], their[len(their)/2]
	b.ReportMetric(m, "events/s")
	b.ReportMetric(t, "eslgo-events/s")
	b.ReportMetric(m/t, "x-eslgo")
	b.ReportMetric(0, "disorder-%") // dialOurs fails the benchmark at the first event out of order
	b.ReportMetric(float64(disorder)/float64(burst*len(their))*100, "eslgo-disorder-%")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkReaderAlone is for allocations: one event a turn.
func BenchmarkReaderAlone(b *testing.B) {
	block := burstEvents()
	r := NewReader(&endless{block: block})
	b.ReportAllocs()
	b.SetBytes(int64(len(block) / burst))
	for b.Loop() {
		if _, err := readFour(r); err != nil {
			b.Fatal(err)
		}
	}
}

// endless gives the same bytes for ever.
type endless struct {
	block []byte
	at    int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.block[e.at:])
	e.at = (e.at + n) % len(e.block)
	return n, nil
}

// readFour reads an event and four of its headers, and gives its number.
func readFour(r *Reader) (int, error) {
	f, err := r.Next()
	if err != nil {
		return 0, err
	}
	e, err := f.Event()
	if err != nil {
		return 0, err
	}
	if e.Name() == "" || e.Get("Unique-ID") == "" || e.Get("variable_maskline_call") == "" {
		return 0, fmt.Errorf("headers are missing in %q", f.Body[:100])
	}
	return strconv.Atoi(e.Get("Event-Sequence"))
}

func dialOurs(b *testing.B, addr string) func() time.Duration {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	r := NewReader(conn)
	auth, _ := Auth("x")
	ask, _ := API("burst", "")
	next := func(want string) {
		if f, err := r.Next(); err != nil || f.Type != want {
			b.Fatalf("%s, %v; want %s", f.Type, err, want)
		}
	}
	next(AuthRequest)
	_, _ = auth.WriteTo(conn)
	next(CommandReply)
	return func() time.Duration {
		started := time.Now()
		_, _ = ask.WriteTo(conn)
		next(APIResponse)
		for i := range burst {
			if n, err := readFour(r); err != nil || n != i {
				b.Fatalf("event %d has number %d, %v", i, n, err)
			}
		}
		return time.Since(started)
	}
}

func dialEslgo(b *testing.B, addr string) func() (time.Duration, int) {
	conn, err := eslgo.InboundOptions{
		Options: eslgo.Options{Context: b.Context(), Logger: eslgo.NilLogger{}, ExitTimeout: time.Second},
		Network: "tcp", Password: "x", AuthTimeout: 5 * time.Second,
	}.Dial(addr)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(conn.Close)
	var got, last, late atomic.Int64
	all := make(chan struct{})
	conn.RegisterEventListener(eslgo.EventListenAll, func(e *eslgo.Event) {
		if e.GetName() == "" || e.GetHeader("Unique-ID") == "" || e.GetHeader("variable_maskline_call") == "" {
			return
		}
		n, _ := strconv.ParseInt(e.GetHeader("Event-Sequence"), 10, 64)
		for {
			before := last.Load()
			if n < before { // a later one has been seen already
				late.Add(1)
				break
			}
			if last.CompareAndSwap(before, n) {
				break
			}
		}
		if got.Add(1)%burst == 0 {
			all <- struct{}{}
		}
	})
	return func() (time.Duration, int) {
		late.Store(0)
		last.Store(-1)
		started := time.Now()
		ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
		defer cancel()
		if _, err := conn.SendCommand(ctx, command.API{Command: "burst"}); err != nil {
			b.Fatal(err)
		}
		select {
		case <-all:
		case <-ctx.Done():
			b.Fatalf("eslgo gave %d events", got.Load())
		}
		return time.Since(started), int(late.Load())
	}
}

// serveBursts answers every api command and sends a burst of events after it.
func serveBursts(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	block := burstEvents()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go sendBursts(conn, block)
		}
	}()
	return l.Addr().String()
}

func sendBursts(conn net.Conn, block []byte) {
	defer func() { _ = conn.Close() }()
	_, _ = conn.Write(AppendAuthRequest(nil))
	r := NewReader(conn)
	for {
		q, err := r.Request()
		if err != nil {
			return
		}
		if q.Verb != "api" {
			_, _ = conn.Write(AppendReply(nil, "+OK"))
			continue
		}
		_, _ = conn.Write(AppendAPI(nil, "+OK"))
		_, _ = conn.Write(block)
	}
}

// burstEvents are a burst of events of the size and shape of a SIP leg's, numbered.
func burstEvents() []byte {
	var block []byte
	for n := range burst {
		fields := []Field{
			{"Event-Name", "CHANNEL_EXECUTE_COMPLETE"},
			{"Core-UUID", leg},
			{"Event-Sequence", strconv.Itoa(n)},
			{"Unique-ID", leg},
		}
		for i := len(fields); i < burstFields-1; i++ {
			fields = append(fields, Field{"variable_sip_header_number_" + strconv.Itoa(i), strings.Repeat("sip:+x ", 2)})
		}
		fields = append(fields, Field{"variable_maskline_call", leg})
		short := burstBytes - len(AppendPlain(nil, fields, ""))
		fields[burstFields-2].Value += strings.Repeat("v", max(short, 0))
		block = AppendEvent(block, fields, "")
	}
	return block
}
