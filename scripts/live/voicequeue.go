package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// queueRun posts many notifications at once, lets them go out at the app's pace to one SIPp that counts them, and kills the daemon in the
// middle. MASKLINE_LIVE_QUEUE says how many.
type queueRun struct {
	h       *house
	n       int
	rate    int
	port    int
	app     app
	show    string
	who     []string // whom they are for, national
	phones  *child
	began   time.Time
	ended   time.Time
	posted  time.Duration
	faults  []string
	refused []string
}

func (q *queueRun) fault(format string, args ...any) {
	q.faults = append(q.faults, fmt.Sprintf(format, args...))
}

// castQueue prepares it; nil when it is not wanted.
func (h *house) castQueue(only string) (*queueRun, error) {
	if !wanted(scene{name: "queue"}, only) {
		return nil, nil
	}
	q := &queueRun{h: h, n: 400, rate: 20}
	if n, err := strconv.Atoi(os.Getenv("MASKLINE_LIVE_QUEUE")); err == nil && n > 0 {
		q.n, q.rate = n, 80
	}
	var err error
	if q.port, err = h.ports.take(); err != nil {
		return nil, err
	}
	h.addTrunk("queue", q.port, ", order: 9")
	p := h.casting.party()
	q.show = "755" + p.x[3:]
	base, _ := strconv.Atoi(p.a[3:])
	for i := range q.n {
		q.who = append(q.who, fmt.Sprintf("138%08d", (base+i)%100_000_000))
	}
	h.queue = q
	return q, nil
}

// play posts, kills, and waits for the rest.
func (q *queueRun) play(ctx context.Context) {
	q.began = time.Now()
	defer func() { q.ended = time.Now() }()
	if err := q.open(ctx); err != nil {
		q.fault("%s", err)
		return
	}
	defer q.phones.stop(syscall.SIGKILL, 2*time.Second)
	start := time.Now()
	q.post(ctx)
	q.posted = time.Since(start)
	half := time.Duration(q.n/q.rate/3) * time.Second
	select {
	case <-time.After(half):
	case <-ctx.Done():
		return
	}
	q.h.proc.kill()
	select {
	case <-time.After(3 * time.Second):
	case <-ctx.Done():
		return
	}
	if err := q.h.serve(ctx); err != nil {
		q.fault("%s", err)
		return
	}
	q.await(ctx)
}

func (q *queueRun) open(ctx context.Context) error {
	h := q.h
	var err error
	if q.app, err = h.newApp(ctx, "queue", "voice", map[string]any{"voice": map[string]any{"rate": q.rate, "ports": 1000, "ring_for": 30}}); err != nil {
		return err
	}
	h.customer.mu.Lock()
	h.customer.voice[q.app.key] = true
	h.customer.mu.Unlock()
	if err := h.tell(ctx, "/numbers", map[string]any{"app": q.app.key, "area": "0755", "trunk": "queue", "numbers": []string{"+86" + q.show}}, nil); err != nil {
		return err
	}
	media, err := h.ports.take()
	if err != nil {
		return err
	}
	q.phones, err = h.start("sipp queue", h.in("queue.out"), h.scripts, nil, "sipp", "-sf", "callee-answer.xml", "-i", "127.0.0.1", "-p", strconv.Itoa(q.port), "-mi", "127.0.0.1", "-mp", strconv.Itoa(media),
		"-nostdin", "-timeout", "600", "-key", "callee", "8613000000000", "-key", "ring", "100")
	return err
}

// post asks for all the calls, as a customer with eight connections does.
func (q *queueRun) post(ctx context.Context) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for i := w; i < len(q.who); i += 8 {
				_, err := q.h.order(ctx, q.app, http.MethodPost, "/rest/httpsessions/callnotify/v2.0", map[string]any{"displayNbr": "+86" + q.show, "calleeNbr": "+86" + q.who[i],
					"playInfoList": []map[string]any{{"notifyVoice": myShort}}})
				if err != nil {
					mu.Lock()
					q.refused = append(q.refused, err.Error())
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
}

// await waits until the customer has the CDR of each, or nothing more comes.
func (q *queueRun) await(ctx context.Context) {
	quiet := time.Now()
	seen := 0
	for time.Since(quiet) < 60*time.Second {
		n := len(q.records())
		if n >= q.n {
			return
		}
		if n != seen {
			seen, quiet = n, time.Now()
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return
		}
	}
	q.fault("told of %d CDRs, then of no more", seen)
}

// records are the CDRs by called number.
func (q *queueRun) records() map[string][]cdr {
	q.h.customer.mu.Lock()
	defer q.h.customer.mu.Unlock()
	found := map[string][]cdr{}
	for _, c := range q.h.customer.cdrs {
		// A push that the customer took in the moment in which the daemon died is sent again: the same record, which he knows by its icid.
		if c.AppKey == q.app.key && !slices.Contains(found[c.CalleeNum], c) {
			found[c.CalleeNum] = append(found[c.CalleeNum], c)
		}
	}
	return found
}

// judge counts the INVITEs: each callee one, and in no second more than the rate.
func (q *queueRun) judge(w *wire) result {
	r := result{name: fmt.Sprintf("queue: %d notifications, kill -9", q.n),
		want: fmt.Sprintf("each is dialled once and told once; at most %d a second", q.rate)}
	if len(q.refused) > 0 {
		q.fault("%d were refused: %s", len(q.refused), q.refused[0])
	}
	invites := map[string][]time.Time{}
	ids := map[string]bool{}
	for addr, ms := range w.between(q.began, q.ended).to {
		if int(addr.Port()) != q.port {
			continue
		}
		for _, m := range messages(ms) {
			if id := m.header("Call-ID"); m.status() == 0 && m.method() == "INVITE" && !ids[id] {
				ids[id] = true
				_, user, _ := strings.Cut(m.first(), "sip:")
				user, _, _ = strings.Cut(user, "@")
				invites[user] = append(invites[user], m.at)
			}
		}
	}
	records := q.records()
	lost, twice, told, failed := 0, 0, 0, 0
	var at []time.Time
	for _, n := range q.who {
		calls := invites["+86"+n]
		at = append(at, calls...)
		switch {
		case len(calls) == 0:
			lost++
		case len(calls) > 1:
			twice++
		}
		if got := records["+86"+n]; len(got) != 1 {
			told++
		} else if got[0].ULFailReason != 0 {
			failed++
		}
	}
	if lost+twice+told > 0 {
		q.fault("%d never dialled, %d dialled twice, %d without exactly one CDR", lost, twice, told)
	}
	if failed*50 > q.n { // what the kill left in mid-air may have ended otherwise
		q.fault("%d ended with a failure", failed)
	}
	if most := busiest(at); most > q.rate+1 { // a window of packets is not the daemon's own second
		q.fault("%d INVITEs in one second", most)
	}
	r.faults = q.faults
	r.want += fmt.Sprintf(" (posted in %.1f s)", q.posted.Seconds())
	return r
}

// busiest is the most times that lie within one second.
func busiest(at []time.Time) int {
	slices.SortFunc(at, time.Time.Compare)
	most, first := 0, 0
	for i := range at {
		for at[i].Sub(at[first]) >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}
