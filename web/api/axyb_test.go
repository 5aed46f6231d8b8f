package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"maskline/models"
)

// xyHouse is a house whose app is one of AXYB: two numbers in Shenzhen, y1 and y2, one in Beijing, y3.
func xyHouse(t testing.TB, edit ...func(*models.App)) *house {
	t.Helper()
	return newHouse(t).as(models.ModeAXYB, edit...)
}

func (h *house) axybPath(query string) string {
	if query != "" {
		query = "&" + query
	}
	return pathAXYB + "?app_key=" + h.key + query
}

var relationField = regexp.MustCompile(`"relationNumber":"(\+\d+)"`)

// bindXY does one step of a bind and gives its id and number.
func (h *house) bindXY(members string) (id, number string) {
	h.Helper()
	status, answer := h.call(http.MethodPost, h.axybPath(""), `{`+members+`}`)
	m, n := subscriptionField.FindStringSubmatch(answer), relationField.FindStringSubmatch(answer)
	if status != http.StatusOK || m == nil || n == nil {
		h.Fatalf("bind %s: %d %s", members, status, answer)
	}
	return m[1], n[1]
}

// bindX binds A in Shenzhen, bindY gives a B a Y of it.
func (h *house) bindX(a string) (id, x string) {
	h.Helper()
	return h.bindXY(`"origNum":"` + a + `","areaCode":"0755"`)
}

func (h *house) bindY(parent, b, area string) (id, y string) {
	h.Helper()
	return h.bindXY(`"origNum":"` + b + `","subscriptionId":"` + parent + `","areaCode":"` + area + `"`)
}

var (
	noRecord  = wireResult("1016001", "The record does not exist.")
	noNumber  = wireResult("1012008", "Insufficient number of resources.")
	otherMode = wireResult("1010040", "The app_key is not allowed to invoke the API.")
)

func TestAXYBBindsInTwoSteps(t *testing.T) {
	h := xyHouse(t)
	status, answer := h.call(http.MethodPost, h.axybPath(""), `{"origNum":"+8613800000001","areaCode":"755"}`)
	x := relationField.FindStringSubmatch(answer)
	if status != 200 || x == nil || golden(answer) != `{"resultcode":"0","resultdesc":"Success","subscriptionId":"ID","relationNumber":"`+x[1]+`"}` || x[1] == y3 {
		t.Fatalf("the first step: %d %s", status, answer)
	}
	id := subscriptionField.FindStringSubmatch(answer)[1]
	yb, y := h.bindY(id, numB, "0755")
	if y == x[1] || y == y3 || yb == id {
		t.Errorf("B's Y is %s of %s, A's X %s of %s", y, yb, x[1], id)
	}
	second := `{"origNum":"+8613800000003","subscriptionId":"` + id + `"`
	h.wants("each Y carries a binding once", http.MethodPost, h.axybPath(""), second+`,"areaCode":"0755","areaMatchMode":"0"}`, 403, noNumber)
	if _, y := h.bindXY(strings.TrimPrefix(second, "{") + `,"areaCode":"0755","areaMatchMode":1`); y != y3 {
		t.Errorf("a Y of another city is %s", y)
	}
	h.wants("no X in a city whose number is a Y", http.MethodPost, h.axybPath(""), `{"origNum":"+8613800000004","areaCode":"010"}`, 403, noNumber)
}

func TestAXYBChoosesYNearX(t *testing.T) {
	h := xyHouse(t)
	id, x := h.bindX(numA)
	_, y := h.bindXY(`"origNum":"+8613800000002","subscriptionId":"` + id + `"`)
	if y == x || y == y3 {
		t.Errorf("without an areaCode Y is %s, X %s", y, x)
	}
	h.wants("X's city has no more", http.MethodPost, h.axybPath(""), `{"origNum":"+8613800000003","subscriptionId":"`+id+`","areaMatchMode":"0"}`, 403, noNumber)
	if _, y := h.bindXY(`"origNum":"+8613800000003","subscriptionId":"` + id + `"`); y != y3 {
		t.Errorf("when X's city has no more Y is %s", y)
	}
}

// Sharing: a Y serves relations of several A, and one B may have a Y of each of them.
func TestAXYBSharesY(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		h = h.as(models.ModeAXYB)
		one, x := h.bindX(numA)
		_, y := h.bindY(one, numC, "010")
		two, x2 := h.bindX(numB)
		_, again := h.bindY(two, numC, "010")
		if y != y3 || again != y3 || x == x2 {
			t.Errorf("X %s and %s, Y %s and %s", x, x2, y, again)
		}
		h.wants("C has one of A already", http.MethodPost, h.axybPath(""), `{"origNum":"+8613800000003","subscriptionId":"`+one+`","areaMatchMode":1}`, 403,
			wireResult("1012010", "The number "+numC+" has been bound."))
		h.wants("A goes", http.MethodDelete, h.axybPath("subscriptionId="+one), "", 200, okAnswer)
		if h.open() != 2 {
			t.Errorf("%d bindings after one of two A went", h.open())
		}
	})
}

func TestAXYBBindTakesWhatClientsSend(t *testing.T) {
	for name, body := range map[string]string{
		"strings": `{"origNum":"+8613800000001","areaCode":"0755","areaMatchMode":"0","callDirection":"1","duration":"7200","ybDuration":"60",
			"recordFlag":"true","recordHintTone":"record.wav","preVoiceX":"a.wav","preVoiceY":"b.wav","userData":"u"}`,
		"numbers": `{"origNum":13800000001,"areaCode":"755","areaMatchMode":0,"callDirection":1,"duration":7200.0,"ybDuration":60,
			"recordFlag":true,"recordHintTone":"record.wav","preVoiceX":"a.wav","preVoiceY":"b.wav","userData":"u","subscriptionId":null,"more":1}`,
	} {
		h := xyHouse(t)
		status, answer := h.call(http.MethodPost, h.axybPath(""), body)
		if status != 200 {
			t.Fatalf("%s: %d %s", name, status, answer)
		}
		id := subscriptionField.FindStringSubmatch(answer)[1]
		b, err := h.store.Binding(t.Context(), h.app.ID, id)
		must(t, err)
		want := models.BindingSettings{Direction: models.OnlyAToB, DirectionGiven: true, Lifetime: 7200, YBLifetime: 60, Record: true, RecordHintTone: "record.wav",
			PreVoiceA: "a.wav", PreVoiceB: "b.wav", UserData: "u"}
		if b.BindingSettings != want || b.Mode != models.ModeAXYB || b.A.Reveal() != numA || b.Parent != "" || b.Y != "" {
			t.Errorf("%s: stored %+v", name, b)
		}
	}
}

func TestAXYBBindRefusals(t *testing.T) {
	h := xyHouse(t)
	id, x := h.bindX(numA)
	yb, y := h.bindY(id, numB, "0755")
	first := func(members string) string { return `{"origNum":"+8613800000005","areaCode":"0755"` + members + `}` }
	step := func(b, parent, members string) string {
		return `{"origNum":"` + b + `","subscriptionId":"` + parent + `"` + members + `}`
	}
	for _, tc := range []struct{ what, body, want string }{
		{"no origNum", `{"areaCode":"0755"}`, invalid("origNum is missing.")},
		{"no areaCode", `{"origNum":"+8613800000005"}`, invalid("areaCode is missing.")},
		{"a city that is none", `{"origNum":"+8613800000005","areaCode":"Shenzhen"}`, invalid("areaCode is a city code such as 0755.")},
		{"a city without numbers", `{"origNum":"+8613800000005","areaCode":"0571"}`, noNumber},
		{"no JSON", `origNum=1`, invalid("the body is not a JSON object.")},
		{"abroad", `{"origNum":"+14155550100","areaCode":"0755"}`, invalid("origNum is a number abroad, which this platform does not connect.")},
		{"areaMatchMode", first(`,"areaMatchMode":"2"`), invalid("areaMatchMode is 0 (strict) or 1 (loose).")},
		{"callDirection", first(`,"callDirection":3`), invalid("callDirection is 0, 1 or 2.")},
		{"duration", first(`,"duration":"59"`), invalid("duration is 0 or 60 to 7776000 seconds.")},
		{"duration in words", first(`,"duration":"a day"`), invalid("duration is an integer.")},
		{"ybDuration", first(`,"ybDuration":7776001`), invalid("ybDuration is 0 or 60 to 7776000 seconds.")},
		{"recordFlag", first(`,"recordFlag":"maybe"`), invalid("recordFlag is true or false.")},
		{"an unknown preVoiceX", first(`,"preVoiceX":"none.wav"`), invalid("preVoiceX: none.wav does not exist.")},
		{"an unknown preVoiceY", first(`,"preVoiceY":"none.wav"`), invalid("preVoiceY: none.wav does not exist.")},
		{"a preVoiceX elsewhere", first(`,"preVoiceX":"../a.wav"`), invalid("preVoiceX is a file name of digits, letters and - _ . @, at most 128.")},
		{"a hint tone", first(`,"recordHintTone":"none.wav"`), invalid("recordHintTone: none.wav does not exist.")},
		{"userData", first(`,"userData":"{}"`), invalid("userData holds no braces, no control and no Chinese characters; encode it as Base64.")},
		{"a long id", step(numC, strings.Repeat("x", 65), ""), invalid("subscriptionId has at most 64 characters.")},
		{"no such binding", step(numC, "00000000-1111-4222-8333-444444444444", ""), noRecord},
		{"a Y's id for a binding's", step(numC, yb, ""), noRecord},
		{"no B", `{"subscriptionId":"` + id + `"}`, invalid("origNum is missing.")},
		{"a tone for B", step(numC, id, `,"preVoiceY":"none.wav"`), invalid("preVoiceY: none.wav does not exist.")},
	} {
		h.wants(tc.what, http.MethodPost, h.axybPath(""), tc.body, 403, tc.want)
	}
	for what, body := range map[string]string{
		"A as his own B": step(numA, id, ""), "an X as B": step(x, id, ""), "a Y as A": `{"origNum":"` + y + `","areaCode":"0755"}`,
	} {
		if status, got := h.call(http.MethodPost, h.axybPath(""), body); status != 403 || !strings.Contains(got, `"1010002"`) {
			t.Errorf("%s: %d %s", what, status, got)
		}
	}
	if status, got := h.call(http.MethodPost, h.axybPath(""), step(numB, id, `,"areaCode":"010"`)); status != 403 {
		t.Errorf("B has a Y of this binding already: %d %s", status, got)
	}
	if h.open() != 2 {
		t.Errorf("refused binds left %d bindings", h.open()-2)
	}
}

func TestAXYBOfAnAppThatMayNotRecord(t *testing.T) {
	h := xyHouse(t, func(a *models.App) { a.Record = false })
	h.wants("recordFlag", http.MethodPost, h.axybPath(""), `{"origNum":"+8613800000001","areaCode":"0755","recordFlag":true}`, 403,
		wireResult("1012012", "The application does not open recording function."))
}

func TestAXYBFiveXForOneA(t *testing.T) {
	h := xyHouse(t)
	more := make([]models.Number, 6)
	for i := range more {
		more[i] = models.Number{AppID: h.app.ID, Number: fmt.Sprintf("+861700000010%d", i), AreaCode: "0755"}
	}
	must(t, h.store.AddNumbers(t.Context(), more))
	seen := map[string]bool{}
	for range 5 {
		_, x := h.bindX(numA)
		seen[x] = true
	}
	if len(seen) != 5 {
		t.Errorf("five binds gave %v", seen)
	}
	h.wants("a sixth", http.MethodPost, h.axybPath(""), `{"origNum":"+8613800000001","areaCode":"0755"}`, 403, wireResult("1011005", "Resources have been allocated."))
}

func TestAXYBAppKey(t *testing.T) {
	h := xyHouse(t)
	id, _ := h.bindX(numA)
	wrong := wireResult("1010003", "Invalid app_key.")
	for _, query := range []string{"", "app_key=", "app_key=" + testKey, "app_key=NOBODY"} {
		h.wants("bind "+query, http.MethodPost, pathAXYB+"?"+query, `{"origNum":"+8613800000003","areaCode":"0755"}`, 403, wrong)
		h.wants("query "+query, http.MethodGet, pathAXYB+"?"+query+"&subscriptionId="+id, "", 403, wrong)
		h.wants("unbind "+query, http.MethodDelete, pathAXYB+"?"+query+"&subscriptionId="+id, "", 403, wrong)
	}
	if h.open() != 1 {
		t.Errorf("%d bindings", h.open())
	}
}

func TestAXYBUnbind(t *testing.T) {
	h := xyHouse(t)
	var id, x string
	var yb, y [2]string
	again := func() {
		id, x = h.bindX(numA)
		yb[0], y[0] = h.bindY(id, numB, "0755")
		yb[1], y[1] = h.bindY(id, numC, "010")
	}
	q := func(s string) string {
		return h.axybPath(strings.NewReplacer("ID", id, "Y0", url.QueryEscape(y[0]), "Y1", url.QueryEscape(y[1]), "X", url.QueryEscape(x), "B0", yb[0]).Replace(s))
	}
	again()
	for what, tc := range map[string]struct{ query, want string }{
		"no id":                 {"yNum=Y0", invalid("subscriptionId is missing.")},
		"a yNum that is none":   {"subscriptionId=ID&yNum=abc", invalid("yNum is not a telephone number in the form +<country><number>.")},
		"a bNum that is none":   {"subscriptionId=ID&bNum=95588", invalid("bNum is neither a mobile number nor a fixed line with its area code.")},
		"unknown":               {"subscriptionId=00000000-1111-4222-8333-444444444444", noRecord},
		"no such Y":             {"subscriptionId=ID&yNum=X", noRecord},
		"no such B":             {"subscriptionId=ID&bNum=%2B8613800000004", noRecord},
		"yNum wins over a bNum": {"subscriptionId=ID&yNum=X&bNum=%2B8613800000002", noRecord},
	} {
		h.wants(what, http.MethodDelete, q(tc.query), "", 403, tc.want)
	}
	if w := h.send(signed(testKey, http.MethodDelete, q("subscriptionId=ID"), "")); w.Body.String() != otherMode {
		t.Errorf("an app of AXB unbound it: %s", w.Body)
	}
	if h.open() != 3 {
		t.Fatalf("%d bindings after what was refused", h.open())
	}
	h.wants("one Y", http.MethodDelete, q("subscriptionId=ID&yNum=Y0"), "", 200, okAnswer)
	h.wants("the same again", http.MethodDelete, q("subscriptionId=ID&yNum=Y0"), "", 403, noRecord)
	h.wants("one B, with a bare plus", http.MethodDelete, q("subscriptionId=ID&bNum=+8613800000003"), "", 200, okAnswer)
	if h.open() != 1 {
		t.Fatalf("%d bindings after two Y", h.open())
	}
	h.wants("the rest", http.MethodDelete, q("subscriptionId=ID"), "", 200, okAnswer)
	h.wants("the rest again", http.MethodDelete, q("subscriptionId=ID"), "", 403, noRecord)

	must(t, h.store.AddNumbers(t.Context(), []models.Number{ // the others cool off
		{AppID: h.app.ID, Number: "+8617000000021", AreaCode: "0755"}, {AppID: h.app.ID, Number: "+8617000000022", AreaCode: "0755"},
		{AppID: h.app.ID, Number: "+8617000000023", AreaCode: "010"},
	}))
	again()
	h.wants("a Y by its own id", http.MethodDelete, q("subscriptionId=B0"), "", 200, okAnswer)
	if h.open() != 2 {
		t.Fatalf("%d bindings after one Y by its own id", h.open())
	}
	h.wants("all, from the body", http.MethodDelete, q(""), `{"subscriptionId":"`+id+`"}`, 200, okAnswer)
	if h.open() != 0 {
		t.Errorf("%d bindings after the end", h.open())
	}
}

func TestAXYBQuery(t *testing.T) {
	h := xyHouse(t)
	id, x := h.bindXY(`"origNum":"+8613800000001","areaCode":"0755","callDirection":2,"duration":"7200","ybDuration":600,"recordFlag":"true",
		"recordHintTone":"record.wav","preVoiceX":"a.wav","preVoiceY":"b.wav","userData":"order=1"`)
	row := func(id, y, b, preY, data string) string {
		return fmt.Sprintf(`{"bindId":%q,"numA":"+8613800000001","numX":%q,"numY":%q,"numB":%q,"recordFlag":"true","recordHintTone":"record.wav","subscribeTime":"TIME",`+
			`"callDirection":2,"duration":"7200","ybDuration":"600","preVoiceX":"a.wav","preVoiceY":%q,"userData":%q}`, id, x, y, b, preY, data)
	}
	list := func(rows ...string) string {
		return `{"resultcode":"0","resultdesc":"Success","xyRelationNumList":[` + strings.Join(rows, ",") + `]}`
	}
	byID, byX := h.axybPath("subscriptionId="+id), h.axybPath("relationNum="+url.QueryEscape(x))
	alone := list(row(id, "", "", "b.wav", "order=1"))
	h.wants("A alone", http.MethodGet, byID, "", 200, alone)
	h.wants("A alone, by X", http.MethodGet, byX, "", 200, alone)
	h.wants("A alone, beyond the last page", http.MethodGet, byID+"&pageIndex=2", "", 200, list())

	yb, y := h.bindXY(`"origNum":"+8613800000002","subscriptionId":"` + id + `","areaCode":"0755"`)
	other, otherY := h.bindXY(`"origNum":"+861012345678","subscriptionId":"` + id + `","areaCode":"010","preVoiceY":"last.wav","userData":"order=2"`)
	first, second := row(yb, y, numB, "b.wav", "order=1"), row(other, otherY, "+861012345678", "last.wav", "order=2")
	h.wants("two Y", http.MethodGet, byID, "", 200, list(second, first))
	h.wants("two Y, by X", http.MethodGet, byX, "", 200, list(second, first))
	h.wants("the id wins", http.MethodGet, h.axybPath("subscriptionId="+yb+"&relationNum="+url.QueryEscape(x)), "", 200, list(first))
	h.wants("from the body", http.MethodGet, h.axybPath(""), `{"subscriptionId":"`+id+`"}`, 200, list(second, first))
	for what, tc := range map[string]struct{ query, want string }{
		"no such id":      {"subscriptionId=00000000-1111-4222-8333-444444444444", noRecord},
		"a Y for an X":    {"relationNum=" + url.QueryEscape(y), noRecord},
		"another app's X": {"relationNum=" + url.QueryEscape(xOther), notOursAnswer},
		"nobody's X":      {"relationNum=%2B8617099999999", notOursAnswer},
		"neither":         {"", invalid("subscriptionId or relationNum is missing.")},
	} {
		h.wants(what, http.MethodGet, h.axybPath(tc.query), "", 403, tc.want)
	}
	h.call(http.MethodDelete, byID, "")
	h.wants("after the unbind", http.MethodGet, byID, "", 403, noRecord)
	h.wants("after the unbind, by X", http.MethodGet, byX, "", 403, noRecord)
	h.wants("after the unbind, a Y", http.MethodGet, h.axybPath("subscriptionId="+yb), "", 403, noRecord)
}

func TestAXYBOverASocket(t *testing.T) {
	h := xyHouse(t)
	srv := httptest.NewServer(h.handler)
	defer srv.Close()
	j := newJavaClient(t, srv.URL, h.key)
	key := url.Values{"app_key": {h.key}}
	with := func(name, value string) url.Values { return url.Values{"app_key": {h.key}, name: {value}} }
	_, ax := j.ask(http.MethodPost, pathAXYB, map[string]any{"origNum": numA, "areaCode": "0755", "callDirection": 0, "duration": 7200, "recordFlag": true,
		"recordHintTone": "record.wav", "preVoiceX": "a.wav"}, key)
	id, _ := ax["subscriptionId"].(string)
	x, _ := ax["relationNumber"].(string)
	_, yb := j.ask(http.MethodPost, pathAXYB, map[string]any{"origNum": numB, "subscriptionId": id, "areaCode": "0755", "areaMatchMode": "1", "preVoiceY": "b.wav"}, key)
	y, _ := yb["relationNumber"].(string)
	if ax["resultcode"] != "0" || yb["resultcode"] != "0" || x == "" || y == "" || x == y {
		t.Fatalf("bind: %v, %v", ax, yb)
	}
	_, got := j.ask(http.MethodGet, pathAXYB, nil, with("relationNum", x))
	rows, _ := got["xyRelationNumList"].([]any)
	if len(rows) != 1 || rows[0].(map[string]any)["numY"] != y || rows[0].(map[string]any)["duration"] != "7200" {
		t.Errorf("query: %v", got)
	}
	if resp, got := j.ask(http.MethodDelete, pathAXYB, nil, with("subscriptionId", id)); resp.StatusCode != http.StatusOK || got["resultdesc"] != "Success" {
		t.Errorf("unbind: %d %v", resp.StatusCode, got)
	}
	if h.open() != 0 {
		t.Errorf("%d bindings are left", h.open())
	}
}
