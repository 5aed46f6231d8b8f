package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/models"
	"maskline/web/admin"
)

const (
	numShown = "+8675528780808"
	notify   = "/rest/httpsessions/callnotify/v2.0"
)

// tone writes a WAV file of a tone: 16-bit PCM, 8 kHz, mono.
func tone(t testing.TB, dir, name string, length time.Duration) string {
	t.Helper()
	samples := int(length.Seconds() * 8000)
	b := make([]byte, 44+2*samples)
	copy(b, "RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data")
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	binary.LittleEndian.PutUint32(b[40:], uint32(2*samples))
	for i := range samples {
		binary.LittleEndian.PutUint16(b[44+2*i:], uint16(int16(8000*(i/8%2*2-1))))
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// spoken is configuration with an engine that says the same whatever it is asked.
func spoken(t testing.TB) string {
	return fmt.Sprintf("speech: {engine: command, command: [cat, %q], dir: %q}\n", tone(t, t.TempDir(), "word.wav", 300*time.Millisecond), t.TempDir())
}

// voiceApp makes an app of mode voice with a number to show, and an approved prompt.
func (h *house) voiceApp(limits ...string) (app admin.App) {
	h.t.Helper()
	h.run("tenant", "create", "--name", "Acme") // it may be there
	args := []string{"app", "create", "--tenant", "Acme", "--mode", "voice", "--name", "notices", "--status-url", h.customer.URL + "/status", "--fee-url", h.customer.URL + "/fee"}
	if len(limits) > 0 {
		args = append(args, "--voice", strings.Join(limits, ","))
	}
	h.ask(&app, args...)
	h.must("number", "add", "--app", app.Key, "--area", "0755", numShown)
	return app
}

// approved uploads a prompt and approves it.
func (h *house) approved(name string) {
	h.t.Helper()
	var p admin.Prompt
	h.ask(&p, "prompt", "add", "--tenant", "Acme", tone(h.t, h.t.TempDir(), name, 400*time.Millisecond))
	if p.State != "waiting" || p.UploadedBy != "ops" {
		h.t.Errorf("uploaded: %+v", p)
	}
	h.ask(&p, "prompt", "approve", fmt.Sprint(p.ID))
	if p.State != "approved" || p.ReviewedBy != "ops" {
		h.t.Errorf("approved: %+v", p)
	}
}

// notified asks for a notification that must be accepted, and gives its session.
func (h *house) notified(app admin.App, play string) string {
	h.t.Helper()
	status, answer := h.signed(http.MethodPost, notify, app.Key, app.Secret, `{"displayNbr":"`+numShown+`","calleeNbr":"`+numA+`","playInfoList":[`+play+`],"userData":"order-1"}`)
	session, _ := answer["sessionId"].(string)
	if status != http.StatusOK || answer["resultcode"] != "0" || session == "" {
		h.t.Fatalf("%s: %d %v", play, status, answer)
	}
	return session
}

// over waits for the record of a session.
func (h *house) over(session string) (r admin.CDR) {
	h.t.Helper()
	h.await("the record of "+session, func() error {
		var list admin.List[admin.CDR]
		h.ask(&list, "cdr", "list", "--session", session, "--reveal")
		if list.Total != 1 {
			return fmt.Errorf("%d records", list.Total)
		}
		r = list.Items[0]
		return nil
	})
	return r
}

func TestANotificationFromTheUploadToTheRecord(t *testing.T) { onBoth(t, notification) }

func notification(t *testing.T, more string) {
	h := openHouse(t, more+spoken(t))
	app := h.voiceApp("ports=50", "rate=20")
	file := tone(t, t.TempDir(), "notice.wav", 400*time.Millisecond)
	status, answer := h.signed(http.MethodPost, notify, app.Key, app.Secret,
		`{"displayNbr":"`+numShown+`","calleeNbr":"`+numA+`","playInfoList":[{"notifyVoice":"notice.wav"}]}`)
	if desc, _ := answer["resultdesc"].(string); status != http.StatusForbidden || answer["resultcode"] != "1010002" || !strings.Contains(desc, "notice.wav does not exist") {
		t.Errorf("a prompt that nobody uploaded: %d %v", status, answer)
	}
	h.approved("notice.wav")
	out := filepath.Join(t.TempDir(), "heard.wav")
	h.must("prompt", "get", "1", "--out", out)
	if want, got := read(t, file), read(t, out); want != got {
		t.Error("the prompt that is downloaded is not the one that was uploaded")
	}
	var template admin.Template
	h.ask(&template, "template", "add", "--tenant", "Acme", "--name", "parcel", "您的快递${TXT_8}已到")
	if text := h.must("template", "try", template.ID, "中通"); text != "您的快递中通已到\n" {
		t.Errorf("tried: %s", text)
	}
	h.must("template", "try", template.ID, "中通", "--out", filepath.Join(t.TempDir(), "try.wav"))
	h.must("template", "approve", template.ID)

	sw := h.daemon.Sim()
	sw.SetPhone(sim.Phone{Number: numA, Rings: 50 * time.Millisecond, Replies: []sim.Reply{{Prompt: "notice", Keys: "1", After: time.Second}}}) // nobody presses before he has heard
	session := h.notified(app, `{"notifyVoice":"notice.wav","collectInd":1},{"templateId":"`+template.ID+`","templateParas":["中通"]}`)
	r := h.over(session)
	if r.State != 0 || r.Mode != "callnotify" || r.X != numShown || r.Caller != numA || r.OutAnswerAt == nil || r.SpeechPlays != 1 || r.UserData != "order-1" {
		t.Errorf("record: %+v", r)
	}
	for _, want := range []string{"callout", "alerting", "answer", "collectInfo", "disconnect"} {
		p := h.told(session)
		var event struct{ EventType string }
		if err := json.Unmarshal(p.body, &event); err != nil || event.EventType != want || p.path != "/status" || p.header.Get("X-AKSK") == "" {
			t.Errorf("pushed to %s: %s; want %s", p.path, p.body, want)
		}
	}
	if p := h.told(session, `"fee"`); p.path != "/fee" {
		t.Errorf("the record went to %s: %s", p.path, p.body)
	}
	h.metricsTell(t, `maskline_queue_wait_seconds_count{mode="callnotify"} 1`, `maskline_speech_total{result="rendered"} 1`, `maskline_deliveries_resting{state="held"} 0`)
	if out := h.must("call", "show", session); !strings.Contains(out, "keyed 1") || !strings.Contains(out, "leg 1 answered") {
		t.Errorf("call show:\n%s", out)
	}
	if out, code := h.run("prompt", "remove", "1"); code != exitOK {
		t.Errorf("a prompt that nobody names any more: %d %s", code, out)
	}
	if strings.Contains(h.log.String(), "13800000001") {
		t.Error("a number stands in the log")
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCallsThatWaitAreSeenAndStopped(t *testing.T) {
	h := openHouse(t, "")
	app := h.voiceApp("ports=1", "rate=100")
	h.approved("notice.wav")
	h.daemon.Sim().SetPhone(sim.Phone{Number: numA, Rings: time.Minute, NoAnswer: true})
	const play = `{"notifyVoice":"notice.wav"}`
	var sessions []string
	for range 4 {
		sessions = append(sessions, h.notified(app, play))
	}
	var waiting admin.List[admin.WaitingCall]
	h.await("the first to be dialled", func() error {
		h.ask(&waiting, "call", "list", "--waiting", "--app", app.Key)
		if rang := h.daemon.Sim().Rang(numA); len(rang) != 1 || waiting.Total != 3 {
			return fmt.Errorf("%d ring, %d wait", len(rang), waiting.Total)
		}
		return nil
	})
	var progress admin.List[admin.Progress]
	h.await("progress", func() error {
		h.ask(&progress, "call", "progress", "--app", app.Key)
		if p := progress.Items[0]; p.Waiting != 3 || p.Live != 1 || p.Ports != 1 || p.Placed != 1 {
			return fmt.Errorf("%+v", p)
		}
		return nil
	})
	if out := h.must("call", "list"); !strings.Contains(out, "placing") || !strings.Contains(out, "WAITING") {
		t.Errorf("call list:\n%s", out)
	}
	h.await("the metric", func() error {
		if !strings.Contains(h.get("/metrics"), `maskline_queue_waiting{app="`+app.Key+`"} 3`) {
			return errors.New("not told")
		}
		return nil
	})
	last := waiting.Items[2].SessionID
	if out := h.must("call", "show", last); !strings.Contains(out, "queued") {
		t.Errorf("a waiting call: %s", out)
	}
	h.must("call", "stop", last)
	if r := h.over(last); r.State != int(models.StoppedByCustomer) || r.OutAt != nil {
		t.Errorf("record of a call that was stopped while it waited: %+v", r)
	}
	status, answer := h.signed(http.MethodPost, "/rest/httpsessions/callStop/v2.0", app.Key, app.Secret, `{"sessionid":"`+sessions[0]+`","signal":"call_stop"}`)
	if status != http.StatusOK || answer["resultcode"] != "0" {
		t.Errorf("callStop of the one that rings: %d %v", status, answer)
	}
	if r := h.over(sessions[0]); r.State != int(models.StoppedByCustomer) || r.OutAt == nil {
		t.Errorf("record of a call that was stopped while it rang: %+v", r)
	}
	h.await("the next one to ring", func() error {
		if rang := h.daemon.Sim().Rang(numA); len(rang) != 2 {
			return fmt.Errorf("%d rang", len(rang))
		}
		return nil
	})
}

func TestWaitingCallsOutliveTheDaemon(t *testing.T) {
	sw, more := outside(t)
	h := openHouse(t, more)
	app := h.voiceApp("ports=1", "rate=100")
	h.approved("notice.wav")
	sw.SetPhone(sim.Phone{Number: numA, Rings: time.Minute, NoAnswer: true})
	const play = `{"notifyVoice":"notice.wav"}`
	first, second := h.notified(app, play), h.notified(app, play)
	h.await("the first to ring", func() error {
		if len(sw.Rang(numA)) != 1 {
			return errors.New("silence")
		}
		return nil
	})
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	sw.SetPhone(sim.Phone{Number: numA, Rings: 10 * time.Millisecond, HangsUpAfter: 50 * time.Millisecond})
	h.start()
	h.await("the first to be taken up", func() error {
		var calls admin.List[admin.Call]
		h.ask(&calls, "call", "list", "--live")
		if calls.Total != 1 || calls.Items[0].SessionID != first {
			return fmt.Errorf("%+v", calls)
		}
		return nil
	})
	h.must("call", "stop", first)
	if r := h.over(first); r.State != int(models.StoppedByCustomer) {
		t.Errorf("the first: %+v", r)
	}
	if r := h.over(second); r.State != 0 || r.OutAnswerAt == nil {
		t.Errorf("the second: %+v", r)
	}
	if rang := sw.Rang(numA); len(rang) != 2 {
		t.Errorf("two calls were dialled %d times", len(rang))
	}
}
