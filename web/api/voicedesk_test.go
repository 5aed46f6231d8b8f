package api

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/controller/voice"
	"maskline/esl"
	"maskline/models"
	"maskline/models/store"
)

// The tests here run with the desk and the store that a daemon has: what a request says, down to the row that waits.

// upSwitch is a switch that could place calls, and is asked no more than that.
type upSwitch struct{ esl.Switch }

func (upSwitch) Status() esl.Status { return esl.Status{Up: true} }

// freePorts are the ports of every app.
type freePorts int

func (n freePorts) Idle(models.App) int { return int(n) }

func (freePorts) Offer(models.Outgoing) {}

// deskHouse is a house whose app places calls: it shows shown1, shown2 is suspended, and the other app of its tenant has shownOther.
func deskHouse(t testing.TB, ports int, edit ...func(*models.App)) *house {
	t.Helper()
	h := newHouse(t, func(o *Options) { o.Desk = newDesk(o.Store.(*store.Store), ports) })
	return h.furnish(edit...)
}

func newDesk(s *store.Store, ports int) *voice.Desk {
	return voice.NewDesk(voice.DeskOptions{Store: s, Prompts: tones{"a.wav": true, "b.wav": true, "record.wav": true, "last.wav": true}, Ports: freePorts(ports),
		Seats: []voice.Seat{{Switch: upSwitch{}, Host: "host.example"}}})
}

const shownOther = "+8675528000009"

func (h *house) furnish(edit ...func(*models.App)) *house {
	h.Helper()
	other := h.as(models.ModeVoice, func(a *models.App) { a.Key, a.Name = "KEYother", "another" })
	own := *h
	own.key = "KEYvoice"
	own.app = models.App{TenantID: h.tenant.ID, Key: own.key, Name: "voice", Mode: models.ModeVoice, State: models.StateNormal, PushScheme: models.PushAKSK, Record: true}
	for _, e := range edit {
		e(&own.app)
	}
	must(h, h.store.CreateApp(h.Context(), &own.app, testSecret))
	must(h, h.store.AddNumbers(h.Context(), []models.Number{
		{AppID: own.app.ID, Number: shown1, AreaCode: "0755"}, {AppID: own.app.ID, Number: shown2, AreaCode: "0755", State: models.NumberSuspended},
		{AppID: other.app.ID, Number: shownOther, AreaCode: "0755"},
	}))
	return &own
}

// waiting is what waits to be placed for the house's app.
func (h *house) waiting() []models.Outgoing {
	h.Helper()
	list, err := h.store.QueueHead(h.Context(), h.app.ID, store.QueueMark{}, 100)
	must(h, err)
	return list
}

var sessionField = regexp.MustCompile(`"sessionId":"([0-9a-f]{32}@host\.example)"`)

// placeOK asks for a call and gives its sessionId.
func (h *house) placeOK(path, members string) string {
	h.Helper()
	status, answer := h.call(http.MethodPost, path, "{"+members+"}")
	m := sessionField.FindStringSubmatch(answer)
	if status != http.StatusOK || m == nil {
		h.Fatalf("%s %s: %d %s", path, members, status, answer)
	}
	return m[1]
}

// template stores a template of the house's tenant and gives its id.
func (h *house) template(content string, state models.ReviewState) string {
	h.Helper()
	v := models.Template{TenantID: h.tenant.ID, Name: "t", Content: content}
	must(h, h.store.AddTemplate(h.Context(), &v))
	if state != models.ReviewWaiting {
		_, err := h.store.DecideTemplate(h.Context(), v.ID, state, "reviewer", "because")
		must(h, err)
	}
	return v.ID
}

func TestCallsWaitAsTheyWereAskedFor(t *testing.T) {
	h := deskHouse(t, 10)
	template := h.template("您的订单${NUM_6}已到，请到${TXT_8}取", models.ReviewApproved)
	click := h.placeOK(pathClick, strings.Replace(clickLeast, shown2, shown1, 1)+`,"maxDuration":"2","lastMinToUE":"toa","playPreVoice":"true","preVoice":"a.wav","calleeMedia":"none",`+
		`"recordFlag":true,"recordHintTone":"record.wav","partyTypeRequiredInDisconnect":"true","statusUrl":"`+in64("http://a.example/s")+`","userData":"u1"`)
	notify := h.placeOK(pathNotify, oneLeast+`,"playInfoList":[{"templateId":"`+template+`","templateParas":"[\"123456\",\"人民公园\"]"},`+
		`{"notifyVoice":"b.wav","collectInd":1,"replayAfterCollection":"true","collectContentTriggerReplaying":1}]`)
	verify := h.placeOK(pathVerify, verifyLeast+`,"times":2`)
	calls := map[string]models.Outgoing{}
	for _, o := range h.waiting() {
		calls[o.Session.ID] = o
	}
	if len(calls) != 3 {
		t.Fatalf("%d calls wait, not three", len(calls))
	}
	c := calls[click].Session
	p := c.Plan.Place
	if c.Mode != models.ModeClick || c.Caller.Reveal() != numA || c.Callee.Reveal() != numB || c.Dialled != shown1 || c.UserData != "u1" || p.StatusURL != "http://a.example/s" || !p.PartyType ||
		p.Then == nil || !p.Then.Record || p.Then.RecordTone != "record.wav" || p.Then.Media != models.MediaNone || p.Then.MaxTalk != 2*time.Minute || p.Then.LastMinuteTo != models.SideA ||
		len(p.Play) != 1 || p.Play[0].Prompts[0] != "a.wav" {
		t.Errorf("click waits as %+v, %+v", c, p)
	}
	n := calls[notify].Session
	if p = n.Plan.Place; n.Mode != models.ModeNotify || n.Caller.Reveal() != numA || len(p.Play) != 2 || p.Play[0].Speech == nil || !strings.Contains(p.Play[0].Speech.Text, "人民公园") ||
		p.Play[1].Prompts[0] != "b.wav" || p.Play[1].Collect != 1 || !p.Play[1].Replay || p.Play[1].ReplayOn != "1" {
		t.Errorf("notify waits as %+v, %+v", n, p)
	}
	v := calls[verify].Session
	if p = v.Plan.Place; v.Mode != models.ModeVerify || len(p.Play) != 1 || p.Play[0].Rounds != 2 || len(p.Play[0].Prompts) != 5 {
		t.Errorf("verify waits as %+v, %+v", v, p)
	}
}

// What the product's documentation forbids is refused by its code, naming the parameter, and leaves nothing behind.
func TestBadRequestsForCallsLeaveNothing(t *testing.T) {
	h := deskHouse(t, 10)
	speak := h.template("您的订单${NUM_6}已到，请到${TXT_8}取", models.ReviewApproved)
	waits, refused := h.template("您好", models.ReviewWaiting), h.template("你好", models.ReviewRejected)
	plain := strings.Replace(clickLeast, shown2, shown1, 1)
	item := func(s string) string { return oneLeast + `,"playInfoList":[{` + s + `}]` }
	spoken := func(paras string) string { return item(`"templateId":"` + speak + `","templateParas":` + paras) }
	five := strings.TrimSuffix(strings.Repeat(`{"notifyVoice":"a.wav"},`, 6), ",")
	for _, tc := range []struct{ path, body, code, names string }{
		{pathClick, strings.Replace(plain, `"displayNbr":"`+shown1, `"displayNbr":"`+shownOther, 1), "1010023", "displayNbr"},
		{pathClick, strings.Replace(plain, `"displayNbr":"`+shown1, `"displayNbr":"+8675528123456`, 1), "1010023", "displayNbr"},
		{pathClick, strings.Replace(plain, `"displayNbr":"`+shown1, `"displayNbr":"`+x1, 1), "1010023", "displayNbr"},
		{pathClick, strings.Replace(plain, `"displayCalleeNbr":"`+shown1, `"displayCalleeNbr":"`+shownOther, 1), "1010023", "displayCalleeNbr"},
		{pathClick, strings.Replace(plain, `"displayNbr":"`+shown1, `"bindNbr":"`+shownOther, 1), "1012006", "service number"},
		{pathClick, strings.Replace(plain, numA, x1, 1), "1010024", "callerNbr"},
		{pathClick, strings.Replace(plain, numA, "4001234567", 1), "1010024", "callerNbr"},
		{pathClick, strings.Replace(plain, numB, x1, 1), "1010025", "calleeNbr"},
		{pathClick, strings.Replace(plain, numB, shownOther, 1), "1010025", "calleeNbr"},
		{pathClick, strings.Replace(plain, numB, "+14155550100", 1), "1010025", "calleeNbr"},
		{pathClick, strings.Replace(plain, numB, "95588", 1), "1010025", "calleeNbr"},
		{pathClick, strings.Replace(plain, numB, numA, 1), "1010025", "calleeNbr"},
		{pathClick, plain + `,"maxDuration":1441`, "1010002", "maxDuration"},
		{pathClick, plain + `,"maxDuration":-1`, "1010002", "maxDuration"},
		{pathClick, plain + `,"maxDuration":5,"lastMinVoice":"none.wav"`, "1010002", "none.wav does not exist."},
		{pathClick, plain + `,"playPreVoice":"true","preVoice":"none.wav"`, "1010002", "none.wav does not exist."},
		{pathClick, plain + `,"waitVoice":"none.wav"`, "1010002", "none.wav does not exist."},
		{pathClick, plain + `,"waitVoice":"../a.wav"`, "1010002", "waitVoice"},
		{pathClick, plain + `,"recordFlag":true,"recordHintTone":"none.wav"`, "1010002", "none.wav does not exist."},
		{pathClick, plain + `,"statusUrl":"` + in64("http://") + `"`, "1010002", "statusUrl"},
		{pathClick, plain + `,"feeUrl":"` + in64("http://"+strings.Repeat("a", 1100)) + `"`, "1010002", "feeUrl"},
		{pathClick, plain + `,"userData":"{}"`, "1010002", "userData"},
		{pathClick, plain + `,"userData":"中文"`, "1010002", "userData"},
		{pathClick, plain + `,"userData":"` + strings.Repeat("x", 257) + `"`, "1010002", "userData"},
		{pathNotify, oneLeast + `,"playInfoList":[]`, "1010002", "playInfoList"},
		{pathNotify, oneLeast + `,"playInfoList":[` + five + `]`, "1010002", "playInfoList"},
		{pathNotify, item(``), "1010002", "notifyVoice"},
		{pathNotify, item(`"notifyVoice":"a.wav","templateId":"` + speak + `"`), "1010002", "templateId"},
		{pathNotify, item(`"notifyVoice":"none.wav"`), "1010002", "none.wav does not exist."},
		{pathNotify, item(`"notifyVoice":"a.wav","collectInd":33`), "1010002", "collectInd"},
		{pathNotify, item(`"notifyVoice":"a.wav","collectInd":-1`), "1010002", "collectInd"},
		{pathNotify, item(`"notifyVoice":"a.wav","collectInd":1,"replayAfterCollection":true,"collectContentTriggerReplaying":"a"`), "1010002", "collectContentTriggerReplaying"},
		{pathNotify, item(`"templateId":"` + strings.Repeat("0", 32) + `"`), "1010002", "templateId"},
		{pathNotify, item(`"templateId":"` + waits + `"`), "1010002", "templateId"},
		{pathNotify, item(`"templateId":"` + refused + `"`), "1010002", "templateId"},
		{pathNotify, spoken(`["123456"]`), "1010002", "templateParas"},
		{pathNotify, spoken(`["123456","公园","x"]`), "1010002", "templateParas"},
		{pathNotify, spoken(`["1234567","公园"]`), "1010002", "templateParas"},
		{pathNotify, spoken(`["12a","公园"]`), "1010002", "templateParas"},
		{pathNotify, spoken(`["123456","` + strings.Repeat("园", 11) + `"]`), "1010002", "templateParas"},
		{pathNotify, spoken(`"123456"`), "1010002", "templateParas"},
		{pathNotify, spoken(`"[\"123456\"]"`), "1010002", "templateParas"},
		{pathVerify, strings.Replace(verifyLeast, "1234", "12a4", 1), "1010002", "verifyCode"},
		{pathVerify, strings.Replace(verifyLeast, "1234", "1", 1), "1010002", "verifyCode"},
		{pathVerify, strings.Replace(verifyLeast, "1234", "123456789", 1), "1010002", "verifyCode"},
		{pathVerify, strings.Replace(verifyLeast, "1234", "１２３４", 1), "1010002", "verifyCode"},
		{pathVerify, strings.Replace(verifyLeast, ":1,", ":3,", 1), "1010002", "languageType"},
		{pathVerify, strings.Replace(verifyLeast, "a.wav", "none.wav", 1), "1010002", "none.wav does not exist."},
		{pathVerify, verifyLeast + `,"posTone":"none.wav"`, "1010002", "none.wav does not exist."},
		{pathVerify, verifyLeast + `,"times":10`, "1010002", "times"},
		{pathVerify, strings.Replace(verifyLeast, numA, xOther, 1), "1010025", "calleeNbr"},
	} {
		status, answer := h.call(http.MethodPost, tc.path, "{"+tc.body+"}")
		if status != http.StatusForbidden || !strings.HasPrefix(answer, `{"resultcode":"`+tc.code+`"`) || !strings.Contains(answer, tc.names) || strings.Contains(answer, "sessionId") {
			t.Errorf("%s\n got %d %s\nwant %s naming %s", tc.body, status, answer, tc.code, tc.names)
		}
	}
	if left := h.waiting(); len(left) != 0 {
		t.Errorf("%d calls wait: %+v", len(left), left)
	}
}

func TestCallsBeyondTheirBounds(t *testing.T) {
	full := wireResult("1020165", "The appkey call port of using exceeds the limited.")
	none := deskHouse(t, 0, func(a *models.App) { a.Settings.Voice.Queue = -1 })
	none.wants("no port and no queue", http.MethodPost, pathVerify, "{"+verifyLeast+"}", 403, full)
	two := deskHouse(t, 100, func(a *models.App) { a.Settings.Voice.Queue = 2 })
	two.placeOK(pathVerify, verifyLeast)
	two.placeOK(pathVerify, verifyLeast)
	two.wants("a full queue", http.MethodPost, pathVerify, "{"+verifyLeast+"}", 403, full)
	for code, edit := range map[string]func(*models.App){
		"1013002": func(a *models.App) { a.Settings.Voice.App.PerHour = 1 }, "1013003": func(a *models.App) { a.Settings.Voice.Number.PerDay = 1 },
		"1010040": func(a *models.App) { a.Settings.Voice.Services = []models.Mode{models.ModeNotify} },
	} {
		h := deskHouse(t, 100, edit)
		if code != "1010040" {
			h.placeOK(pathVerify, verifyLeast)
		}
		before := len(h.waiting())
		if status, answer := h.call(http.MethodPost, pathVerify, "{"+verifyLeast+"}"); status != 403 || !strings.Contains(answer, code) || len(h.waiting()) != before {
			t.Errorf("want %s: %d %s", code, status, answer)
		}
	}
}

func TestSuspendedDisplayNumberIsReplaced(t *testing.T) {
	h := deskHouse(t, 10)
	id := h.placeOK(pathNotify, strings.Replace(notifyLeast, shown1, shown2, 1))
	if o, err := h.store.Outgoing(t.Context(), id); err != nil || o.Session.Plan.Place.Show != shown1 {
		t.Errorf("the call shows %+v, %v", o.Session.Plan.Place, err)
	}
}

func TestRepeatsAtOncePlaceOneCall(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		var err error
		h.handler, err = New(Options{Store: h.store, Desk: newDesk(h.store, 10), Log: quiet})
		must(t, err)
		h = h.furnish(func(a *models.App) { a.Settings.Voice.App.PerDay = 1 })
		const at = 16
		answers := make([]string, at)
		var wg sync.WaitGroup
		for i := range at {
			r := signedAs(h.key, "n1", http.MethodPost, pathNotify, "{"+notifyLeast+"}")
			wg.Go(func() { answers[i] = fmt.Sprint(h.send(r).Body) })
		}
		wg.Wait()
		for i, a := range answers {
			if a != answers[0] || sessionField.FindString(a) == "" {
				t.Fatalf("answer %d is %s, the first %s", i, a, answers[0])
			}
		}
		if n := len(h.waiting()); n != 1 {
			t.Errorf("%d calls wait", n)
		}
		if _, body := h.call(http.MethodPost, pathNotify, "{"+notifyLeast+"}"); !strings.Contains(body, "1013002") {
			t.Errorf("the second call of a day that has one: %s", body)
		}
	})
}

// line ends calls that wait as voice.Queue does.
type line struct {
	*store.Store
	stops int
}

func (l *line) Stop(ctx context.Context, id string) error {
	l.stops++
	o, err := l.Outgoing(ctx, id)
	if models.CodeOf(err) == models.NotFound {
		return models.Fail(models.SessionOver, "sessionid", "it does not wait")
	}
	if err != nil {
		return err
	}
	o.Session.Stage, o.Session.EndedAt, o.Session.Stopped = models.StageEnded, time.Now().UTC(), true
	_, err = l.Record(ctx, models.Change{Session: o.Session, Cancel: true})
	return err
}

func TestCallStopReachesWaitingCalls(t *testing.T) {
	h := deskHouse(t, 10)
	board, waiting := &switchboard{house: h}, &line{Store: h.store}
	var err error
	h.handler, err = New(Options{Store: h.store, Desk: newDesk(h.store, 10), Stopper: board, Waiting: waiting, Log: quiet})
	must(t, err)
	one, two := h.placeOK(pathNotify, notifyLeast), h.placeOK(pathNotify, notifyLeast)
	live := h.live("live@host", h.app)
	other := *h
	other.key = "KEYother"
	other.wants("another app's", http.MethodPost, pathCallStop, stopBody(one), 403, notLive)
	if len(h.waiting()) != 2 || waiting.stops != 0 {
		t.Errorf("another app stopped it: %d wait", len(h.waiting()))
	}
	h.wants("one that waits", http.MethodPost, pathCallStop, stopBody(one), 200, okAnswer)
	h.wants("it is over", http.MethodPost, pathCallStop, stopBody(one), 403, notLive)
	for range 2 { // the repeat of a request is answered as the request
		if w := h.send(signedAs(h.key, "n1", http.MethodPost, "/sandbox/rest/httpsessions/callStop/v1.0", stopBody(two))); w.Code != 200 || w.Body.String() != okAnswer {
			t.Errorf("in the older version: %d %s", w.Code, w.Body)
		}
	}
	if len(h.waiting()) != 0 || len(board.stops) != 1 { // the repeat asked both
		t.Errorf("%d calls wait; the switch was asked to stop %v", len(h.waiting()), board.stops)
	}
	h.wants("one that is on a switch", http.MethodPost, pathCallStop, stopBody(live), 200, okAnswer)
}
