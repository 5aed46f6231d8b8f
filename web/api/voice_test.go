package api

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"maskline/controller/voice"
	"maskline/models"
)

// The paths as the fact sheet writes them (spec/voicecall.md §0).
const (
	pathClick  = "/rest/httpsessions/click2Call/v2.0"
	pathNotify = "/rest/httpsessions/callnotify/v2.0"
	pathVerify = "/rest/httpsessions/callVerify/v1.0"
)

// Display numbers, and who is called.
const (
	shown1, shown2 = "+8675528000001", "+8675528000002"
	sessionOne     = "1202_566_0_20161228102743@callenabler.home1.com"
)

// counter is a desk that takes every request and keeps what it was asked.
type counter struct {
	asked  []any
	answer voice.Accepted
	fails  error
}

func (d *counter) take(q any) (voice.Accepted, error) {
	d.asked = append(d.asked, q)
	return d.answer, d.fails
}

func (d *counter) Click(_ context.Context, _ models.App, _ models.Tenant, q voice.ClickRequest) (voice.Accepted, error) {
	return d.take(q)
}

func (d *counter) Notify(_ context.Context, _ models.App, _ models.Tenant, q voice.NotifyRequest) (voice.Accepted, error) {
	return d.take(q)
}

func (d *counter) Verify(_ context.Context, _ models.App, _ models.Tenant, q voice.VerifyRequest) (voice.Accepted, error) {
	return d.take(q)
}

// counterHouse is a house whose app is one of ModeVoice, with a desk that takes every request.
func counterHouse(t testing.TB, edit ...func(*Options)) (*house, *counter) {
	t.Helper()
	desk := &counter{answer: voice.Accepted{SessionID: sessionOne, IdlePort: 120}}
	edit = append([]func(*Options){func(o *Options) { o.Desk = desk }}, edit...)
	return newHouse(t, edit...).as(models.ModeVoice), desk
}

const (
	clickLeast  = `"displayNbr":"+8675528000001","callerNbr":"+8613800000001","displayCalleeNbr":"+8675528000002","calleeNbr":"+8613800000002"`
	oneLeast    = `"displayNbr":"+8675528000001","calleeNbr":"+8613800000001"`
	notifyLeast = oneLeast + `,"playInfoList":[{"notifyVoice":"a.wav"}]`
	verifyLeast = oneLeast + `,"languageType":1,"preTone":"a.wav","verifyCode":"1234"`
	acceptedOne = `{"resultcode":"0","resultdesc":"Success","sessionId":"` + sessionOne + `"}`
)

func clickOf(edit func(*voice.ClickRequest)) any {
	q := voice.ClickRequest{Asked: voice.Asked{Display: shown1}, Caller: models.MustParty(numA), DisplayCallee: shown2, Callee: models.MustParty(numB)}
	if edit != nil {
		edit(&q)
	}
	return q
}

func notifyOf(items ...voice.PlayItem) any {
	return voice.NotifyRequest{Asked: voice.Asked{Display: shown1}, Callee: models.MustParty(numA), Play: items}
}

func verifyOf(edit func(*voice.VerifyRequest)) any {
	q := voice.VerifyRequest{Asked: voice.Asked{Display: shown1}, Callee: models.MustParty(numA), Language: 1, PreTone: "a.wav", Code: "1234"}
	if edit != nil {
		edit(&q)
	}
	return q
}

func in64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestVoiceRequestsAreReadAsClientsSendThem(t *testing.T) {
	h, desk := counterHouse(t)
	whole := func(q *voice.ClickRequest) {
		q.StatusURL, q.FeeURL, q.UserData, q.IdlePort = "http://a.example/s", "https://a.example/f", "u", false
		q.MaxDuration, q.LastMinVoice, q.LastMinToUE, q.PlayPreVoice, q.PreVoice, q.WaitVoice = 60, "last.wav", models.SideB, true, "a.wav", "b.wav"
		q.CalleeMedia, q.RecordFlag, q.RecordTone, q.PartyType = models.MediaFail, true, "record.wav", true
	}
	zero, nine := 0, 9
	for name, tc := range map[string]struct {
		path, body string
		want       any
	}{
		"click, the least": {pathClick, clickLeast, clickOf(nil)},
		"click, booleans as strings": {pathClick, clickLeast + `,"maxDuration":"60","lastMinVoice":"last.wav","lastMinToUE":"tob","playPreVoice":"true","preVoice":"a.wav",` +
			`"waitVoice":"b.wav","calleeMedia":"fail","statusUrl":"` + in64("http://a.example/s") + `","feeUrl":"` + in64("https://a.example/f") + `","recordFlag":"true",` +
			`"recordHintTone":"record.wav","partyTypeRequiredInDisconnect":"true","returnIdlePort":"false","userData":"u"`, clickOf(whole)},
		"click, JSON booleans": {pathClick, clickLeast + `,"maxDuration":60.0,"lastMinVoice":"last.wav","lastMinToUE":"tob","playPreVoice":true,"preVoice":"a.wav",` +
			`"waitVoice":"b.wav","calleeMedia":"fail","statusUrl":"http://a.example/s","feeUrl":"https://a.example/f","recordFlag":true,` +
			`"recordHintTone":"record.wav","partyTypeRequiredInDisconnect":true,"returnIdlePort":false,"userData":"u"`, clickOf(whole)},
		"click, nothing said": {pathClick, clickLeast + `,"maxDuration":"","lastMinVoice":"","lastMinToUE":"","playPreVoice":"","preVoice":null,"waitVoice":null,"calleeMedia":"",` +
			`"statusUrl":"","feeUrl":null,"recordFlag":null,"recordHintTone":"","partyTypeRequiredInDisconnect":null,"returnIdlePort":null,"userData":null,"bindNbr":""`, clickOf(nil)},
		"click, both and all":              {pathClick, clickLeast + `,"lastMinToUE":"both","calleeMedia":"all"`, clickOf(func(q *voice.ClickRequest) { q.CalleeMedia = models.MediaAll })},
		"click, toa and none":              {pathClick, clickLeast + `,"lastMinToUE":"toa","calleeMedia":"none"`, clickOf(func(q *voice.ClickRequest) { q.LastMinToUE, q.CalleeMedia = models.SideA, models.MediaNone })},
		"click, unknown fields":            {pathClick, clickLeast + `,"callId":"7","bindNbr":"+8675528999999","callBackTone":"x.wav","more":{"a":[1]}`, clickOf(nil)},
		"click, bindNbr for all":           {pathClick, `"bindNbr":"+8675528000001","callerNbr":"+8613800000001","calleeNbr":"+8613800000002"`, clickOf(func(q *voice.ClickRequest) { q.DisplayCallee = shown1 })},
		"click, bindNbr for one":           {pathClick, `"bindNbr":"+8675528000002","displayNbr":"+8675528000001","callerNbr":"+8613800000001","displayCalleeNbr":"","calleeNbr":"+8613800000002"`, clickOf(nil)},
		"click, numbers written otherwise": {pathClick, `"displayNbr":"075528000001","callerNbr":13800000001,"displayCalleeNbr":"+86-755-2800-0002","calleeNbr":"008613800000002"`, clickOf(nil)},
		"notify, a prompt":                 {pathNotify, notifyLeast, notifyOf(voice.PlayItem{NotifyVoice: "a.wav"})},
		"notify, one object for the list":  {pathNotify, oneLeast + `,"playInfoList":{"notifyVoice":"a.wav"}`, notifyOf(voice.PlayItem{NotifyVoice: "a.wav"})},
		"notify, five items": {pathNotify, oneLeast + `,"playInfoList":[{"templateId":"t1","templateParas":["3","人民公园正门"],"collectInd":1,"replayAfterCollection":"true","collectContentTriggerReplaying":"1"},
			{"templateId":"t1","templateParas":"[\"3\",\"人民公园正门\"]","collectInd":"1","replayAfterCollection":true,"collectContentTriggerReplaying":1},
			{"templateId":"t1","templateParas":[3,"人民公园正门"],"collectInd":1.0,"replayAfterCollection":1,"collectContentTriggerReplaying":"1"},
			{"notifyVoice":"a.wav","templateId":"","templateParas":"","collectInd":0,"replayAfterCollection":"false","ttsContent":""},
			{"templateId":"t2","templateParas":null,"notifyVoice":null,"ttsContent":null}]`, notifyOf(itemOne, itemOne, itemOne, voice.PlayItem{NotifyVoice: "a.wav"}, voice.PlayItem{TemplateID: "t2"})},
		"verify, the least": {pathVerify, verifyLeast, verifyOf(nil)},
		"verify, strings": {pathVerify, oneLeast + `,"languageType":"2","preTone":"a.wav","verifyCode":"0099","posTone":"b.wav","times":"9"`, verifyOf(func(q *voice.VerifyRequest) {
			q.Language, q.Code, q.PosTone, q.Times = 2, "0099", "b.wav", &nine
		})},
		"verify, a number for the code": {pathVerify, strings.Replace(verifyLeast, `"1234"`, `1234`, 1) + `,"times":0,"posTone":null`, verifyOf(func(q *voice.VerifyRequest) { q.Times = &zero })},
		"verify, times not said":        {pathVerify, verifyLeast + `,"times":null`, verifyOf(nil)},
	} {
		desk.asked = nil
		h.wants(name, http.MethodPost, tc.path, "{"+tc.body+"}", 200, acceptedOne)
		if len(desk.asked) != 1 || !reflect.DeepEqual(desk.asked[0], tc.want) {
			t.Errorf("%s\n got %+v\nwant %+v", name, desk.asked, tc.want)
		}
	}
}

var itemOne = voice.PlayItem{TemplateID: "t1", TemplateParas: []string{"3", "人民公园正门"}, CollectInd: 1, Replay: true, ReplayOn: "1"}

func TestVoicePaths(t *testing.T) {
	h, desk := counterHouse(t)
	for path, body := range map[string]string{
		"/rest/httpsessions/click2Call/v2.0": clickLeast, "/rest/httpsessions/click2Call/v1.0": clickLeast, "/sandbox/rest/httpsessions/click2Call/v2.0": clickLeast,
		"/sandbox/rest/httpsessions/click2Call/v1.0": clickLeast,
		"/rest/httpsessions/callnotify/v2.0":         notifyLeast, "/rest/httpsessions/callnotify/v1.0": notifyLeast, "/sandbox/rest/httpsessions/callnotify/v2.0": notifyLeast,
		"/sandbox/rest/httpsessions/callnotify/v1.0": notifyLeast,
		"/rest/httpsessions/callVerify/v1.0":         verifyLeast, "/sandbox/rest/httpsessions/callVerify/v1.0": verifyLeast,
		"/rest/httpsessions/click2Call/v2.0?app_key=x&access_token=y&format=json": clickLeast, "/rest/httpsessions/callnotify/v2.0?version=2&app_key=x": notifyLeast,
	} {
		desk.asked = nil
		h.wants(path, http.MethodPost, path, "{"+body+"}", 200, acceptedOne)
		if len(desk.asked) != 1 {
			t.Errorf("%s asked the desk %d times", path, len(desk.asked))
		}
		h.wants("GET "+path, http.MethodGet, path, "", 405, wireResult("1010006", "Invalid Rest API."))
	}
	for _, path := range []string{"/rest/httpsessions/callVerify/v2.0", "/rest/httpsessions/click2Call/v3.0", "/rest/httpsessions/click2call/v2.0", "/sandbox" + pathAXB} {
		if status, body := h.call(http.MethodPost, path, "{}"); status != 404 || strings.Contains(body, "resultcode") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestVoiceAnswers(t *testing.T) {
	h, desk := counterHouse(t)
	with := func(port string) string {
		return `{"resultcode":"0","resultdesc":"Success","sessionId":"` + sessionOne + `","idlePort":` + port + `}`
	}
	for _, tc := range []struct {
		said string
		idle int
		want string
	}{
		{``, 7, acceptedOne}, {`,"returnIdlePort":"false"`, 7, acceptedOne}, {`,"returnIdlePort":"true"`, 7, with("7")}, {`,"returnIdlePort":true`, 0, with("0")},
		{`,"returnIdlePort":"true"`, 70000, with("65535")}, {`,"returnIdlePort":"true"`, -1, with("0")},
	} {
		desk.answer.IdlePort = tc.idle
		h.wants("click"+tc.said, http.MethodPost, pathClick, "{"+clickLeast+tc.said+"}", 200, tc.want)
		h.wants("notify"+tc.said, http.MethodPost, pathNotify, "{"+notifyLeast+tc.said+"}", 200, tc.want)
		h.wants("verify"+tc.said, http.MethodPost, pathVerify, "{"+verifyLeast+tc.said+"}", 200, tc.want)
	}
}

func TestVoiceRefusesWhatItCannotRead(t *testing.T) {
	h, desk := counterHouse(t)
	without := func(body, name string) string {
		i := strings.Index(body, `"`+name+`":`)
		rest := body[i+len(name)+3:]
		if end := strings.Index(rest, `,"`); end >= 0 {
			return body[:i] + rest[end+1:]
		}
		return strings.TrimSuffix(body[:i], ",")
	}
	noCaller := wireResult("1010024", "Invalid caller number.callerNbr is not a telephone number in the form +<country><number>.")
	noCallee := wireResult("1010025", "Invalid callee number.calleeNbr is not a telephone number in the form +<country><number>.")
	noDisplay := func(name string) string {
		return wireResult("1010023", "Display number invalid."+name+" is not a telephone number in the form +<country><number>.")
	}
	for _, tc := range []struct{ path, body, want string }{
		{pathClick, ``, invalid("displayNbr is missing.")},
		{pathClick, without(clickLeast, "displayNbr"), invalid("displayNbr is missing.")},
		{pathClick, without(clickLeast, "callerNbr"), invalid("callerNbr is missing.")},
		{pathClick, without(clickLeast, "displayCalleeNbr"), invalid("displayCalleeNbr is missing.")},
		{pathClick, without(clickLeast, "calleeNbr"), invalid("calleeNbr is missing.")},
		{pathClick, strings.Replace(clickLeast, shown1, "1", 1), noDisplay("displayNbr")},
		{pathClick, strings.Replace(clickLeast, shown2, "abc", 1), noDisplay("displayCalleeNbr")},
		{pathClick, strings.Replace(clickLeast, numA, "abc", 1), noCaller},
		{pathClick, strings.Replace(clickLeast, numA, numA+strings.Repeat("1", 20), 1), noCaller},
		{pathClick, strings.Replace(clickLeast, numB, "+0", 1), noCallee},
		{pathClick, strings.Replace(clickLeast, `"`+numB+`"`, "{}", 1), invalid("calleeNbr is a string.")},
		{pathClick, without(clickLeast, "displayNbr") + `,"bindNbr":"abc"`, wireResult("1012006", "The service number is not applied.")},
		{pathClick, clickLeast + `,"maxDuration":"x"`, invalid("maxDuration is an integer.")},
		{pathClick, clickLeast + `,"maxDuration":1.5`, invalid("maxDuration is an integer.")},
		{pathClick, clickLeast + `,"lastMinToUE":"toc"`, invalid("lastMinToUE is toa or tob or both.")},
		{pathClick, clickLeast + `,"calleeMedia":"some"`, invalid("calleeMedia is all or none or fail.")},
		{pathClick, clickLeast + `,"playPreVoice":"yes"`, invalid("playPreVoice is true or false.")},
		{pathClick, clickLeast + `,"recordFlag":"2"`, invalid("recordFlag is true or false.")},
		{pathClick, clickLeast + `,"returnIdlePort":"maybe"`, invalid("returnIdlePort is true or false.")},
		{pathClick, clickLeast + `,"partyTypeRequiredInDisconnect":[]`, invalid("partyTypeRequiredInDisconnect is true or false.")},
		{pathClick, clickLeast + `,"preVoice":{}`, invalid("preVoice is a string.")},
		{pathClick, clickLeast + `,"waitVoice":true`, invalid("waitVoice is a string.")},
		{pathClick, clickLeast + `,"lastMinVoice":[]`, invalid("lastMinVoice is a string.")},
		{pathClick, clickLeast + `,"recordHintTone":{}`, invalid("recordHintTone is a string.")},
		{pathClick, clickLeast + `,"userData":{}`, invalid("userData is a string.")},
		{pathClick, clickLeast + `,"statusUrl":"customer.example"`, invalid("statusUrl is an http or https URL in Base64.")},
		{pathClick, clickLeast + `,"feeUrl":"` + in64("customer.example") + `"`, invalid("feeUrl is an http or https URL in Base64.")},
		{pathClick, clickLeast + `,"userData":"a","userData":"b"`, invalid("userData stands twice with different values.")},
		{pathNotify, without(oneLeast, "displayNbr"), invalid("displayNbr is missing.")},
		{pathNotify, without(oneLeast, "calleeNbr"), invalid("calleeNbr is missing.")},
		{pathNotify, strings.Replace(notifyLeast, numA, "-", 1), noCallee},
		{pathNotify, oneLeast, invalid("playInfoList is missing.")},
		{pathNotify, oneLeast + `,"playInfoList":""`, invalid("playInfoList is missing.")},
		{pathNotify, oneLeast + `,"playInfoList":"a.wav"`, invalid("playInfoList is an array of objects.")},
		{pathNotify, oneLeast + `,"playInfoList":["a.wav"]`, invalid("playInfoList[0] is an object.")},
		{pathNotify, notifyItems(`"notifyVoice":{}`), invalid("playInfoList[1].notifyVoice is a string.")},
		{pathNotify, notifyItems(`"templateId":[]`), invalid("playInfoList[1].templateId is a string.")},
		{pathNotify, notifyItems(`"templateId":"t","templateParas":"3位"`), invalid("playInfoList[1].templateParas is an array of strings.")},
		{pathNotify, notifyItems(`"templateId":"t","templateParas":[{}]`), invalid("playInfoList[1].templateParas is an array of strings.")},
		{pathNotify, notifyItems(`"notifyVoice":"a.wav","collectInd":"many"`), invalid("playInfoList[1].collectInd is an integer.")},
		{pathNotify, notifyItems(`"notifyVoice":"a.wav","replayAfterCollection":"no"`), invalid("playInfoList[1].replayAfterCollection is true or false.")},
		{pathNotify, notifyItems(`"notifyVoice":"a.wav","collectContentTriggerReplaying":true`), invalid("playInfoList[1].collectContentTriggerReplaying is a string.")},
		{pathNotify, notifyItems(`"ttsContent":"您好"`), invalid("playInfoList[1].ttsContent is not spoken: have a template approved and name it in templateId.")},
		{pathVerify, without(verifyLeast, "displayNbr"), invalid("displayNbr is missing.")},
		{pathVerify, without(verifyLeast, "calleeNbr"), invalid("calleeNbr is missing.")},
		{pathVerify, without(verifyLeast, "languageType"), invalid("languageType is missing.")},
		{pathVerify, without(verifyLeast, "preTone"), invalid("preTone is missing.")},
		{pathVerify, without(verifyLeast, "verifyCode"), invalid("verifyCode is missing.")},
		{pathVerify, strings.Replace(verifyLeast, `:1,`, `:"zh",`, 1), invalid("languageType is an integer.")},
		{pathVerify, verifyLeast + `,"times":"often"`, invalid("times is an integer.")},
		{pathVerify, verifyLeast + `,"posTone":7.5`, invalid("posTone is a string.")},
		{pathVerify, strings.Replace(verifyLeast, `"1234"`, `["1","2"]`, 1), invalid("verifyCode is a string.")},
	} {
		h.wants(tc.body, http.MethodPost, tc.path, "{"+tc.body+"}", 403, tc.want)
	}
	h.wants("no JSON", http.MethodPost, pathClick, "displayNbr=1", 403, invalid("the body is not a JSON object."))
	if len(desk.asked) != 0 {
		t.Errorf("the desk was asked: %+v", desk.asked)
	}
}

// notifyItems is a body with a good item and another one.
func notifyItems(second string) string {
	return oneLeast + `,"playInfoList":[{"notifyVoice":"a.wav"},{` + second + `}]`
}

func TestVoiceCodes(t *testing.T) {
	h, desk := counterHouse(t)
	for _, tc := range []struct {
		fails  error
		status int
		want   string
	}{
		{models.Fail(models.DisplayNumber, "displayNbr", "displayNbr is no display number of the app"), 403, wireResult("1010023", "Display number invalid.displayNbr is no display number of the app.")},
		{models.Fail(models.CallerNumber, "callerNbr", "callerNbr is a number of the platform"), 403, wireResult("1010024", "Invalid caller number.callerNbr is a number of the platform.")},
		{models.Fail(models.CalleeNumber, "calleeNbr", "calleeNbr is abroad"), 403, wireResult("1010025", "Invalid callee number.calleeNbr is abroad.")},
		{models.Fail(models.PortsFull, "", "all ports of the app are in use"), 403, wireResult("1020165", "The appkey call port of using exceeds the limited.")},
		{models.Fail(models.TenantTooOften, "", "x"), 403, wireResult("1013001", "Calls exceed the SP limit.")},
		{models.Fail(models.AppTooOften, "", "x"), 403, wireResult("1013002", "Calls exceed the APP limit.")},
		{models.Fail(models.NumberTooOftenUsed, "", "x"), 403, wireResult("1013003", "Calls exceed the display number limit.")},
		{models.Fail(models.NumberOff, "displayNbr", "x"), 403, wireResult("1013119", "Service number suspend.")},
		{models.Fail(models.RecordingOff, "recordFlag", "x"), 403, wireResult("1012012", "Application does not open recording function.")},
		{models.Fail(models.ModeMismatch, "", "x"), 403, wireResult("1010040", "The app_key is not allowed to invoke the API.")},
		{models.Fail(models.FlowControl, "", "x"), 403, wireResult("1010010", "The flow control upper limit is reached on the platform.")},
		{models.Fail(models.PromptMissing, "preVoice", "x.wav does not exist"), 403, invalid("preVoice: x.wav does not exist.")},
		{models.Fail(models.NotFound, "templateId", "templateId does not exist"), 403, invalid("templateId does not exist.")},
		{models.Fail(models.Invalid, "times", "times is 0 to 9"), 403, invalid("times is 0 to 9.")},
		{models.Fail(models.Invalid, "times", "%s", strings.Repeat("很", 200)), 403, wireResult("1010002", "Invalid request.times: "+strings.Repeat("很", 104)+"…")},
		{errors.New("the disk is gone"), 500, wireResult("1010001", "Internal system error.")},
	} {
		desk.fails = tc.fails
		h.wants(tc.fails.Error(), http.MethodPost, pathClick, "{"+clickLeast+"}", tc.status, tc.want)
	}
	desk.fails = models.Fail(models.DisplayNumber, "displayNbr", "it is no display number of the app")
	h.wants("a bindNbr that stands for it", http.MethodPost, pathNotify, "{"+strings.Replace(notifyLeast, "displayNbr", "bindNbr", 1)+"}", 403,
		wireResult("1012006", "The service number is not applied."))
	desk.fails = models.Fail(models.DisplayNumber, "displayCalleeNbr", "it is no display number of the app")
	h.wants("one of two", http.MethodPost, pathClick, "{"+strings.Replace(clickLeast, "displayCalleeNbr", "bindNbr", 1)+"}", 403,
		wireResult("1012006", "The service number is not applied."))
	without := newHouse(t).as(models.ModeVoice)
	without.wants("no desk", http.MethodPost, pathClick, "{"+clickLeast+"}", 403, wireResult("1010040", "The app_key is not allowed to invoke the API."))
}

func TestVoiceAuthentication(t *testing.T) {
	h, desk := counterHouse(t)
	knock := func(target string, hs headers) string {
		r := signed(h.key, http.MethodPost, target, "{"+clickLeast+"}")
		for _, name := range []string{"Authorization", "X-Aksk"} {
			r.Header.Del(name)
			if v := hs[name]; v != "" {
				r.Header.Set(name, v)
			}
		}
		w := h.send(r)
		return fmt.Sprint(w.Code, " ", w.Body)
	}
	now := time.Now().UTC()
	good := akskHeaders(h.key, testSecret, "n1", now)
	guess := akskHeaders(h.key, "guess", "n1", now)
	for _, tc := range []struct {
		what, target string
		hs           headers
		want         string
	}{
		{"a wrong digest", pathClick, guess, "403 " + wireResult("1020176", "Authentication failed.")},
		{"in the sandbox", "/sandbox" + pathClick, guess, "403 " + wireResult("1020176", "Authentication failed.")},
		{"on the other product's path", pathAXB, guess, "401 " + wireResult("1010010", "Invalid digest.")},
		{"on a path of both", pathCallStop, guess, "401 " + wireResult("1010010", "Invalid digest.")},
		{"no header", pathClick, headers{}, "400 " + wireResult("1023006", "Authorization not contained in the HTTP header.")},
		{"no realm", pathClick, good.with("Authorization", `AKSK profile="UsernameToken",type="Appkey"`), "400 " + wireResult("1023007", "realm not contained in Authorization.")},
		{"no X-AKSK", pathClick, good.with("X-Aksk", ""), "400 " + wireResult("1023033", "HTTP header not found X-AKSK field.")},
		{"too old", pathClick, akskHeaders(h.key, testSecret, "n1", now.Add(-time.Hour)), "401 " + wireResult("1010013", "Time out limit.")},
		{"an unknown key", pathClick, akskHeaders("NOBODY", testSecret, "n1", now), "403 " + wireResult("1010003", "Invalid app_key.")},
		{"a token in the query", pathClick + "?app_key=" + h.key + "&access_token=x", headers{}, "400 " + wireResult("1023006", "Authorization not contained in the HTTP header.")},
		{"an app of the other product", pathClick, akskHeaders(testKey, testSecret, "n1", now), "403 " + otherMode},
		{"as it should be", pathClick, good, "200 " + acceptedOne},
	} {
		if got := knock(tc.target, tc.hs); got != tc.want {
			t.Errorf("%s\n got %s\nwant %s", tc.what, got, tc.want)
		}
	}
	if len(desk.asked) != 1 {
		t.Errorf("the desk was asked %d times", len(desk.asked))
	}
}

func TestVoiceFlowControl(t *testing.T) {
	own := wireResult("1010010", "The flow control upper limit is reached on the platform.")
	for _, path := range []string{pathClick, "/sandbox" + pathNotify, pathCallStop, "/rest/httpsessions/callStop/v1.0"} {
		h, _ := counterHouse(t, func(o *Options) { o.Rate, o.Burst, o.FlowCode = 0.001, 1, "1019999" })
		h.call(http.MethodPost, path, `{}`)
		h.wants(path, http.MethodPost, path, `{}`, 403, own)
		h.key = testKey
		h.call(http.MethodPost, pathCallStop, `{}`)
		h.wants("of the other product", http.MethodPost, pathCallStop, `{}`, 403,
			wireResult("1019999", "The flow control upper limit is reached on the platform, try again in one minute."))
	}
}

func TestVoiceRequestRepeated(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		desk := &counter{answer: voice.Accepted{SessionID: sessionOne}}
		var err error
		h.handler, err = New(Options{Store: h.store, Desk: desk, Log: quiet})
		must(t, err)
		h = h.as(models.ModeVoice)
		ask := func(nonce string) (int, string, string) {
			w := h.send(signedAs(h.key, nonce, http.MethodPost, pathNotify, "{"+notifyLeast+"}"))
			return w.Code, w.Body.String(), w.Header().Get(replayedHeader)
		}
		desk.fails = errors.New("the disk is gone")
		if status, _, _ := ask("n1"); status != 500 {
			t.Errorf("a fault of ours: %d", status)
		}
		desk.fails = nil
		_, first, _ := ask("n1") // a fault is not kept
		desk.answer.SessionID = "another"
		_, again, replayed := ask("n1")
		_, other, _ := ask("n2")
		if first != acceptedOne || again != first || replayed != "true" || other == first || len(desk.asked) != 3 {
			t.Errorf("first %s, again %s (%s), another %s; asked %d times", first, again, replayed, other, len(desk.asked))
		}
		desk.fails = models.Fail(models.PortsFull, "", "full")
		_, refused, _ := ask("n3")
		desk.fails = nil
		if _, again, _ := ask("n3"); again != refused || len(desk.asked) != 4 {
			t.Errorf("refused %s, again %s", refused, again)
		}
	})
}

func FuzzVoiceRequests(f *testing.F) {
	h, desk := counterHouse(f)
	seeds := []string{clickLeast, notifyLeast, verifyLeast, notifyItems(`"templateId":"t","templateParas":"[1,\"x\"]","collectInd":"3"`),
		clickLeast + `,"statusUrl":"aHR0cDovL2E=","lastMinToUE":"tob"`, strings.Replace(clickLeast, "displayNbr", "bindNbr", 1), `"playInfoList":[null]`, `"statusUrl":"\u0000"`}
	for i, s := range seeds {
		f.Add(i%3, []byte("{"+s+"}"))
	}
	a := &api{Options: Options{Desk: desk}.withDefaults()}
	reads := []operation{a.click, a.notify, a.verify}
	f.Fuzz(func(t *testing.T, which int, raw []byte) {
		do, err := reads[uint(which)%3](t.Context(), request{caller: caller{App: h.app, Tenant: h.tenant}, body: raw})
		if err != nil {
			if r := resultOf(err, voiceResults); r == internalError || len([]rune(r.desc)) > 128 {
				t.Errorf("%q is refused with %+v", raw, r)
			}
			return
		}
		desk.asked = nil
		if v, err := do(t.Context()); err != nil || !strings.HasPrefix(string(encode(v)), strings.TrimSuffix(acceptedOne, "}")) || len(desk.asked) != 1 {
			t.Errorf("%q: %v %v", raw, v, err)
		}
		asked := askedOf(desk.asked[0])
		if _, err := models.NewParty(asked.Display); err != nil || asked.StatusURL != "" && !isLink(asked.StatusURL) || asked.FeeURL != "" && !isLink(asked.FeeURL) {
			t.Errorf("%q was read as %+v", raw, asked)
		}
	})
}

func askedOf(q any) voice.Asked {
	switch q := q.(type) {
	case voice.ClickRequest:
		return q.Asked
	case voice.NotifyRequest:
		return q.Asked
	case voice.VerifyRequest:
		return q.Asked
	}
	return voice.Asked{}
}
