package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// prompts of the tenant's own; the file of the same name without my_ is what must be heard.
const (
	myLong, longPrompt   = "my_not_exist.wav", "not_exist.wav"
	myOther, otherPrompt = "my_no_binding.wav", "no_binding.wav"
	myShort              = "my_short.wav"
)

func item(name string, more ...any) map[string]any {
	m := map[string]any{"notifyVoice": name}
	for i := 0; i+1 < len(more); i += 2 {
		m[more[i].(string)] = more[i+1] //nolint:forcetypeassert // written here
	}
	return m
}

func items(list ...map[string]any) func(*voiceStage) map[string]any {
	return func(*voiceStage) map[string]any { return map[string]any{"playInfoList": list} }
}

// voiceScenes are the calls of the house of placed calls.
func voiceScenes() []voiceScene {
	answers := phone{scenario: "callee-answer", ring: sec(1)}
	presses := func(wait float64, keys string) phone {
		return phone{scenario: "callee-keys", ring: sec(0.5), keys: []string{"wait", ms(wait)}, press: keys}
	}
	a, b := phone{scenario: "callee-tone-a", ring: sec(1)}, phone{scenario: "callee-talks", ring: sec(2), talk: sec(6)}
	notify := func(name, expect string, body func(*voiceStage) map[string]any, first phone, w voiceWant, extra func(*voiceEvidence)) voiceScene {
		return voiceScene{name: "notify: " + name, expect: expect, op: "callnotify", body: body, first: first, want: w, extra: extra}
	}
	failing := func(name, scenario string, ring float64, w voiceWant) voiceScene {
		return notify(name, fmt.Sprintf("CDR %d, cause %d", w.reason, w.outQ850), items(item(myLong)), phone{scenario: scenario, ring: sec(ring)}, w, nil)
	}
	ok := voiceWant{events: notified}
	list := []voiceScene{
		notify("one prompt", "heard byte for byte; four events, CDR times as in the packets", items(item(myLong)), answers, ok,
			func(e *voiceEvidence) { e.hears(e.a, longPrompt) }),
		notify("two prompts", "both heard, in order", items(item(myOther), item(myLong)), answers, ok,
			func(e *voiceEvidence) { e.hears(e.a, otherPrompt); e.hears(e.a, longPrompt) }),
		notify("template", "the rendered speech is heard; ttsPlayTimes 1", func(s *voiceStage) map[string]any {
			return map[string]any{"playInfoList": []map[string]any{{"templateId": s.h.template, "templateParas": `["2026/11/20","123456"]`}}}
		}, answers, ok, speaks),
		notify("keys", "collectInfo 5, then the end", items(item(myShort, "collectInd", 1)), presses(2, "5"),
			voiceWant{events: notified, digits: []string{"5"}}, nil),
		notify("keys, replay", "1 plays it again, 2 ends it", items(item(myShort, "collectInd", 1, "replayAfterCollection", "true", "collectContentTriggerReplaying", 1)),
			presses(2, "1,,,2"), voiceWant{events: notified, digits: []string{"1", "2"}}, nil),
		notify("four keys, then another prompt", "collectInfo 1234; the next item is heard", items(item(myShort, "collectInd", 4), item(myLong)), presses(2, "1234"),
			voiceWant{events: notified, digits: []string{"1234"}}, func(e *voiceEvidence) { e.hears(e.a, longPrompt) }),
		notify("no keys", "8008 after 5 s; CDR 100", items(item(myShort, "collectInd", 1)), answers, voiceWant{events: notified, state: 8008, reason: 100}, nil),
		notify("hung up by the callee", "0", items(item(myLong), item(myLong), item(myLong), item(myLong), item(myLong)), phone{scenario: "callee-talks", ring: sec(1), talk: sec(3)},
			voiceWant{events: notified, talk: sec(3)}, nil),
		failing("busy", "callee-busy", 2, voiceWant{events: "callout:a alerting:a disconnect:a", state: 8102, reason: 8102, outQ850: 17, sip: 486}),
		failing("404", "callee-404", 0, voiceWant{events: "callout:a disconnect:a", state: 8100, reason: 8100, outQ850: 1, sip: 404}),
		failing("no answer in 30 s", "callee-no-answer", 0, voiceWant{events: "callout:a alerting:a disconnect:a", state: 8003, reason: 8003, outQ850: 19, sip: 487}),
		notify("callStop while it rings", "8017; CANCEL", items(item(myLong)), phone{scenario: "callee-no-answer"},
			voiceWant{events: "callout:a alerting:a disconnect:a", state: 8017, reason: 8017}, nil),
		notify("callStop while it plays", "8017; BYE", items(item(myLong), item(myLong), item(myLong)), answers, voiceWant{events: notified, state: 8017, reason: 8017}, nil),
		{name: "verify: code in Chinese", expect: "pre tone and digits are heard, twice", op: "callVerify", first: answers, want: ok,
			body: func(*voiceStage) map[string]any {
				return map[string]any{"languageType": 1, "preTone": myOther, "verifyCode": "8306", "times": 2}
			}, extra: func(e *voiceEvidence) {
				for _, p := range []string{otherPrompt, "digit_zh_8.wav", "digit_zh_3.wav", "digit_zh_0.wav", "digit_zh_6.wav"} {
					e.hears(e.a, p)
				}
			}},
		{name: "click: connected, recorded", expect: "stereo, A left, B right; both hear the hint; link 301", op: "click2Call", first: a, second: phone{scenario: "callee-talks", ring: sec(1), talk: sec(12)},
			body: func(*voiceStage) map[string]any { return map[string]any{"recordFlag": "true"} },
			want: voiceWant{events: joined, party: "callee", talk: sec(12), record: 1}, extra: voiceRecorded},
		{name: "click: preVoice, waitVoice", expect: "A hears both before B answers", op: "click2Call", first: a, second: phone{scenario: "callee-talks", ring: sec(9), talk: sec(3)},
			body: func(*voiceStage) map[string]any {
				return map[string]any{"playPreVoice": true, "preVoice": myLong, "waitVoice": myOther, "calleeMedia": "all"}
			}, want: voiceWant{events: joined, party: "callee"}, extra: func(e *voiceEvidence) { e.hears(e.a, longPrompt); e.hears(e.a, otherPrompt) }},
		{name: "click: calleeMedia all", expect: "A hears B's early media", op: "click2Call", first: a, second: phone{scenario: "callee-early", ring: sec(3)},
			want: voiceWant{events: joined, party: "platform", state: 8017, reason: 8017}, meanwhile: after(sec(8), func(ctx context.Context, s *voiceStage) { s.stop(ctx) }),
			extra: func(e *voiceEvidence) {
				if s := seconds(linear(e.w.heard(e.a.media).law), toneB); s < 0.8 {
					e.fault("A heard %.1f s of B's early media", s)
				}
			}},
		{name: "click: calleeMedia none", expect: "A hears waitVoice, not B's early media", op: "click2Call", first: a, second: phone{scenario: "callee-early-busy", ring: sec(4)},
			body: func(*voiceStage) map[string]any { return map[string]any{"calleeMedia": "none", "waitVoice": myOther} },
			want: voiceWant{events: "callout:a alerting:a answer:a callout:b alerting:b disconnect:b", state: 8102, reason: 8102, q850: 17, sip: 486, party: "platform"}, extra: func(e *voiceEvidence) {
				if s := seconds(linear(e.w.heard(e.a.media).law), toneB); s > 0.2 {
					e.fault("A heard %.1f s of B's early media", s)
				}
			}},
		{name: "click: calleeMedia fail, B busy", expect: "A hears why", op: "click2Call", first: a, second: phone{scenario: "callee-busy", ring: sec(2)},
			body:  func(*voiceStage) map[string]any { return map[string]any{"calleeMedia": "fail"} },
			want:  voiceWant{events: "callout:a alerting:a answer:a callout:b alerting:b disconnect:b", state: 8102, reason: 8102, q850: 17, sip: 486, party: "platform"},
			extra: func(e *voiceEvidence) { e.hears(e.a, "busy.wav") }},
		{name: "click: A busy", expect: "8108; B is not called", op: "click2Call", first: phone{scenario: "callee-busy", ring: sec(1)}, second: b,
			want: voiceWant{events: "callout:a alerting:a disconnect:a", state: 8108, reason: 8108, outQ850: 17, sip: 486, party: "platform"}},
		{name: "click: A hangs up while B rings", expect: "8009; B is cancelled", op: "click2Call", first: phone{scenario: "callee-hangs-up", ring: sec(1), talk: sec(4)}, second: phone{scenario: "callee-no-answer"},
			want: voiceWant{events: "callout:a alerting:a answer:a callout:b alerting:b disconnect:b", state: 8009, reason: 8009, q850: 16, sip: 487, party: "caller"}},
		{name: "click: maxDuration, last minute to B", expect: "8010 after 120 s; B alone hears it", op: "click2Call", first: phone{scenario: "callee-answer", ring: sec(1)}, second: phone{scenario: "callee-answer", ring: sec(1)},
			body: func(*voiceStage) map[string]any {
				return map[string]any{"maxDuration": 2, "lastMinVoice": myLong, "lastMinToUE": "tob"}
			},
			want: voiceWant{events: joined, state: 8010, reason: 8010, party: "platform", talk: sec(120)}, extra: func(e *voiceEvidence) {
				e.hears(e.b, longPrompt)
				w, err := readWAV(filepath.Join(e.h.repo, "conf/prompts/zh", longPrompt))
				if err == nil && e.w.heard(e.a.media).plays(w.data) {
					e.fault("A heard the last minute too")
				}
			}},
		{name: "click: both name themselves everywhere", expect: "no number crosses", op: "click2Call", first: phone{scenario: "callee-loud", ring: sec(1)}, second: phone{scenario: "callee-loud", ring: sec(1)},
			want: voiceWant{events: joined, party: "platform", state: 8017, reason: 8017}, meanwhile: after(sec(7), func(ctx context.Context, s *voiceStage) { s.stop(ctx) })},
	}
	for i := range list {
		switch list[i].name {
		case "notify: callStop while it rings":
			list[i].meanwhile = after(sec(3), func(ctx context.Context, s *voiceStage) { s.stop(ctx) })
		case "notify: callStop while it plays":
			list[i].meanwhile = after(sec(4), func(ctx context.Context, s *voiceStage) { s.stop(ctx) })
		}
	}
	return list
}

func ms(seconds float64) string { return fmt.Sprint(int(seconds * 1000)) }

// speaks checks that the callee heard what was rendered for him.
func speaks(e *voiceEvidence) {
	if e.record.TTSPlayTimes != 1 {
		e.fault("ttsPlayTimes is %d", e.record.TTSPlayTimes)
	}
	found, _ := filepath.Glob(e.h.in("speech", "*.wav"))
	more, _ := filepath.Glob(e.h.in("speech", "*", "*.wav"))
	if found = append(found, more...); len(found) != 1 {
		e.fault("the cache of speech holds %d files, want 1", len(found))
		return
	}
	w, err := readWAV(found[0])
	if err != nil || w.bits != 16 {
		e.fault("the rendered speech: %v, %d bits", err, w.bits)
		return
	}
	if r := correlation(linear(e.w.heard(e.a.media).law), w.channel(0)); r < 0.9 {
		e.fault("what was heard correlates by %.2f with what was rendered", r)
	}
}

// voiceRecorded checks a recorded click-to-dial, and its link.
func voiceRecorded(e *voiceEvidence) {
	e.hears(e.a, "record_hint.wav")
	e.hears(e.b, "record_hint.wav")
	w, err := readWAV(e.h.recording(e.record.RecordObjectName))
	if err != nil {
		e.fault("the recording: %s", err)
		return
	}
	left, right := w.channel(0), w.channel(1)
	if a, b := seconds(left, toneA), seconds(right, toneB); w.channels != 2 || a < 3 || b < 3 {
		e.fault("the recording has %d channels, %.1f s of A on the left, %.1f s of B on the right", w.channels, a, b)
	}
	if a, b := seconds(right, toneA), seconds(left, toneB); a > 0.3 || b > 0.3 {
		e.fault("the recording has %.1f s of A on the right, %.1f s of B on the left", a, b)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := e.h.followLink(ctx, e.record); err != nil {
		e.fault("the link: %s", err)
	}
}

// followLink asks for the link to a recording and fetches it.
func (h *house) followLink(ctx context.Context, r cdr) error {
	q := url.Values{"fileName": {r.RecordObjectName}, "recordDomain": {r.RecordDomain}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/rest/provision/voice/record/v1.0?%s", h.api, q.Encode()), nil)
	if err != nil {
		return err
	}
	h.sign(req, h.voice)
	plain := &http.Client{Timeout: 5 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := plain.Do(req)
	if err != nil {
		return err
	}
	_ = res.Body.Close()
	to := res.Header.Get("Location")
	if res.StatusCode != http.StatusMovedPermanently || to == "" {
		return fmt.Errorf("status %d, Location %q", res.StatusCode, to)
	}
	if req, err = http.NewRequestWithContext(ctx, http.MethodGet, to, nil); err != nil {
		return err
	}
	status, body, err := do(req)
	if err == nil && (status != http.StatusOK || !strings.HasPrefix(string(body), "RIFF")) {
		err = fmt.Errorf("status %d, %d bytes", status, len(body))
	}
	return err
}
