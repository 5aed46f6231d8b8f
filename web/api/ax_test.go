package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"maskline/models"
	"maskline/models/store"
)

const (
	bindA        = `{"origNum":"+8613800000001","privateNum":"+8617000000011"}`
	gone         = `{"resultcode":"1016001","resultdesc":"The record does not exist."}`
	foreign      = `{"resultcode":"1011001","resultdesc":"The account does not exist."}`
	unknownID    = "00000000-1111-4222-8333-444444444444"
	sentenceUser = "userData holds no braces, no control and no Chinese characters; encode it as Base64."
)

// bindAt binds at a path and gives the subscriptionId.
func (h *house) bindAt(path, body string) string {
	h.Helper()
	status, answer := h.call(http.MethodPost, path, body)
	m := subscriptionField.FindStringSubmatch(answer)
	if status != http.StatusOK || m == nil {
		h.Fatalf("bind %s: %d %s", body, status, answer)
	}
	return m[1]
}

// stored is a binding as the database has it.
func (h *house) stored(id string) models.Binding {
	h.Helper()
	b, err := h.store.Binding(h.Context(), h.app.ID, id)
	must(h, err)
	return b
}

func TestBindAX(t *testing.T) {
	ok := func(x string) string {
		return `{"resultcode":"0","resultdesc":"Success","origNum":"+8613800000001","privateNum":"` + x + `","subscriptionId":"ID"}`
	}
	for name, tc := range map[string]struct{ body, want string }{
		"the least": {bindA, ok(y1)},
		"everything": {`{"origNum":"+8613800000001","privateNum":"+8617000000011","privateNumType":"mobile-virtual","areaCode":"010","areaMatchMode":"1",
			"recordFlag":"true","recordHintTone":"record.wav","calleeNumDisplay":"1","privateSms":"false",
			"preVoice":{"callerHintTone":"a.wav","calleeHintTone":"b.wav"},"maxDuration":1440,"lastMinVoice":"last.wav","callDirection":2,
			"turnFlag":"off","userData":"order 12/x=="}`, ok(y1)},
		"types of PHP": {`{"origNum":"13800000001","privateNum":"17000000011","privateNumType":"","recordFlag":"false","calleeNumDisplay":0,"privateSms":null,
			"preVoice":[],"maxDuration":30.0,"lastMinVoice":null,"callDirection":"1","turnFlag":"","userData":"","duration":"unknown here"}`, ok(y1)},
		"numbers as numbers":         {`{"origNum":13800000001,"privateNum":17000000011}`, ok(y1)},
		"in a city":                  {`{"origNum":"+8613800000001","areaCode":"010","privateNumType":"mobile-virtual"}`, ok(y3)},
		"in a city without its zero": {`{"origNum":"+8613800000001","areaCode":"10"}`, ok(y3)},
		"privateNum before areaCode": {`{"origNum":"+8613800000001","areaCode":"0755","privateNum":"+8617000000013"}`, ok(y3)},
		"nobody's city, loose":       {`{"origNum":"+8613800000001","areaMatchMode":1}`, ok("X")},
		"a city without, loose":      {`{"origNum":"+8613800000001","areaCode":"0571","areaMatchMode":"1"}`, ok("X")},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t).as(models.ModeAX)
			status, got := h.call(http.MethodPost, pathAX, tc.body)
			if tc.want == ok("X") { // any number of the app
				for _, x := range []string{y1, y2, y3} {
					got = strings.Replace(got, x, "X", 1)
				}
			}
			if status != http.StatusOK || golden(got) != tc.want {
				t.Errorf("got %d %s\nwant %s", status, golden(got), tc.want)
			}
		})
	}
}

func TestBindAXInAsOwnCity(t *testing.T) {
	h := newHouse(t).as(models.ModeAX)
	h.wants("a fixed line of Beijing", http.MethodPost, pathAX, `{"origNum":"+861012345678"}`, 200,
		`{"resultcode":"0","resultdesc":"Success","origNum":"+861012345678","privateNum":"+8617000000013","subscriptionId":"ID"}`)
}

func TestBindAXRefusals(t *testing.T) {
	h := newHouse(t).as(models.ModeAX)
	with := func(members string) string { return strings.TrimSuffix(bindA, "}") + members + "}" }
	for _, tc := range []struct{ what, body, want string }{
		{"no body", ``, invalid("origNum is missing.")},
		{"not JSON", `origNum=1`, invalid("the body is not a JSON object.")},
		{"no origNum", `{"privateNum":"+8617000000011"}`, invalid("origNum is missing.")},
		{"empty origNum", `{"origNum":"","privateNum":"+8617000000011"}`, invalid("origNum is missing.")},
		{"400", `{"origNum":"+864001234567","privateNum":"+8617000000011"}`, invalid("origNum is neither a mobile number nor a fixed line with its area code.")},
		{"words", `{"origNum":"Zhang San","privateNum":"+8617000000011"}`, invalid("origNum is not a telephone number in the form +<country><number>.")},
		{"abroad", `{"origNum":"+14155550100","privateNum":"+8617000000011"}`, invalid("origNum is a number abroad, which this platform does not connect.")},
		{"an X as A", `{"origNum":"+8617000000012","privateNum":"+8617000000011"}`, invalid("origNum is a private number of the platform.")},
		{"X as its own A", `{"origNum":"+8617000000011","privateNum":"+8617000000011"}`, invalid("origNum is a private number of the platform.")},
		{"neither X nor city", `{"origNum":"+8613800000001"}`, invalid("areaCode or privateNum is missing, and the city of origNum is not known.")},
		{"areaCode", `{"origNum":"+8613800000001","areaCode":"Shenzhen"}`, invalid("areaCode is a city code such as 0755.")},
		{"areaMatchMode", with(`,"areaMatchMode":"2"`), invalid("areaMatchMode is 0 (strict) or 1 (loose).")},
		{"privateNumType", with(`,"privateNumType":"fixed"`), invalid("privateNumType is mobile-virtual.")},
		{"calleeNumDisplay", with(`,"calleeNumDisplay":"2"`), invalid("calleeNumDisplay is 0 or 1.")},
		{"turnFlag", with(`,"turnFlag":"maybe"`), invalid("turnFlag is on or off.")},
		{"direction", with(`,"callDirection":3`), invalid("callDirection is 0, 1 or 2.")},
		{"direction below", with(`,"callDirection":-1`), invalid("callDirection is 0, 1 or 2.")},
		{"direction as words", with(`,"callDirection":"both"`), invalid("callDirection is an integer.")},
		{"maxDuration", with(`,"maxDuration":1441`), invalid("maxDuration is 0 to 1440 minutes.")},
		{"recordFlag", with(`,"recordFlag":"maybe"`), invalid("recordFlag is true or false.")},
		{"preVoice", with(`,"preVoice":"a.wav"`), invalid("preVoice is an object.")},
		{"tone name", with(`,"recordHintTone":"../secret.wav"`), invalid("recordHintTone is a file name of digits, letters and - _ . @, at most 128.")},
		{"unknown tone", with(`,"lastMinVoice":"none.wav"`), invalid("lastMinVoice: none.wav does not exist.")},
		{"unknown ring-back", with(`,"preVoice":{"callerHintTone":"none.wav"}`), invalid("preVoice.callerHintTone: none.wav does not exist.")},
		{"userData braces", with(`,"userData":"{}"`), invalid(sentenceUser)},
		{"userData long", with(`,"userData":"` + strings.Repeat("x", 257) + `"`), invalid("userData has at most 256 characters.")},
		{"sms", with(`,"privateSms":"true"`), wireResult("1020179", "Application does not enable sms function.")},
		{"another app's X", `{"origNum":"+8613800000001","privateNum":"+8617000000001"}`, foreign},
		{"nobody's X", `{"origNum":"+8613800000001","privateNum":"+8617099999999"}`, foreign},
		{"an X that is no number", `{"origNum":"+8613800000001","privateNum":"X"}`, foreign},
		{"no number in the city", `{"origNum":"+8613800000001","areaCode":"0571"}`, wireResult("1011002", "Insufficient number of resources.")},
	} {
		h.wants(tc.what, http.MethodPost, pathAX, tc.body, http.StatusForbidden, tc.want)
	}
	_, _, err := h.store.SetNumberState(t.Context(), y2, models.NumberBindFrozen, 0, nil)
	must(t, err)
	h.wants("a frozen X", http.MethodPost, pathAX, `{"origNum":"+8613800000001","privateNum":"+8617000000012"}`, 403,
		wireResult("1012102", "The number status is abnormal."))
	must(t, h.store.UpdateApp(t.Context(), h.app.ID, func(a *models.App) error { a.Record = false; return nil }))
	h.wants("recordFlag without the app's recording", http.MethodPost, pathAX, with(`,"recordFlag":true`), 403,
		wireResult("1012012", "The application does not open recording function."))
	if n := h.open(); n != 0 {
		t.Errorf("refused binds left %d bindings", n)
	}
}

func TestAnXBelongsToOneAWhoHasAtMostFive(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		h = h.as(models.ModeAX)
		taken, again := wireResult("1011005", "Resources have been allocated."), wireResult("1016002", "The record already exists.")
		h.bindAt(pathAX, bindA)
		h.wants("the same again", http.MethodPost, pathAX, bindA, 403, again)
		h.wants("another A", http.MethodPost, pathAX, `{"origNum":"+8613800000002","privateNum":"+8617000000011"}`, 403, taken)
		var more []models.Number
		for i := range 4 {
			more = append(more, models.Number{AppID: h.app.ID, Number: fmt.Sprintf("+861700000002%d", i), AreaCode: "0755"})
		}
		must(t, h.store.AddNumbers(t.Context(), more))
		for _, n := range more {
			h.bindAt(pathAX, `{"origNum":"+8613800000001","privateNum":"`+n.Number+`"}`)
		}
		h.wants("a sixth", http.MethodPost, pathAX, `{"origNum":"+8613800000001","privateNum":"+8617000000013"}`, 403, taken)
		h.wants("a sixth by city", http.MethodPost, pathAX, `{"origNum":"+8613800000001","areaCode":"010"}`, 403, taken)
		h.wants("somebody else", http.MethodPost, pathAX, `{"origNum":"+8613800000002","areaCode":"010"}`, 200,
			`{"resultcode":"0","resultdesc":"Success","origNum":"+8613800000002","privateNum":"+8617000000013","subscriptionId":"ID"}`)
		h.wants("the city is used up", http.MethodPost, pathAX, `{"origNum":"+8613800000003","areaCode":"010"}`, 403,
			wireResult("1011002", "Insufficient number of resources."))
	})
}

func TestUnbindAX(t *testing.T) {
	h := newHouse(t).as(models.ModeAX)
	id := h.bindAt(pathAX, bindA)
	h.wants("by id, which wins", http.MethodDelete, pathAX+"?subscriptionId="+id+"&privateNum=%2B8617000000012", "", 200, okAnswer)
	h.wants("again", http.MethodDelete, pathAX+"?subscriptionId="+id, "", 403, gone)
	for what, query := range map[string]string{
		"A and X":                   "origNum=%2B8613800000001&privateNum=%2B8617000000011",
		"X alone":                   "privateNum=%2B8617000000011",
		"X, plus unescaped":         "privateNum=+8617000000011",
		"X, and an A nobody reads":  "origNum=nonsense&privateNum=%2B8617000000011",
		"X in the words of a local": "privateNum=17000000011",
	} {
		h.bindAt(pathAX, bindA)
		h.wants(what, http.MethodDelete, pathAX+"?"+query, query, 200, okAnswer)
	}
	h.bindAt(pathAX, bindA)
	h.wants("only in a JSON body", http.MethodDelete, pathAX, `{"privateNum":"+8617000000011"}`, 200, okAnswer)
	h.wants("an X that nobody has", http.MethodDelete, pathAX+"?privateNum=%2B8617000000011", "", 403, wireResult("1011004", "Resource has not been applied."))
	h.wants("another app's X", http.MethodDelete, pathAX+"?privateNum=%2B8617000000001", "", 403, gone)
	h.wants("an X that is no number", http.MethodDelete, pathAX+"?privateNum=X", "", 403, foreign)
	h.wants("neither", http.MethodDelete, pathAX+"?origNum=%2B8613800000001", "", 403, invalid("subscriptionId or privateNum is missing."))
	h.wants("a long id", http.MethodDelete, pathAX+"?subscriptionId="+strings.Repeat("x", 65), "", 403, invalid("subscriptionId has at most 64 characters."))
}

func TestModifyAX(t *testing.T) {
	h := newHouse(t).as(models.ModeAX)
	id := h.bindAt(pathAX, `{"origNum":"+8613800000001","privateNum":"+8617000000011","recordFlag":true,"recordHintTone":"record.wav","maxDuration":5,
		"lastMinVoice":"last.wav","preVoice":{"callerHintTone":"a.wav","calleeHintTone":"b.wav"},"userData":"u"}`)
	byID := func(members string) string { return `{"subscriptionId":"` + id + `"` + members + `}` }
	byX := func(members string) string { return `{"privateNum":"+8617000000011"` + members + `}` }
	change := func(what, body string, ok func(b models.Binding) bool) {
		t.Helper()
		h.wants(what, http.MethodPut, pathAX, body, 200, okAnswer)
		if b := h.stored(id); !ok(b) {
			t.Errorf("%s made %s and %+v", what, b.A.Reveal(), b.BindingSettings)
		}
	}
	before := h.stored(id)
	change("nothing", byID(``), func(b models.Binding) bool { return b == before })
	change("by X", byX(`,"callDirection":"2","turnFlag":"off","calleeNumDisplay":"1"`), func(b models.Binding) bool {
		return b.Direction == models.OnlyBToA && b.DirectionGiven && b.Off && b.ShowCaller && b.Record && b.MaxDuration == 5 && b.PreVoiceA == "a.wav"
	})
	change("the id wins", byID(`,"privateNum":"+8617000000012","turnFlag":"on","calleeNumDisplay":"0"`), func(b models.Binding) bool {
		return b.X == y1 && !b.Off && !b.ShowCaller
	})
	change("tones away", byID(`,"recordHintTone":"","lastMinVoice":"","preVoice":{"calleeHintTone":""},"userData":"","recordFlag":"false","maxDuration":0`),
		func(b models.Binding) bool {
			return b.RecordHintTone == "" && b.LastMinVoice == "" && b.PreVoiceA == "a.wav" && b.PreVoiceB == "" && b.UserData == "" && !b.Record && b.MaxDuration == 0
		})
	change("the form of 2019", byX(`,"origNum":"+8613800000001","privateSms":"false"`), func(b models.Binding) bool {
		return !b.PrivateSMS && b.A.Reveal() == numA
	})
	change("another A by id", byID(`,"origNum":"+8613800000002"`), func(b models.Binding) bool { return b.A.Reveal() == numB && b.X == y1 })
	change("another A by X", byX(`,"origNum":"13800000003","maxDuration":120`), func(b models.Binding) bool { return b.A.Reveal() == numC && b.MaxDuration == 120 })
	change("an empty A", byX(`,"origNum":""`), func(b models.Binding) bool { return b.A.Reveal() == numC })

	before = h.stored(id)
	for _, tc := range []struct{ what, body, want string }{
		{"neither", `{"turnFlag":"on"}`, invalid("subscriptionId or privateNum is missing.")},
		{"an unknown id", `{"subscriptionId":"` + unknownID + `","turnFlag":"on"}`, gone},
		{"an X that is no number", `{"privateNum":"X"}`, foreign},
		{"another app's X", `{"privateNum":"+8617000000001"}`, gone},
		{"an X that nobody has", `{"privateNum":"+8617000000013"}`, gone},
		{"an A that is an X", byID(`,"origNum":"+8617000000012"`), invalid("origNum is a private number of the platform.")},
		{"an A that is no number", byID(`,"origNum":"A"`), invalid("origNum is not a telephone number in the form +<country><number>.")},
		{"range", byID(`,"maxDuration":1441`), invalid("maxDuration is 0 to 1440 minutes.")},
		{"turnFlag", byID(`,"turnFlag":"yes"`), invalid("turnFlag is on or off.")},
		{"tone", byID(`,"lastMinVoice":"none.wav"`), invalid("lastMinVoice: none.wav does not exist.")},
		{"sms", byID(`,"privateSms":true`), wireResult("1020179", "Application does not enable sms function.")},
	} {
		h.wants(tc.what, http.MethodPut, pathAX, tc.body, 403, tc.want)
	}
	if got := h.stored(id); got != before {
		t.Errorf("refused modifies changed %+v to %+v", before, got)
	}
}

func TestQueryAX(t *testing.T) {
	h := newHouse(t).as(models.ModeAX)
	id := h.bindAt(pathAX, `{"origNum":"+8613800000001","privateNum":"+8617000000011","recordFlag":true,"recordHintTone":"record.wav","calleeNumDisplay":"1",
		"preVoice":{"callerHintTone":"a.wav","calleeHintTone":"b.wav"},"maxDuration":60,"lastMinVoice":"last.wav","callDirection":0,"turnFlag":"off","userData":"a&b=<c>+"}`)
	full := `{"origNum":"+8613800000001","privateNum":"+8617000000011","privateNumType":"mobile-virtual","subscribeTime":"TIME","recordFlag":"true",` +
		`"recordHintTone":"record.wav","calleeNumDisplay":"1","privateSms":"true","preVoice":{"callerHintTone":"a.wav","calleeHintTone":"b.wav"},` +
		`"maxDuration":60,"lastMinVoice":"last.wav","callDirection":0,"turnFlag":"off","subscriptionId":"ID","userData":"a&b=<c>+"}`
	least := `{"origNum":"+8613800000001","privateNum":"+8617000000012","privateNumType":"mobile-virtual","subscribeTime":"TIME","recordFlag":"false",` +
		`"calleeNumDisplay":"0","privateSms":"true","preVoice":{"callerHintTone":"","calleeHintTone":""},` +
		`"maxDuration":0,"lastMinVoice":"","turnFlag":"on","subscriptionId":"ID","userData":""}`
	list := func(members ...string) string {
		return `{"resultcode":"0","resultdesc":"Success","privateNumList":[` + strings.Join(members, ",") + `]}`
	}
	h.wants("by A while he has one", http.MethodGet, pathAX+"?origNum=%2B8613800000001", "", 200, list(full))
	h.bindAt(pathAX, `{"origNum":"+8613800000001","privateNum":"+8617000000012"}`)
	h.bindAt(pathAX, `{"origNum":"+8613800000002","privateNum":"+8617000000013"}`)
	for what, tc := range map[string]struct{ query, want string }{
		"by id":                {"subscriptionId=" + id, list(full)},
		"the id before A":      {"subscriptionId=" + id + "&origNum=%2B8613800000002&privateNum=%2B8617000000013", list(full)},
		"by A, the last first": {"origNum=+8613800000001", list(least, full)},
		"A before X":           {"origNum=%2B8613800000001&privateNum=%2B8617000000013", list(least, full)},
		"by X":                 {"privateNum=17000000012", list(least)},
		"by X, A empty":        {"subscriptionId=&origNum=&privateNum=%2B8617000000011", list(full)},
	} {
		h.wants(what, http.MethodGet, pathAX+"?"+tc.query, tc.query, 200, tc.want)
	}
	for what, tc := range map[string]struct{ query, want string }{
		"an unknown id":          {"subscriptionId=" + unknownID, gone},
		"an A without":           {"origNum=%2B8613800000009", gone},
		"another app's X":        {"privateNum=%2B8617000000001", gone},
		"an X that is no number": {"privateNum=X", foreign},
		"an A that is no number": {"origNum=A", invalid("origNum is not a telephone number in the form +<country><number>.")},
		"none of the three":      {"", invalid("subscriptionId, origNum or privateNum is missing.")},
	} {
		h.wants(what, http.MethodGet, pathAX+"?"+tc.query, "", 403, tc.want)
	}
	h.call(http.MethodDelete, pathAX+"?subscriptionId="+id, "")
	h.wants("after the unbind", http.MethodGet, pathAX+"?subscriptionId="+id, "", 403, gone)
}

func TestTemporaryCallee(t *testing.T) {
	h := newHouse(t).as(models.ModeAX)
	id := h.bindAt(pathAX, bindA)
	// lives is how long the callee that A would reach now lives on, as the routing sees it.
	lives := func(callee string) time.Duration {
		t.Helper()
		sight, err := h.store.Sight(t.Context(), y1, models.MustParty(numA), models.NoExtension)
		must(t, err)
		to, live := sight.Route.TempLive(sight.Now)
		if !live || to.Reveal() != callee {
			t.Fatalf("A reaches %q (%t), want %s", to.Reveal(), live, callee)
		}
		return sight.Route.TempUntil.Sub(sight.Now).Round(10 * time.Second)
	}
	for _, tc := range []struct {
		what, body, callee string
		life               time.Duration
	}{
		{"by id", `{"subscriptionId":"` + id + `","calleeNum":"+8613800000002"}`, numB, time.Minute},
		{"again, overwriting", `{"subscriptionId":"` + id + `","calleeNum":"+8613800000003","duration":600}`, numC, 10 * time.Minute},
		{"by A and X", `{"origNum":"+8613800000001","privateNum":"+8617000000011","calleeNum":"13800000002","duration":"120"}`, numB, 2 * time.Minute},
		{"by X", `{"privateNum":"+8617000000011","calleeNum":"+8613800000004","duration":0,"userData":"x"}`, numD, time.Minute},
		{"the id wins", `{"subscriptionId":"` + id + `","origNum":"A","privateNum":"X","calleeNum":"+8613800000002"}`, numB, time.Minute},
		{"the longest", `{"subscriptionId":"` + id + `","calleeNum":"+8675528000001","duration":7776000}`, "+8675528000001", 90 * 24 * time.Hour},
	} {
		h.wants(tc.what, http.MethodPut, pathAXCallee, tc.body, 200, okAnswer)
		if got := lives(tc.callee); got != tc.life {
			t.Errorf("%s: lives %v, want %v", tc.what, got, tc.life)
		}
	}
	by := func(members string) string { return `{"subscriptionId":"` + id + `"` + members + `}` }
	for _, tc := range []struct{ what, body, want string }{
		{"neither", `{"calleeNum":"+8613800000002"}`, invalid("subscriptionId or privateNum is missing.")},
		{"no callee", by(``), invalid("calleeNum is missing.")},
		{"a callee that is no number", by(`,"calleeNum":"B"`), invalid("calleeNum is not a telephone number in the form +<country><number>.")},
		{"a callee abroad", by(`,"calleeNum":"+14155550100"`), invalid("calleeNum is a number abroad, which this platform does not connect.")},
		{"A himself", `{"origNum":"+8613800000001","privateNum":"+8617000000011","calleeNum":"+8613800000001"}`, invalid("origNum and calleeNum are the same number.")},
		{"A himself by id", by(`,"calleeNum":"+8613800000001"`), invalid("calleeNum is origNum itself.")},
		{"an X", by(`,"calleeNum":"+8617000000012"`), invalid("calleeNum is a private number of the platform.")},
		{"below the range", by(`,"calleeNum":"+8613800000002","duration":-1`), invalid("duration is 1 to 7776000 seconds.")},
		{"beyond the range", by(`,"calleeNum":"+8613800000002","duration":7776001`), invalid("duration is 1 to 7776000 seconds.")},
		{"an unknown id", `{"subscriptionId":"` + unknownID + `","calleeNum":"+8613800000002"}`, gone},
		{"an X of another A", `{"origNum":"+8613800000002","privateNum":"+8617000000011","calleeNum":"+8613800000003"}`, gone},
		{"another app's X", `{"privateNum":"+8617000000001","calleeNum":"+8613800000003"}`, gone},
		{"an X that nobody has", `{"privateNum":"+8617000000012","calleeNum":"+8613800000003"}`, gone},
	} {
		h.wants(tc.what, http.MethodPut, pathAXCallee, tc.body, 403, tc.want)
	}
	lives("+8675528000001")
	h.call(http.MethodDelete, pathAX+"?subscriptionId="+id, "")
	h.wants("after the unbind", http.MethodPut, pathAXCallee, by(`,"calleeNum":"+8613800000002"`), 403, gone)
}

func TestModifiedAMovesTheCalls(t *testing.T) {
	h := newHouse(t).as(models.ModeAX)
	id := h.bindAt(pathAX, bindA)
	h.wants("a callee", http.MethodPut, pathAXCallee, `{"subscriptionId":"`+id+`","calleeNum":"+8613800000004"}`, 200, okAnswer)
	h.wants("another A", http.MethodPut, pathAX, `{"subscriptionId":"`+id+`","origNum":"+8613800000002"}`, 200, okAnswer)
	for caller, want := range map[string]string{numC: numB, numA: numB, numB: ""} {
		sight, err := h.store.Sight(t.Context(), y1, models.MustParty(caller), models.NoExtension)
		must(t, err)
		if sight.Route == nil || sight.Route.Destination.Reveal() != want || !sight.Route.Temp.IsZero() {
			t.Errorf("%s reaches %+v, want %s", models.Mask(caller), sight.Route, models.Mask(want))
		}
	}
}

func TestRepeatOfAXGetsTheFirstAnswer(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		h = h.as(models.ModeAX)
		repeat := func(nonce, method, target, body string) string {
			t.Helper()
			first := h.send(signedAs(h.key, nonce, method, target, body))
			again := h.send(signedAs(h.key, nonce, method, target, body))
			if first.Code != 200 || again.Body.String() != first.Body.String() || again.Header().Get(replayedHeader) != "true" {
				t.Errorf("%s %s: first %d %s, again %s", method, target, first.Code, first.Body, again.Body)
			}
			return first.Body.String()
		}
		id := subscriptionField.FindStringSubmatch(repeat("n1", http.MethodPost, pathAX, bindA))[1]
		repeat("n2", http.MethodPut, pathAX, `{"subscriptionId":"`+id+`","userData":"v"}`)
		repeat("n3", http.MethodPut, pathAXCallee, `{"subscriptionId":"`+id+`","calleeNum":"+8613800000002"}`)
		repeat("n4", http.MethodDelete, pathAX+"?subscriptionId="+id, "")
		if h.open() != 0 {
			t.Errorf("%d bindings are left", h.open())
		}
	})
}

func TestAXIsForAppsOfAXAlone(t *testing.T) {
	h := newHouse(t)
	refused := wireResult("1010040", "The app_key is not allowed to invoke the API.")
	foreigners := map[string]*house{"AXB": h}
	foreigners["AXE"] = h.as(models.ModeAXE)
	for mode, h := range foreigners {
		for _, e := range ax.endpoints {
			h.wants(e.method+" of an app of "+mode, e.method, e.path, bindA, 403, refused)
		}
	}
	if _, total, err := h.store.Bindings(t.Context(), store.BindingFilter{}, models.Page{}); err != nil || total != 0 {
		t.Errorf("%d bindings, %v", total, err)
	}
}
