package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// voiceScene is one call that the platform is asked to place, with what must come of it (spec/voicecall.md).
type voiceScene struct {
	name, expect  string
	op            string                             // click2Call, callnotify, callVerify
	body          func(*voiceStage) map[string]any   // beside the numbers
	first, second phone                              // whom it calls; a second one in click2Call alone
	meanwhile     func(context.Context, *voiceStage) // once it was accepted
	want          voiceWant
	extra         func(*voiceEvidence)
}

// voiceWant is what must come of a placed call.
type voiceWant struct {
	events  string // "callout:a answer:b …": a is leg 1, b leg 2
	state   int    // stateCode
	reason  int    // ulFailReason
	outQ850 int    // callOutUnaswRsn
	q850    int    // fwdUnaswRsn
	sip     int
	party   string // partyType
	digits  []string
	talk    time.Duration // from the last answer to the end, where it is not 0
	record  int           // recordFlag
	unrung  bool          // leg 1 may not be dialled
}

const (
	notified = "callout:a alerting:a answer:a disconnect:a"
	joined   = "callout:a alerting:a answer:a callout:b alerting:b answer:b disconnect:b"
)

// voiceStage is a voiceScene that is set.
type voiceStage struct {
	voiceScene
	h              *house
	place          int
	who            party
	show, shownToB string // display numbers, national
	ports          [2]int
	a, b           *apparatus
	session        string
	began, ended   time.Time
	faults         []string
}

func (s *voiceStage) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

// voiceHouse is the house of the calls that the platform places. They run at once; then its daemon is killed under a queue.
func (l *lab) voiceHouse(ctx context.Context, only string) (*house, error) {
	h, err := l.newHouse("voice")
	if err != nil {
		return nil, err
	}
	h.addTrunk("in", 0, ", addresses: [127.0.0.1/32], trust_caller: true")
	// The other houses' switches read files. This one fetches over HTTP, as one of several would, where FreeSWITCH was built with what it takes.
	if _, err := os.Stat(filepath.Join(l.fs.modules, "mod_http_cache.so")); err == nil {
		if h.sw.sounds, err = l.ports.take(); err != nil {
			return nil, err
		}
	}
	for _, sc := range voiceScenes() {
		if !wanted(scene{name: sc.name}, only) {
			continue
		}
		if err := h.castVoice(sc); err != nil {
			return nil, err
		}
	}
	queue, err := h.castQueue(only)
	if err != nil {
		return nil, err
	}
	if len(h.placed) == 0 && queue == nil {
		return h, nil
	}
	if err := h.open(ctx); err != nil {
		return nil, err
	}
	if err := h.openVoice(ctx); err != nil {
		return nil, err
	}
	var calls sync.WaitGroup
	for _, s := range h.placed {
		calls.Go(func() { s.play(ctx) })
		select {
		case <-time.After(300 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	calls.Wait()
	if queue != nil && ctx.Err() == nil {
		queue.play(ctx)
	}
	return h, nil
}

// castVoice gives a scene its numbers and trunks, one for each leg.
func (h *house) castVoice(sc voiceScene) error {
	s := &voiceStage{voiceScene: sc, h: h, place: int(h.scenes.Add(1)), who: h.casting.party()}
	s.show, s.shownToB = "755"+s.who.x[3:], "20"+s.who.x[3:]
	for i := range s.ports {
		port, err := h.ports.take()
		if err != nil {
			return err
		}
		s.ports[i] = port
		h.addTrunk(s.trunk(i), port, ", order: 9")
	}
	h.placed = append(h.placed, s)
	return nil
}

func (s *voiceStage) trunk(leg int) string { return fmt.Sprintf("v-%d-%d", s.place, leg+1) }

// openVoice makes the app of placed calls, and its prompts and template.
func (h *house) openVoice(ctx context.Context) error {
	var err error
	h.voice, err = h.newApp(ctx, "voice", "voice", map[string]any{"voice": map[string]any{"rate": 50, "ports": 200, "ring_for": 30}})
	if err != nil {
		return err
	}
	h.customer.mu.Lock()
	h.customer.voice[h.voice.key] = true
	h.customer.mu.Unlock()
	for _, name := range []string{"not_exist.wav", "no_binding.wav", "busy.wav", "short.wav"} {
		if err := h.approve(ctx, name); err != nil {
			return err
		}
	}
	var made struct {
		ID string `json:"template_id"`
	}
	if err := h.tell(ctx, "/templates", map[string]any{"tenant": "Live " + h.name, "name": "parcel", "content": "您的快递将在${DATE}送达，取件码${NUM_6}。"}, &made); err != nil {
		return err
	}
	h.template = made.ID
	return h.tell(ctx, "/templates/"+made.ID+"/approve", map[string]any{}, nil)
}

// approve uploads one of the shipped prompts under a name of the tenant's own, and approves it. short.wav is the first half second of one.
func (h *house) approve(ctx context.Context, name string) error {
	source := name
	if name == "short.wav" {
		source = "busy.wav"
	}
	b, err := os.ReadFile(filepath.Join(h.repo, "conf/prompts/zh", source)) //nolint:gosec // one that ships
	if err != nil {
		return fmt.Errorf("read a prompt: %w", err)
	}
	if name == "short.wav" {
		w, err := readWAV(filepath.Join(h.repo, "conf/prompts/zh", source))
		if err != nil {
			return err
		}
		b = alawFile(w.data[:sampleRate/2])
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("http://127.0.0.1:%d/admin/v1/prompts?tenant=Live+%s&name=my_%s", h.admin, h.name, name), bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	req.Header.Set("Content-Type", "audio/wav")
	status, answer, err := do(req)
	var made struct {
		ID int64 `json:"id"`
	}
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("upload prompt: %d %s", status, tail(answer, 200))
	}
	if err == nil {
		err = json.Unmarshal(answer, &made)
	}
	if err != nil {
		return err
	}
	return h.tell(ctx, fmt.Sprintf("/prompts/%d/approve", made.ID), map[string]any{}, nil)
}

// alawFile is a WAV file of these A-law samples.
func alawFile(samples []byte) []byte {
	var b bytes.Buffer
	le := func(n, size int) {
		for range size {
			b.WriteByte(byte(n))
			n >>= 8
		}
	}
	b.WriteString("RIFF")
	le(36+len(samples), 4)
	b.WriteString("WAVEfmt ")
	for _, f := range [][2]int{{16, 4}, {6, 2}, {1, 2}, {sampleRate, 4}, {sampleRate, 4}, {1, 2}, {8, 2}} {
		le(f[0], f[1])
	}
	b.WriteString("data")
	le(len(samples), 4)
	b.Write(samples)
	return b.Bytes()
}

// own makes a scene's display numbers the app's, each on the trunk of its leg.
func (s *voiceStage) own(ctx context.Context) error {
	for leg, number := range []string{s.show, s.shownToB} {
		if err := s.h.tell(ctx, "/numbers", map[string]any{"app": s.h.voice.key, "area": []string{"0755", "020"}[leg], "trunk": s.trunk(leg), "numbers": []string{"+86" + number}}, nil); err != nil {
			return err
		}
	}
	return nil
}

// ask asks for the call as a customer does.
func (s *voiceStage) ask(ctx context.Context) error {
	body := map[string]any{"displayNbr": "+86" + s.show, "calleeNbr": "+86" + s.who.a, "userData": s.userData()}
	if s.op == "click2Call" {
		body["callerNbr"], body["displayCalleeNbr"], body["calleeNbr"] = "+86"+s.who.a, "+86"+s.shownToB, "+86"+s.who.b
		body["partyTypeRequiredInDisconnect"] = "true"
	}
	if s.body != nil {
		maps.Copy(body, s.body(s))
	}
	version := "v2.0"
	if s.op == "callVerify" {
		version = "v1.0"
	}
	r, err := s.h.order(ctx, s.h.voice, http.MethodPost, "/rest/httpsessions/"+s.op+"/"+version, body)
	s.session = r.SessionID
	if err == nil && s.session == "" {
		err = errors.New("no sessionId")
	}
	return err
}

func (s *voiceStage) userData() string { return "voice-" + strconv.Itoa(s.place) }

// play carries a scene through.
func (s *voiceStage) play(ctx context.Context) {
	s.began = time.Now()
	defer func() {
		for _, p := range []*apparatus{s.a, s.b} {
			if p != nil {
				p.hangUp()
			}
		}
		s.ended = time.Now()
	}()
	err := s.own(ctx)
	if err == nil && s.first.scenario != "" {
		s.a, err = s.h.plugAt(ctx, s.ports[0], s.first, s.who.a)
	}
	if err == nil && s.second.scenario != "" {
		s.b, err = s.h.plugAt(ctx, s.ports[1], s.second, s.who.b)
	}
	if err == nil {
		err = s.ask(ctx)
	}
	if err != nil {
		s.fault("%s", err)
		return
	}
	if s.meanwhile != nil {
		s.meanwhile(ctx, s)
	}
	s.awaitRecord(ctx)
}

func (s *voiceStage) awaitRecord(ctx context.Context) {
	deadline := time.NewTimer(200 * time.Second)
	defer deadline.Stop()
	for {
		events, records, news := s.h.customer.ofSession(s.session)
		if len(records) > 0 && len(events) >= len(strings.Fields(s.want.events)) {
			return
		}
		select {
		case <-news:
		case <-ctx.Done():
			s.fault("not over when the time was up")
			return
		case <-deadline.C:
			s.fault("told of %d events and %d CDRs only", len(events), len(records))
			return
		}
	}
}

// stop is callStop.
func (s *voiceStage) stop(ctx context.Context) {
	if _, err := s.h.order(ctx, s.h.voice, http.MethodPost, "/rest/httpsessions/callStop/v2.0", map[string]any{"sessionid": s.session, "signal": "call_stop"}); err != nil {
		s.fault("callStop: %s", err)
	}
}

// after does something so long after the call was accepted.
func after(d time.Duration, do func(context.Context, *voiceStage)) func(context.Context, *voiceStage) {
	return func(ctx context.Context, s *voiceStage) {
		select {
		case <-time.After(d):
			do(ctx, s)
		case <-ctx.Done():
		}
	}
}
