package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"maskline/models"
)

const (
	bindE  = `{"virtualNum":"+8617000000011","bindNum":"+8613800000001","extendNum":"1234"}`
	noIdle = `{"resultcode":"1020167","resultdesc":"No idle extend Number."}`
)

func okAXE(x, e string) string {
	return `{"resultcode":"0","resultdesc":"Success","subscriptionId":"ID","virtualNum":"` + x + `","extendNum":"` + e + `"}`
}

func TestBindAXE(t *testing.T) {
	for name, tc := range map[string]struct{ body, want string }{
		"an extension asked for": {bindE, okAXE(y1, "1234")},
		"everything": {`{"virtualNum":"+8617000000011","areaCode":"010","areaMatchMode":"0","bindNum":"+8613800000001","extendNum":"0001","displayNumMode":"0",
			"recordFlag":"true","recordHintTone":"record.wav","callbackTone":"a.wav","timeUnit":"1","bindExpiredTime":525600,"callbackExpiredTime":"30",
			"userData":"order 12/x=="}`, okAXE(y1, "0001")},
		"types of PHP": {`{"virtualNum":"17000000011","bindNum":13800000001,"extendNum":7,"displayNumMode":0,"recordFlag":"false","callbackTone":null,
			"callbackNum":"","timeUnit":"0","bindExpiredTime":24.0,"userData":null,"maxDuration":"unknown here","preVoice":7}`, okAXE(y1, "7")},
		"a number to call back":  {strings.TrimSuffix(bindE, "}") + `,"callbackNum":"13900000001","callbackTone":""}`, okAXE(y1, "1234")},
		"an extension in a city": {`{"areaCode":"10","bindNum":"+8613800000001","extendNum":"5"}`, okAXE(y3, "5")},
		"in A's own city":        {`{"bindNum":"+861012345678","extendNum":"5"}`, okAXE(y3, "5")},
		"X before the city":      {`{"virtualNum":"+8617000000011","areaCode":"010","bindNum":"+8613800000001","extendNum":"5"}`, okAXE(y1, "5")},
	} {
		t.Run(name, func(t *testing.T) {
			newHouse(t).as(models.ModeAXE).wants(name, http.MethodPost, pathAXE, tc.body, 200, tc.want)
		})
	}
}

func TestAXEAllocatesExtensionsOfTheAppsLength(t *testing.T) {
	h := newHouse(t).as(models.ModeAXE, func(a *models.App) { a.Settings.Extension = models.ExtensionSettings{Digits: 1, PerNumber: 9} })
	seen := map[string]bool{}
	for i, empty := range []string{``, `,"extendNum":""`, `,"extendNum":null`, ``, ``, ``, ``, ``, ``} {
		body := fmt.Sprintf(`{"virtualNum":"+8617000000011","bindNum":"+861390000000%d"%s}`, i, empty)
		e := h.stored(h.bindAt(pathAXE, body)).Extension
		if len(e) != 1 || e == "0" || seen[e] {
			t.Errorf("extension %q, after %v", e, seen)
		}
		seen[e] = true
	}
	h.wants("none is left", http.MethodPost, pathAXE, `{"virtualNum":"+8617000000011","bindNum":"+8613800000001"}`, 403, noIdle)
	h.wants("two digits", http.MethodPost, pathAXE, `{"virtualNum":"+8617000000012","bindNum":"+8613800000001","extendNum":"12"}`, 403,
		invalid("extendNum has at most 1 digits in this app."))
}

func TestBindAXERefusals(t *testing.T) {
	h := newHouse(t).as(models.ModeAXE)
	with := func(members string) string { return strings.TrimSuffix(bindE, "}") + members + "}" }
	parties := func(x, a string) string { return fmt.Sprintf(`{"virtualNum":%q,"bindNum":%q,"extendNum":"1"}`, x, a) }
	badExtension := invalid("extendNum has 1 to 4 digits, not all 0.")
	for _, tc := range []struct{ what, body, want string }{
		{"no body", ``, invalid("bindNum is missing.")},
		{"not JSON", `bindNum=1`, invalid("the body is not a JSON object.")},
		{"no bindNum", `{"virtualNum":"+8617000000011"}`, invalid("bindNum is missing.")},
		{"95", parties(y1, "95588"), invalid("bindNum is neither a mobile number nor a fixed line with its area code.")},
		{"abroad", parties(y1, "+14155550100"), invalid("bindNum is a number abroad, which this platform does not connect.")},
		{"an X as A", parties(y1, y2), invalid("bindNum is a private number of the platform.")},
		{"neither X nor city", `{"bindNum":"+8613800000001"}`, invalid("areaCode or virtualNum is missing, and the city of bindNum is not known.")},
		{"virtualNum", parties("X", numA), invalid("virtualNum is not a telephone number in the form +<country><number>.")},
		{"areaMatchMode", with(`,"areaMatchMode":2`), invalid("areaMatchMode is 0 (strict) or 1 (loose).")},
		{"five digits", `{"virtualNum":"+8617000000011","bindNum":"+8613800000001","extendNum":"12345"}`, badExtension},
		{"nothing but 0", `{"virtualNum":"+8617000000011","bindNum":"+8613800000001","extendNum":"0000"}`, badExtension},
		{"a letter", `{"virtualNum":"+8617000000011","bindNum":"+8613800000001","extendNum":"12A"}`, badExtension},
		{"a star", `{"virtualNum":"+8617000000011","bindNum":"+8613800000001","extendNum":"*1"}`, badExtension},
		{"displayNumMode", with(`,"displayNumMode":"2"`), invalid("displayNumMode is 0 or 1.")},
		{"recordFlag", with(`,"recordFlag":"maybe"`), invalid("recordFlag is true or false.")},
		{"both callbacks", with(`,"callbackTone":"a.wav","callbackNum":"+8613900000001"`), invalid("callbackTone and callbackNum exclude each other.")},
		{"callbackNum", with(`,"callbackNum":"back"`), invalid("callbackNum is not a telephone number in the form +<country><number>.")},
		{"callbackNum is A", with(`,"callbackNum":"+8613800000001"`), invalid("callbackNum and bindNum are the same number.")},
		{"callbackNum is an X", with(`,"callbackNum":"+8617000000001"`), invalid("callbackNum is a private number of the platform.")},
		{"callbackTone", with(`,"callbackTone":"none.wav"`), invalid("callbackTone: none.wav does not exist.")},
		{"recordHintTone", with(`,"recordHintTone":"none.wav"`), invalid("recordHintTone: none.wav does not exist.")},
		{"timeUnit", with(`,"timeUnit":2`), invalid("timeUnit is 0 for hours or 1 for minutes.")},
		{"bindExpiredTime below", with(`,"bindExpiredTime":-1`), invalid("bindExpiredTime is 0 to 8760.")},
		{"bindExpiredTime above", with(`,"bindExpiredTime":8761`), invalid("bindExpiredTime is 0 to 8760.")},
		{"bindExpiredTime above, minutes", with(`,"timeUnit":1,"bindExpiredTime":525601`), invalid("bindExpiredTime is 0 to 525600.")},
		{"callbackExpiredTime above", with(`,"callbackExpiredTime":8761`), invalid("callbackExpiredTime is 0 to 8760.")},
		{"bindExpiredTime as words", with(`,"bindExpiredTime":"a day"`), invalid("bindExpiredTime is an integer.")},
		{"userData", with(`,"userData":"{}"`), invalid(sentenceUser)},
		{"another app's X", parties(x1, numA), foreign},
		{"nobody's X", parties("+8617099999999", numA), foreign},
		{"no number in the city", `{"areaCode":"0571","bindNum":"+8613800000001"}`, wireResult("1011002", "Insufficient number of resources.")},
	} {
		h.wants(tc.what, http.MethodPost, pathAXE, tc.body, http.StatusForbidden, tc.want)
	}
	_, _, err := h.store.SetNumberState(t.Context(), y2, models.NumberBindFrozen, 0, nil)
	must(t, err)
	h.wants("a frozen X", http.MethodPost, pathAXE, parties(y2, numA), 403, wireResult("1012102", "The number status is abnormal."))
	must(t, h.store.UpdateApp(t.Context(), h.app.ID, func(a *models.App) error { a.Record = false; return nil }))
	h.wants("recordFlag without the app's recording", http.MethodPost, pathAXE, with(`,"recordFlag":true`), 403,
		wireResult("1012012", "The application does not open recording function."))
	if n := h.open(); n != 0 {
		t.Errorf("refused binds left %d bindings", n)
	}
}

func TestAnExtensionIsOnesAlone(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		h = h.as(models.ModeAXE)
		h.bindAt(pathAXE, bindE)
		h.wants("the same again", http.MethodPost, pathAXE, bindE, 403, noIdle)
		h.wants("of somebody else", http.MethodPost, pathAXE, `{"virtualNum":"+8617000000011","bindNum":"+8613800000002","extendNum":"1234"}`, 403, noIdle)
		h.wants("on another X", http.MethodPost, pathAXE, `{"virtualNum":"+8617000000012","bindNum":"+8613800000002","extendNum":"1234"}`, 200, okAXE(y2, "1234"))
		h.wants("a second of the same A", http.MethodPost, pathAXE, `{"virtualNum":"+8617000000011","bindNum":"+8613800000001","extendNum":"1235"}`, 200, okAXE(y1, "1235"))
	})
}

func TestUnbindAXE(t *testing.T) {
	h := newHouse(t).as(models.ModeAXE)
	id := h.bindAt(pathAXE, bindE)
	h.wants("by id, which wins", http.MethodDelete, pathAXE+"?subscriptionId="+id+"&virtualNum=%2B8617000000012&extendNum=9", "", 200, okAnswer)
	h.wants("again", http.MethodDelete, pathAXE+"?subscriptionId="+id, "", 403, gone)
	h.bindAt(pathAXE, bindE)
	for what, tc := range map[string]struct{ query, want string }{
		"an extension nobody has": {"virtualNum=%2B8617000000011&extendNum=4321", gone},
		"an X nobody has":         {"virtualNum=%2B8617000000012&extendNum=1234", gone},
		"another app's X":         {"virtualNum=%2B8617000000001&extendNum=1234", gone},
		"X alone":                 {"virtualNum=%2B8617000000011", invalid("extendNum is missing.")},
		"the extension alone":     {"extendNum=1234", invalid("virtualNum is missing.")},
		"neither":                 {"", invalid("subscriptionId, or virtualNum and extendNum, is missing.")},
		"no extension":            {"virtualNum=%2B8617000000011&extendNum=12345", invalid("extendNum has 1 to 4 digits, not all 0.")},
	} {
		h.wants(what, http.MethodDelete, pathAXE+"?"+tc.query, "", 403, tc.want)
	}
	h.wants("by X and E", http.MethodDelete, pathAXE+"?virtualNum=+8617000000011&extendNum=1234", "", 200, okAnswer)
	h.bindAt(pathAXE, bindE)
	h.wants("only in a JSON body", http.MethodDelete, pathAXE, `{"virtualNum":"+8617000000011","extendNum":1234}`, 200, okAnswer)
}

func TestModifyAXE(t *testing.T) {
	h := newHouse(t).as(models.ModeAXE)
	id := h.bindAt(pathAXE, strings.TrimSuffix(bindE, "}")+`,"timeUnit":"0","bindExpiredTime":24,"callbackExpiredTime":12,"callbackTone":"a.wav",
		"recordFlag":true,"recordHintTone":"record.wav","userData":"u"}`)
	byID := func(members string) string { return `{"subscriptionId":"` + id + `"` + members + `}` }
	change := func(what, body string, ok func(b models.Binding) bool) {
		t.Helper()
		h.wants(what, http.MethodPut, pathAXE, body, 200, okAnswer)
		if b := h.stored(id); !ok(b) {
			t.Errorf("%s made it live %v with %+v", what, b.ExpiresAt.Sub(b.StartedAt), b.BindingSettings)
		}
	}
	life := func(b models.Binding) time.Duration { return b.ExpiresAt.Sub(b.StartedAt) }
	before := h.stored(id)
	change("nothing", byID(``), func(b models.Binding) bool { return b == before && life(b) == 24*time.Hour })
	change("by X and E", `{"virtualNum":"+8617000000011","extendNum":"1234","displayNumMode":"1","recordFlag":"false","recordHintTone":""}`,
		func(b models.Binding) bool {
			return b.ShowCaller && !b.Record && b.RecordHintTone == "" && b.UserData == "u"
		})
	change("a number in place of the tone", byID(`,"callbackNum":"13900000001"`), func(b models.Binding) bool {
		return b.CallbackNum == "+8613900000001" && b.CallbackTone == ""
	})
	change("a tone in place of the number", byID(`,"callbackTone":"b.wav"`), func(b models.Binding) bool { return b.CallbackNum == "" && b.CallbackTone == "b.wav" })
	change("both", byID(`,"callbackTone":"a.wav","callbackNum":"+8613900000002"`), func(b models.Binding) bool {
		return b.CallbackNum == "+8613900000002" && b.CallbackTone == ""
	})
	change("the number away", byID(`,"callbackNum":"","userData":""`), func(b models.Binding) bool {
		return b.CallbackNum == "" && b.CallbackTone == "" && b.UserData == ""
	})
	change("the same time", byID(`,"bindExpiredTime":24`), func(b models.Binding) bool { return b.StartedAt.After(before.StartedAt) && life(b) == 24*time.Hour })
	change("minutes", byID(`,"timeUnit":"1","bindExpiredTime":9000,"callbackExpiredTime":5`), func(b models.Binding) bool {
		return life(b) == 9000*time.Minute && b.CallbackTime == 5 && b.Unit() == time.Minute
	})
	change("more minutes, the unit as it is", byID(`,"bindExpiredTime":9001`), func(b models.Binding) bool { return life(b) == 9001*time.Minute })
	change("for ever", byID(`,"bindExpiredTime":"0"`), func(b models.Binding) bool { return b.ExpiresAt.IsZero() })
	h.wants("the query shows the times of the bind", http.MethodGet, pathAXE+"?subscriptionId="+id, "", 200,
		`{"resultcode":"0","resultdesc":"Success","subscriptionId":"ID","virtualNum":"+8617000000011","extendNum":"1234","bindNum":"+8613800000001",`+
			`"displayNumMode":"1","recordFlag":"false","recordHintTone":"","callbackTone":"","callbackNum":"","timeUnit":"0","bindExpiredTime":24,`+
			`"callbackExpiredTime":5,"userData":""}`)

	before = h.stored(id)
	for _, tc := range []struct{ what, body, want string }{
		{"neither", `{"userData":"v"}`, invalid("subscriptionId, or virtualNum and extendNum, is missing.")},
		{"an unknown id", `{"subscriptionId":"` + unknownID + `"}`, gone},
		{"an extension nobody has", `{"virtualNum":"+8617000000011","extendNum":"4321"}`, gone},
		{"another app's X", `{"virtualNum":"+8617000000001","extendNum":"1234"}`, gone},
		{"callbackNum is A", byID(`,"callbackNum":"+8613800000001"`), invalid("callbackNum and bindNum are the same number.")},
		{"callbackNum is an X", byID(`,"callbackNum":"+8617000000011"`), invalid("callbackNum is a private number of the platform.")},
		{"timeUnit", byID(`,"timeUnit":3`), invalid("timeUnit is 0 for hours or 1 for minutes.")},
		{"too many hours", byID(`,"timeUnit":0,"bindExpiredTime":8761`), invalid("bindExpiredTime is 0 to 8760.")},
		{"callbackTone", byID(`,"callbackTone":"none.wav"`), invalid("callbackTone: none.wav does not exist.")},
		{"displayNumMode", byID(`,"displayNumMode":"X"`), invalid("displayNumMode is 0 or 1.")},
	} {
		h.wants(tc.what, http.MethodPut, pathAXE, tc.body, 403, tc.want)
	}
	if got := h.stored(id); got != before {
		t.Errorf("refused modifies changed %+v to %+v", before, got)
	}
}

func TestQueryAXE(t *testing.T) {
	h := newHouse(t).as(models.ModeAXE)
	id := h.bindAt(pathAXE, strings.TrimSuffix(bindE, "}")+`,"displayNumMode":"0","recordFlag":true,"recordHintTone":"record.wav","callbackNum":"+8613900000001",
		"timeUnit":"1","bindExpiredTime":720,"callbackExpiredTime":30,"userData":"a&b=<c>+"}`)
	h.bindAt(pathAXE, `{"virtualNum":"+8617000000011","bindNum":"+8613800000002","extendNum":"1"}`)
	full := `{"resultcode":"0","resultdesc":"Success","subscriptionId":"ID","virtualNum":"+8617000000011","extendNum":"1234","bindNum":"+8613800000001",` +
		`"displayNumMode":"0","recordFlag":"true","recordHintTone":"record.wav","callbackTone":"","callbackNum":"+8613900000001","timeUnit":"1",` +
		`"bindExpiredTime":720,"callbackExpiredTime":30,"userData":"a&b=<c>+"}`
	least := `{"resultcode":"0","resultdesc":"Success","subscriptionId":"ID","virtualNum":"+8617000000011","extendNum":"1","bindNum":"+8613800000002",` +
		`"displayNumMode":"0","recordFlag":"false","recordHintTone":"","callbackTone":"","callbackNum":"","timeUnit":"0",` +
		`"bindExpiredTime":0,"callbackExpiredTime":0,"userData":""}`
	for what, tc := range map[string]struct{ query, want string }{
		"by id":      {"subscriptionId=" + id, full},
		"id wins":    {"subscriptionId=" + id + "&virtualNum=X&extendNum=1", full},
		"by X and E": {"virtualNum=+8617000000011&extendNum=1234", full},
		"the least":  {"virtualNum=17000000011&extendNum=1", least},
	} {
		h.wants(what, http.MethodGet, pathAXE+"?"+tc.query, tc.query, 200, tc.want)
	}
	for what, tc := range map[string]struct{ query, want string }{
		"an unknown id":           {"subscriptionId=" + unknownID, gone},
		"an extension nobody has": {"virtualNum=%2B8617000000011&extendNum=0001", gone},
		"another app's X":         {"virtualNum=%2B8617000000001&extendNum=1", gone},
		"X alone":                 {"virtualNum=%2B8617000000011", invalid("extendNum is missing.")},
	} {
		h.wants(what, http.MethodGet, pathAXE+"?"+tc.query, "", 403, tc.want)
	}
	h.call(http.MethodDelete, pathAXE+"?subscriptionId="+id, "")
	h.wants("after the unbind", http.MethodGet, pathAXE+"?subscriptionId="+id, "", 403, gone)
}

func TestAXEIsForAppsOfAXEAlone(t *testing.T) {
	h := newHouse(t)
	refused := wireResult("1010040", "The app_key is not allowed to invoke the API.")
	foreigners := map[string]*house{"AXB": h}
	foreigners["X"] = h.as(models.ModeX)
	for mode, h := range foreigners {
		for _, e := range axe.endpoints {
			h.wants(e.method+" of an app of "+mode, e.method, e.path, bindE, 403, refused)
		}
	}
}
