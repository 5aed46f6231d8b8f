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
	"slices"
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

// voiceEvidence is what a placed call left behind.
type voiceEvidence struct {
	*voiceStage
	w        *wire
	toA, toB []message
	events   []event
	record   cdr
}

func (s *voiceStage) judge(w *wire) {
	w = w.between(s.began, s.ended)
	e := &voiceEvidence{voiceStage: s, w: w}
	if s.a != nil {
		e.toA = w.received(s.a.sip)
	}
	if s.b != nil {
		e.toB = w.received(s.b.sip)
	}
	e.leaks()
	if len(s.faults) > 0 {
		return
	}
	e.rung()
	e.told()
	if e.extra != nil && len(s.faults) == 0 {
		e.extra(e)
	}
}

// leaks looks for the other's number in every message to either party of a click-to-dial.
func (e *voiceEvidence) leaks() {
	for _, side := range []struct {
		secret string
		ms     []message
	}{{e.who.b, e.toA}, {e.who.a, e.toB}} {
		secret := newSecret(side.secret)
		for _, m := range side.ms {
			for _, line := range secret.search(newText(m.text)) {
				e.fault("LEAK in %s (%s): %s", m.method(), statusWord(m), line)
			}
		}
	}
}

// rung checks that each was called once, and saw the number meant for him.
func (e *voiceEvidence) rung() {
	for _, side := range []struct {
		who   string
		ms    []message
		shown string
		rings bool
	}{{"leg 1", e.toA, e.show, e.a != nil && !e.want.unrung}, {"leg 2", e.toB, e.shownToB, strings.Contains(e.want.events, ":b")}} {
		var ids []string
		for _, m := range side.ms {
			if id := m.header("Call-ID"); m.status() == 0 && m.method() == "INVITE" && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		invite, rung := find(side.ms, 0, "INVITE")
		switch {
		case rung != side.rings || len(ids) > 1:
			e.fault("%s was called %d times", side.who, len(ids))
		case rung && !strings.Contains(invite.header("From"), "sip:+86"+side.shown+"@"):
			e.fault("%s does not see the number meant for it", side.who)
		}
	}
}

// told checks events and CDR.
func (e *voiceEvidence) told() {
	events, records, _ := e.h.customer.ofSession(e.session)
	e.events = events
	var names, digits []string
	var last event
	for _, ev := range events {
		s := ev.StatusInfo
		leg := ""
		switch {
		case s.Caller == "+86"+e.show && s.Called == "+86"+e.who.a:
			leg = ":a"
		case s.Caller == "+86"+e.shownToB && s.Called == "+86"+e.who.b:
			leg = ":b"
		default:
			e.fault("%s names other numbers than its leg's", ev.EventType)
		}
		if ev.EventType == "collectInfo" {
			digits = append(digits, s.DigitInfo)
			continue
		}
		names = append(names, ev.EventType+leg)
		last = ev
		if s.UserData != e.userData() {
			e.fault("%s has userData %q", ev.EventType, s.UserData)
		}
	}
	if got := strings.Join(names, " "); got != e.want.events {
		e.fault("events %q, want %q", got, e.want.events)
	}
	if !slices.Equal(digits, e.want.digits) {
		e.fault("digits %q, want %q", digits, e.want.digits)
	}
	if code := last.StatusInfo.StateCode; code == nil || *code != e.want.state {
		e.fault("stateCode %v, want %d", code, e.want.state)
	}
	if last.StatusInfo.PartyType != e.want.party {
		e.fault("partyType %q, want %q", last.StatusInfo.PartyType, e.want.party)
	}
	if len(records) != 1 {
		e.fault("%d CDRs, want 1", len(records))
		return
	}
	e.record = records[0]
	r := e.record
	if r.ULFailReason != e.want.reason || r.CallOutUnaswRsn != e.want.outQ850 || r.FwdUnaswRsn != e.want.q850 || r.SIPStatusCode != e.want.sip {
		e.fault("CDR reason %d out %d fwd %d sip %d, want %d %d %d %d", r.ULFailReason, r.CallOutUnaswRsn, r.FwdUnaswRsn, r.SIPStatusCode, e.want.reason, e.want.outQ850, e.want.q850, e.want.sip)
	}
	service, b := "001", ""
	if e.op == "click2Call" {
		service, b = "002", "+86"+e.who.b
	}
	if r.ServiceType != service || r.BindNum != "+86"+e.show || r.CallerNum != "+86"+e.show || r.CalleeNum != "+86"+e.who.a || r.FwdDstNum != b || r.RecordFlag != e.want.record {
		e.fault("the CDR has other numbers, serviceType or recordFlag than the call")
	}
	if !strings.HasSuffix(e.session, "@"+r.HostName) {
		e.fault("hostName %q is not that of the session id", r.HostName)
	}
	e.times()
}

// times compares the CDR with the packets: to the second, as it prints.
func (e *voiceEvidence) times() {
	check := func(what, stamp string, at time.Time) {
		t, err := time.Parse("2006-01-02 15:04:05", stamp)
		if d := t.Sub(at.UTC().Truncate(time.Second)); err != nil || d.Abs() > time.Second {
			e.fault("%s is %q, the packets say %s", what, stamp, at.UTC().Format(time.TimeOnly))
		}
	}
	answer := func(a *apparatus) (time.Time, bool) {
		if a == nil {
			return time.Time{}, false
		}
		m, ok := find(e.w.sent(a.sip), 200, "INVITE")
		return m.at, ok
	}
	if m, ok := find(e.toA, 0, "INVITE"); ok {
		check("callOutStartTime", e.record.CallOutStartTime, m.at)
	}
	if at, ok := answer(e.a); ok {
		check("callOutAnswerTime", e.record.CallOutAnswerTime, at)
	} else if e.record.CallOutAnswerTime != "" {
		e.fault("leg 1 never answered, the CDR says it did")
	}
	if at, ok := answer(e.b); ok {
		check("fwdAnswerTime", e.record.FwdAnswerTime, at)
	} else if e.record.FwdAnswerTime != "" {
		e.fault("leg 2 never answered, the CDR says it did")
	}
	if e.want.talk > 0 {
		from := e.record.FwdAnswerTime
		if from == "" {
			from = e.record.CallOutAnswerTime
		}
		began, err1 := time.Parse("2006-01-02 15:04:05", from)
		ended, err2 := time.Parse("2006-01-02 15:04:05", e.record.CallEndTime)
		if d := ended.Sub(began) - e.want.talk; err1 != nil || err2 != nil || d.Abs() > 2*time.Second {
			e.fault("lasted %s, want about %s", ended.Sub(began), e.want.talk)
		}
	}
}

// hears checks that a leg was played a prompt.
func (e *voiceEvidence) hears(a *apparatus, prompt string) {
	w, err := readWAV(filepath.Join(e.h.repo, "conf/prompts/zh", prompt))
	if err != nil {
		e.fault("%s", err)
		return
	}
	if !e.w.heard(a.media).plays(w.data) {
		e.fault("%s was not heard as it is", prompt)
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
