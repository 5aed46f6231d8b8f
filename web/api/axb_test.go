package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"maskline/models"
	"maskline/models/store"
)

func TestBindAnswers(t *testing.T) {
	ok := func(x string, rest string) string {
		return `{"resultcode":"0","resultdesc":"Success","subscriptionId":"ID","relationNum":"` + x + `",` + rest + `}`
	}
	const plain = `"callDirection":0,"duration":0,"maxDuration":0`
	for name, tc := range map[string]struct{ body, want string }{
		"the least": {`{"callerNum":"+8613800000001","calleeNum":"+8613800000002","relationNum":"+8617000000001"}`, ok(x1, plain)},
		"everything": {`{"callerNum":"+8613800000001","calleeNum":"+8613800000002","relationNum":"+8617000000001","areaCode":"010","areaMatchMode":"1",
			"callDirection":1,"duration":7776000,"recordFlag":"true","recordHintTone":"record.wav","maxDuration":1440,"lastMinVoice":"last.wav",
			"privateSms":"false","preVoice":{"callerHintTone":"a.wav","calleeHintTone":"b.wav"},"userData":"order 12/x=="}`,
			ok(x1, `"callDirection":1,"duration":7776000,"maxDuration":1440`)},
		"types of PHP": {`{"callerNum":"13800000001","calleeNum":"0755-28000001","relationNum":"17000000001","callDirection":"2","duration":"60","recordFlag":"false",
			"maxDuration":30.0,"lastMinVoice":null,"preVoice":[],"userData":"","more":{"unknown":[1]}}`,
			ok(x1, `"callDirection":2,"duration":60,"maxDuration":30`)},
		"in a city":                    {`{"callerNum":"+8613800000001","calleeNum":"+8613800000002","areaCode":"010"}`, ok(x3, plain)},
		"in a city, without its zero":  {`{"callerNum":"+8613800000001","calleeNum":"+8613800000002","areaCode":"10"}`, ok(x3, plain)},
		"in the city of a fixed line":  {`{"callerNum":"+861012345678","calleeNum":"+8613800000002"}`, ok(x3, plain)},
		"relationNum before areaCode":  {`{"callerNum":"+8613800000001","calleeNum":"+8613800000002","areaCode":"0755","relationNum":"+8617000000003"}`, ok(x3, plain)},
		"last minute without a limit":  {`{"callerNum":"+8613800000001","calleeNum":"+8613800000002","areaCode":"010","lastMinVoice":"last.wav"}`, ok(x3, plain)},
		"numbers as numbers":           {`{"callerNum":13800000001,"calleeNum":8613800000002,"relationNum":17000000001}`, ok(x1, plain)},
		"area code of A's city, loose": {`{"callerNum":"+862112345678","calleeNum":"+8613800000002","areaMatchMode":1,"relationNum":""}`, ok("X", plain)},
		"nobody's city, loose":         {`{"callerNum":"+8613800000001","calleeNum":"+8613800000002","areaMatchMode":"1"}`, ok("X", plain)},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			status, got := h.call(http.MethodPost, pathAXB, tc.body)
			if strings.Contains(tc.want, `"relationNum":"X"`) { // any number of the app
				for _, x := range []string{x1, x2, x3} {
					got = strings.Replace(got, `"relationNum":"`+x+`"`, `"relationNum":"X"`, 1)
				}
			}
			if status != http.StatusOK || golden(got) != tc.want {
				t.Errorf("got %d %s\nwant %s", status, golden(got), tc.want)
			}
		})
	}
}

func TestBindRefusals(t *testing.T) {
	h := newHouse(t)
	// with replaces members of a good body.
	with := func(members string) string {
		return `{"callerNum":"+8613800000001","calleeNum":"+8613800000002","relationNum":"+8617000000001"` + members + `}`
	}
	parties := func(a, b string) string {
		return fmt.Sprintf(`{"callerNum":%q,"calleeNum":%q,"relationNum":"+8617000000001"}`, a, b)
	}
	for _, tc := range []struct{ what, body, want string }{
		{"no body", ``, invalid("callerNum is missing.")},
		{"not JSON", `callerNum=1`, invalid("the body is not a JSON object.")},
		{"no callerNum", `{"calleeNum":"+8613800000002","relationNum":"+8617000000001"}`, invalid("callerNum is missing.")},
		{"no calleeNum", `{"callerNum":"+8613800000001","relationNum":"+8617000000001"}`, invalid("calleeNum is missing.")},
		{"empty callerNum", parties("", numB), invalid("callerNum is missing.")},
		{"400", parties("+864001234567", numB), invalid("callerNum is neither a mobile number nor a fixed line with its area code.")},
		{"95", parties(numA, "95588"), invalid("calleeNum is neither a mobile number nor a fixed line with its area code.")},
		{"short", parties("+8613800", numB), invalid("callerNum is neither a mobile number nor a fixed line with its area code.")},
		{"words", parties("Zhang San", numB), invalid("callerNum is not a telephone number in the form +<country><number>.")},
		{"abroad", parties("+14155550100", numB), invalid("callerNum is a number abroad, which this platform does not connect.")},
		{"himself", parties(numA, "013800000001"), invalid("callerNum and calleeNum are the same number.")},
		{"a private number as a party", parties(x2, numB), invalid("callerNum is a private number of the platform.")},
		{"direction", with(`,"callDirection":3`), invalid("callDirection is 0, 1 or 2.")},
		{"direction as words", with(`,"callDirection":"both"`), invalid("callDirection is an integer.")},
		{"duration 59", with(`,"duration":59`), invalid("duration is 0 or 60 to 7776000 seconds.")},
		{"duration above", with(`,"duration":"7776001"`), invalid("duration is 0 or 60 to 7776000 seconds.")},
		{"duration huge", with(`,"duration":1e99`), invalid("duration is an integer.")},
		{"maxDuration", with(`,"maxDuration":1441`), invalid("maxDuration is 0 to 1440 minutes.")},
		{"maxDuration half", with(`,"maxDuration":0.5`), invalid("maxDuration is an integer.")},
		{"recordFlag", with(`,"recordFlag":"maybe"`), invalid("recordFlag is true or false.")},
		{"preVoice", with(`,"preVoice":"a.wav"`), invalid("preVoice is an object.")},
		{"preVoice inside", with(`,"preVoice":{"callerHintTone":{}}`), invalid("callerHintTone is a string.")},
		{"tone name", with(`,"recordHintTone":"../secret.wav"`), invalid("recordHintTone is a file name of digits, letters and - _ . @, at most 128.")},
		{"unknown tone", with(`,"maxDuration":5,"lastMinVoice":"none.wav"`), invalid("lastMinVoice: none.wav does not exist.")},
		{"unknown tone, as documented", with(`,"maxDuration":5,"lastMinVoice":"lastMinVoice.wav"`), invalid("lastMinVoice.wav does not exist.")},
		{"unknown ring-back", with(`,"preVoice":{"calleeHintTone":"none.wav"}`), invalid("preVoice.calleeHintTone: none.wav does not exist.")},
		{"userData braces", with(`,"userData":"{}"`), invalid("userData holds no braces, no control and no Chinese characters; encode it as Base64.")},
		{"userData Chinese", with(`,"userData":"订单"`), invalid("userData holds no braces, no control and no Chinese characters; encode it as Base64.")},
		{"userData long", with(`,"userData":"` + strings.Repeat("x", 257) + `"`), invalid("userData has at most 256 characters.")},
		{"areaMatchMode", with(`,"areaMatchMode":"2"`), invalid("areaMatchMode is 0 (strict) or 1 (loose).")},
		{"areaCode", `{"callerNum":"+8613800000001","calleeNum":"+8613800000002","areaCode":"Shenzhen"}`, invalid("areaCode is a city code such as 0755.")},
		{"nobody's city", `{"callerNum":"+8613800000001","calleeNum":"+8613800000002"}`,
			invalid("areaCode or relationNum is missing, and the city of callerNum is not known.")},
		{"relationNum", `{"callerNum":"+8613800000001","calleeNum":"+8613800000002","relationNum":"X"}`,
			invalid("relationNum is not a telephone number in the form +<country><number>.")},
		{"twice", with(`,"duration":60,"duration":61`), invalid("duration stands twice with different values.")},
		{"sms", with(`,"privateSms":"true"`), wireResult("1020179", "Application does not enable sms function.")},
		{"another app's X", `{"callerNum":"+8613800000001","calleeNum":"+8613800000002","relationNum":"+8617000000009"}`, notOursAnswer},
		{"nobody's X", `{"callerNum":"+8613800000001","calleeNum":"+8613800000002","relationNum":"+8617099999999"}`, notOursAnswer},
		{"no number in the city", `{"callerNum":"+8613800000001","calleeNum":"+8613800000002","areaCode":"0571"}`,
			wireResult("1012008", "Insufficient number of resources.")},
	} {
		h.wants(tc.what, http.MethodPost, pathAXB, tc.body, http.StatusForbidden, tc.want)
	}
	if _, total, err := h.store.Bindings(t.Context(), store.BindingFilter{}, models.Page{}); err != nil || total != 0 {
		t.Errorf("refused binds left %d bindings, %v", total, err)
	}

	w := h.send(signed("OTHERKEY", http.MethodPost, pathAXB, `{"callerNum":"+8613800000001","calleeNum":"+8613800000002","relationNum":"+8617000000009","recordFlag":true}`))
	if got := w.Body.String(); got != wireResult("1012012", "The application does not open recording function.") {
		t.Errorf("recordFlag without the app's recording: %s", got)
	}
	w = h.send(signed("OTHERKEY", http.MethodPost, pathAXB, `{"callerNum":"+8613800000001","calleeNum":"+8613800000002","relationNum":"+8617000000009","privateSms":true}`))
	if w.Code != http.StatusOK {
		t.Errorf("privateSms of an app with SMS: %s", w.Body)
	}
	_, _, err := h.store.SetNumberState(t.Context(), x2, models.NumberBindFrozen, 0, nil)
	must(t, err)
	h.wants("a frozen X", http.MethodPost, pathAXB, `{"callerNum":"+8613800000001","calleeNum":"+8613800000002","relationNum":"+8617000000002"}`,
		http.StatusForbidden, wireResult("1012102", "The number status is abnormal."))
}

func TestConflictsNameTheNumber(t *testing.T) {
	h := newHouse(t)
	body := func(a, b, x string) string {
		return fmt.Sprintf(`{"callerNum":%q,"calleeNum":%q,"relationNum":%q}`, a, b, x)
	}
	h.bindOK(body(numA, numB, x1))
	h.bindOK(body(numC, numD, x1))
	h.bindOK(body(numA, numC, x2))
	for _, tc := range []struct{ a, b, taken string }{{numA, "+8613800000009", numA}, {"+8613800000009", numB, numB}, {"+8613800000009", numA, numA}} {
		h.wants("conflict", http.MethodPost, pathAXB, body(tc.a, tc.b, x1), http.StatusForbidden, wireResult("1012010", "The number "+tc.taken+" has been bound."))
	}
}

func TestUnbind(t *testing.T) {
	h := newHouse(t)
	bind := func(a, b, x string) string {
		return h.bindOK(fmt.Sprintf(`{"callerNum":%q,"calleeNum":%q,"relationNum":%q}`, a, b, x))
	}
	first := bind(numA, numB, x1)
	bind(numC, numD, x1)
	h.wants("by id", http.MethodDelete, pathAXB+"?subscriptionId="+first+"&relationNum=%2B8617000000001", "", 200, okAnswer)
	h.wants("again", http.MethodDelete, pathAXB+"?subscriptionId="+first, "", 403, missingAnswer)
	if _, total, _ := h.store.Bindings(t.Context(), store.BindingFilter{Open: true}, models.Page{}); total != 1 {
		t.Errorf("unbinding one left %d of two", total)
	}
	bind(numA, numB, x1)
	h.wants("all of X, plus unescaped", http.MethodDelete, pathAXB+"?relationNum=+8617000000001", "", 200, okAnswer)
	h.wants("an X without bindings", http.MethodDelete, pathAXB+"?relationNum=%2B8617000000001", "", 403, missingAnswer)
	bind(numA, numB, x1)
	h.wants("only in a JSON body", http.MethodDelete, pathAXB, `{"relationNum":"+8617000000001"}`, 200, okAnswer)
	h.wants("another app's X", http.MethodDelete, pathAXB+"?relationNum=%2B8617000000009", "", 403, notOursAnswer)
	h.wants("neither", http.MethodDelete, pathAXB, "", 403, invalid("subscriptionId or relationNum is missing."))
	h.wants("a long id", http.MethodDelete, pathAXB+"?subscriptionId="+strings.Repeat("x", 65), "", 403, invalid("subscriptionId has at most 64 characters."))
	mine := bind(numA, numB, x1)
	if w := h.send(signed("OTHERKEY", http.MethodDelete, pathAXB+"?subscriptionId="+mine, "")); w.Body.String() != missingAnswer {
		t.Errorf("another app unbound it: %s", w.Body)
	}
}

func TestModify(t *testing.T) {
	h := newHouse(t)
	id := h.bindOK(`{"callerNum":"+8613800000001","calleeNum":"+8613800000002","relationNum":"+8617000000001","duration":600,"maxDuration":5,
		"lastMinVoice":"last.wav","recordFlag":true,"recordHintTone":"record.wav","preVoice":{"callerHintTone":"a.wav","calleeHintTone":"b.wav"},"userData":"u"}`)
	h.bindOK(`{"callerNum":"+8613800000003","calleeNum":"+8613800000004","relationNum":"+8617000000001"}`)
	stored := func() models.Binding {
		b, err := h.store.Binding(context.Background(), h.app.ID, id)
		must(t, err)
		return b
	}
	put := func(members string) string { return `{"subscriptionId":"` + id + `"` + members + `}` }

	before := stored()
	h.wants("nothing", http.MethodPut, pathAXB, put(``), 200, okAnswer)
	if stored() != before {
		t.Errorf("a modify of nothing changed %+v to %+v", before, stored())
	}
	h.wants("the same duration", http.MethodPut, pathAXB, put(`,"duration":"600"`), 200, okAnswer)
	if b := stored(); !b.StartedAt.After(before.StartedAt) || !b.ExpiresAt.After(before.ExpiresAt) {
		t.Errorf("the same duration did not start the clock anew: %v, %v", before.ExpiresAt, b.ExpiresAt)
	}
	h.wants("tones away", http.MethodPut, pathAXB, put(`,"lastMinVoice":"","recordHintTone":"","preVoice":{"callerHintTone":""},"userData":""`), 200, okAnswer)
	if b := stored(); b.LastMinVoice != "" || b.RecordHintTone != "" || b.PreVoiceA != "" || b.PreVoiceB != "b.wav" || b.UserData != "" || !b.Record || b.MaxDuration != 5 {
		t.Errorf("clearing tones made %+v", b.BindingSettings)
	}
	h.wants("for ever", http.MethodPut, pathAXB, put(`,"duration":0,"maxDuration":0,"callDirection":2,"recordFlag":"false"`), 200, okAnswer)
	if b := stored(); !b.ExpiresAt.IsZero() || b.Lifetime != 0 || b.MaxDuration != 0 || b.Direction != models.OnlyBToA || b.Record {
		t.Errorf("for ever made %+v", b)
	}
	h.wants("another B", http.MethodPut, pathAXB, put(`,"calleeNum":"+8613800000007","callerNum":""`), 200, okAnswer)
	if b := stored(); b.A.Reveal() != numA || b.B.Reveal() != "+8613800000007" {
		t.Errorf("another B made %s and %s", b.A.Reveal(), b.B.Reveal())
	}
	before = stored()
	for _, tc := range []struct{ what, body, want string }{
		{"a taken B", put(`,"calleeNum":"+8613800000004","duration":60`), wireResult("1012010", "The number "+numD+" has been bound.")},
		{"himself", put(`,"calleeNum":"+8613800000001"`), invalid("callerNum and calleeNum are the same number.")},
		{"range", put(`,"duration":59`), invalid("duration is 0 or 60 to 7776000 seconds.")},
		{"tone", put(`,"lastMinVoice":"none.wav"`), invalid("lastMinVoice: none.wav does not exist.")},
		{"no id", `{"duration":60}`, invalid("subscriptionId is missing.")},
		{"unknown", `{"subscriptionId":"00000000-1111-4222-8333-444444444444"}`, missingAnswer},
	} {
		h.wants(tc.what, http.MethodPut, pathAXB, tc.body, 403, tc.want)
	}
	if stored() != before {
		t.Errorf("refused modifies changed %+v to %+v", before, stored())
	}
}

func TestQuery(t *testing.T) {
	h := newHouse(t)
	id := h.bindOK(`{"callerNum":"+8613800000001","calleeNum":"+8613800000002","relationNum":"+8617000000001","callDirection":1,"duration":86400,"maxDuration":60,
		"lastMinVoice":"last.wav","recordFlag":true,"recordHintTone":"record.wav","preVoice":{"callerHintTone":"a.wav","calleeHintTone":"b.wav"},"userData":"a&b=<c>+"}`)
	one := `{"subscriptionId":"ID","relationNum":"+8617000000001","callerNum":"+8613800000001","calleeNum":"+8613800000002","callDirection":1,"duration":86400,` +
		`"maxDuration":60,"lastMinVoice":"last.wav","recordFlag":"true","recordHintTone":"record.wav","privateSms":"true",` +
		`"preVoice":{"callerHintTone":"a.wav","calleeHintTone":"b.wav"},"subscribeTime":"TIME","userData":"a&b=<c>+"}`
	found := `{"resultcode":"0","resultdesc":"Success","totalCount":1,"pageIndex":1,"relationNumList":[` + one + `]}`
	h.bindOK(`{"callerNum":"+8613800000003","calleeNum":"+8613800000004","relationNum":"+8617000000001"}`)
	for what, q := range map[string]string{
		"by id":            "subscriptionId=" + id,
		"the id wins":      "subscriptionId=" + id + "&relationNum=%2B8617000000002",
		"X and A":          "relationNum=%2B8617000000001&callerNum=%2B8613800000001",
		"X and B":          "relationNum=+8617000000001&calleeNum=+8613800000002",
		"X, A and B":       "relationNum=17000000001&callerNum=13800000001&calleeNum=13800000002",
		"with a fair page": "subscriptionId=" + id + "&pageIndex=1&pageSize=20",
		"with a bad page":  "subscriptionId=" + id + "&pageIndex=0&pageSize=5",
	} {
		h.wants(what, http.MethodGet, pathAXB+"?"+q, q, 200, found)
	}
	for what, tc := range map[string]struct{ query, want string }{
		"no such id":      {"subscriptionId=00000000-1111-4222-8333-444444444444", missingAnswer},
		"no such pair":    {"relationNum=%2B8617000000001&callerNum=%2B8613800000001&calleeNum=%2B8613800000004", missingAnswer},
		"an X unbound":    {"relationNum=%2B8617000000002", missingAnswer},
		"another app's X": {"relationNum=%2B8617000000009", notOursAnswer},
		"nobody's X":      {"relationNum=%2B8617099999999", notOursAnswer},
		"neither":         {"callerNum=%2B8613800000001", invalid("subscriptionId or relationNum is missing.")},
		"a page of words": {"subscriptionId=" + id + "&pageIndex=x", invalid("pageIndex is an integer.")},
		"a page too far":  {"subscriptionId=" + id + "&pageIndex=1000001", invalid("pageIndex is 1 to 1000000.")},
	} {
		h.wants(what, http.MethodGet, pathAXB+"?"+tc.query, "", 403, tc.want)
	}
	h.call(http.MethodDelete, pathAXB+"?subscriptionId="+id, "")
	h.wants("after the unbind", http.MethodGet, pathAXB+"?subscriptionId="+id, "", 403, missingAnswer)
}

func TestQueryPages(t *testing.T) {
	h := newHouse(t)
	for i := range 23 {
		h.bindOK(fmt.Sprintf(`{"callerNum":"+8613900000%03d","calleeNum":"+8613700000%03d","relationNum":"+8617000000001"}`, i, i))
	}
	seen := map[string]bool{}
	for page, want := range []int{10, 10, 3, 0} {
		q := url.Values{"relationNum": {x1}, "pageIndex": {fmt.Sprint(page + 1)}, "pageSize": {"10"}}
		status, body := h.call(http.MethodGet, pathAXB+"?"+q.Encode(), "")
		ids := subscriptionField.FindAllString(body, -1)
		if status != 200 || len(ids) != want || !strings.Contains(body, fmt.Sprintf(`"totalCount":23,"pageIndex":%d,`, page+1)) {
			t.Errorf("page %d: %d, %d rows of %d: %.120s", page+1, status, len(ids), want, body)
		}
		for _, id := range ids {
			seen[id] = true
		}
	}
	if len(seen) != 23 {
		t.Errorf("the pages show %d of 23 bindings", len(seen))
	}
}
