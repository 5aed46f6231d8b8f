package api

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"maskline/models"
	"maskline/models/store"
)

// trespasses are requests of another tenant's app, by endpoint, that name what is not his: ID is the victim's binding, and numbers are his. None may
// be answered with "0" or tell anything, and nothing of his may change. An endpoint without an entry fails the test.
var trespasses = map[string][]string{
	"POST " + pathAXB:                    {`{"relationNum":"` + y1 + `","callerNum":"` + numC + `","calleeNum":"` + numD + `"}`},
	"PUT " + pathAXB:                     {`{"subscriptionId":"ID","callerNum":"` + numC + `"}`, `{"subscriptionId":"ID","calleeNum":"` + numD + `"}`, `{"subscriptionId":"ID","userData":"mine"}`},
	"DELETE " + pathAXB:                  {`{"subscriptionId":"ID"}`, `{"relationNum":"` + y1 + `"}`, `{"subscriptionId":"ID","relationNum":"` + y1 + `"}`},
	"GET " + pathAXB:                     {`{"subscriptionId":"ID"}`, `{"relationNum":"` + y1 + `"}`},
	"POST " + pathAX:                     {`{"origNum":"` + numC + `","privateNum":"` + y1 + `"}`},
	"PUT " + pathAX:                      {`{"subscriptionId":"ID","turnFlag":"off"}`, `{"origNum":"` + numA + `","privateNum":"` + y1 + `","turnFlag":"off"}`},
	"DELETE " + pathAX:                   {`{"subscriptionId":"ID"}`, `{"origNum":"` + numA + `","privateNum":"` + y1 + `"}`},
	"GET " + pathAX:                      {`{"subscriptionId":"ID"}`, `{"origNum":"` + numA + `"}`, `{"privateNum":"` + y1 + `"}`},
	"PUT " + pathAXCallee:                {`{"subscriptionId":"ID","calleeNum":"` + numC + `"}`, `{"origNum":"` + numA + `","privateNum":"` + y1 + `","calleeNum":"` + numC + `"}`},
	"POST " + pathAXE:                    {`{"virtualNum":"` + y1 + `","bindNum":"` + numC + `"}`, `{"virtualNum":"` + y1 + `","bindNum":"` + numC + `","extendNum":"7"}`},
	"PUT " + pathAXE:                     {`{"subscriptionId":"ID","bindNum":"` + numC + `"}`, `{"virtualNum":"` + y1 + `","extendNum":"7","bindNum":"` + numC + `"}`},
	"DELETE " + pathAXE:                  {`{"subscriptionId":"ID"}`, `{"virtualNum":"` + y1 + `","extendNum":"7"}`, `{"virtualNum":"` + y1 + `"}`},
	"GET " + pathAXE:                     {`{"subscriptionId":"ID"}`, `{"virtualNum":"` + y1 + `"}`, `{"virtualNum":"` + y1 + `","extendNum":"7"}`},
	"POST " + pathAXYB:                   {`{"app_key":"VICTIM","origNum":"` + numC + `","areaCode":"0755"}`, `{"app_key":"THIEF","origNum":"` + numC + `","subscriptionId":"ID"}`},
	"DELETE " + pathAXYB:                 {`{"app_key":"THIEF","subscriptionId":"ID"}`, `{"app_key":"VICTIM","subscriptionId":"ID"}`},
	"GET " + pathAXYB:                    {`{"app_key":"THIEF","subscriptionId":"ID"}`, `{"app_key":"VICTIM","subscriptionId":"ID"}`},
	"POST /rest/httpsessions/callStop":   {`{"sessionid":"SESSION","signal":"call_stop"}`},
	"GET " + pathRecord:                  {`{"fileName":"RECORDING","recordDomain":"d"}`},
	"POST /rest/httpsessions/click2Call": {`{"displayNbr":"` + y1 + `","callerNbr":"` + numC + `","displayCalleeNbr":"` + y1 + `","calleeNbr":"` + numD + `"}`},
	"POST /rest/httpsessions/callnotify": {`{"displayNbr":"` + y1 + `","calleeNbr":"` + numC + `","playInfoList":[{"notifyVoice":"a.wav"}]}`},
	"POST /rest/httpsessions/callVerify": {`{"displayNbr":"` + y1 + `","calleeNbr":"` + numC + `","languageType":1,"preTone":"a.wav","verifyCode":"1234"}`},
}

// estates are what the victim has, by mode: the request that makes it.
var estates = map[models.Mode][2]string{
	models.ModeAXB:   {pathAXB, `{"relationNum":"` + y1 + `","callerNum":"` + numA + `","calleeNum":"` + numB + `","userData":"victims"}`},
	models.ModeAX:    {pathAX, `{"origNum":"` + numA + `","privateNum":"` + y1 + `","privateNumType":"mobile-virtual","calleeNumDisplay":"0","userData":"victims"}`},
	models.ModeAXE:   {pathAXE, `{"virtualNum":"` + y1 + `","bindNum":"` + numA + `","extendNum":"7","userData":"victims"}`},
	models.ModeAXYB:  {pathAXYB + "?app_key=VICTIM", `{"origNum":"` + numA + `","areaCode":"0755","userData":"victims"}`},
	models.ModeVoice: {},
}

func TestNoTenantReachesAnothers(t *testing.T) {
	tried := map[string]bool{}
	for mode, made := range estates {
		t.Run(string(mode), func(t *testing.T) {
			board := &switchboard{}
			h, recording := recorded(t, func(o *Options) { o.Stopper = board })
			board.house = h
			victim := h.as(mode)
			var id string
			if made[0] != "" {
				status, answer := victim.call(http.MethodPost, strings.ReplaceAll(made[0], "VICTIM", victim.key), strings.ReplaceAll(made[1], "VICTIM", victim.key))
				m := subscriptionField.FindStringSubmatch(answer)
				if m == nil {
					t.Fatalf("%d %s", status, answer)
				}
				id = m[1]
			}
			session := victim.live("0123456789abcdef0123456789abcdef@h", victim.app)
			thief := *h
			tenant := models.Tenant{Name: "thief", SpID: "sp2", State: models.StateNormal}
			must(t, h.store.CreateTenant(t.Context(), &tenant))
			thief.key, thief.app = "THIEF", models.App{TenantID: tenant.ID, Key: "THIEF", Name: "thief", Mode: mode, State: models.StateNormal, PushScheme: models.PushAKSK, Record: true}
			must(t, h.store.CreateApp(t.Context(), &thief.app, testSecret))
			before := victim.rows()
			for key, bodies := range trespasses {
				method, path, _ := strings.Cut(key, " ")
				for _, body := range bodies {
					body = strings.NewReplacer("ID\"", id+"\"", "SESSION", session, "RECORDING", recording, "VICTIM", victim.key).Replace(body)
					if !thief.speaks(method, path) {
						continue
					}
					tried[key] = true
					thief.trespass(method, path, body, id, recording, "victims", numA, numB)
				}
			}
			if after := victim.rows(); !reflect.DeepEqual(after, before) {
				t.Errorf("the victim had\n%+v\nand has\n%+v", before, after)
			}
			if len(board.stops) > 0 {
				t.Errorf("calls were stopped: %v", board.stops)
			}
		})
	}
	for _, s := range surfaces {
		for _, e := range s.endpoints {
			key := e.method + " " + e.path
			if trespasses[key] == nil {
				key = e.method + " " + strings.TrimPrefix(e.path[:strings.LastIndexByte(e.path, '/')], "/sandbox") // another version of the same
			}
			if !tried[key] {
				t.Errorf("nobody has tried %s %s with what is another's", e.method, e.path)
			}
		}
	}
	for _, key := range []string{"POST /rest/httpsessions/callStop", "GET " + pathRecord} {
		if !tried[key] {
			t.Errorf("nobody has tried %s", key)
		}
	}
}

// speaks says whether the app's mode has the endpoint, so that a refusal is about whose things these are.
func (h *house) speaks(method, path string) bool {
	for _, s := range surfaces {
		for _, e := range s.endpoints {
			if e.method == method && (e.path == path || strings.HasPrefix(e.path, path+"/")) {
				return s.mode == h.app.Mode
			}
		}
	}
	return true
}

// rows is what the app's tenant has.
func (h *house) rows() (all []any) {
	h.Helper()
	bindings, _, err := h.store.Bindings(h.Context(), store.BindingFilter{AppID: h.app.ID}, models.Page{Limit: models.PageMax})
	must(h, err)
	for _, x := range []string{y1, y2, y3} {
		n, err := h.store.Number(h.Context(), x)
		must(h, err)
		all = append(all, n)
		s, err := h.store.Sight(h.Context(), x, models.MustParty(numA), models.NoExtension)
		must(h, err)
		all = append(all, s.Route)
	}
	depth, err := h.store.QueueDepth(h.Context(), h.app.ID)
	must(h, err)
	return append(all, bindings, depth)
}

// trespass sends a request that must neither succeed nor tell anything.
func (h *house) trespass(method, path, body string, marks ...string) {
	h.Helper()
	target := path
	if strings.Contains(body, `"app_key"`) && method == http.MethodPost {
		key, _, _ := strings.Cut(body[len(`{"app_key":"`):], `"`)
		target = path + "?app_key=" + key
	}
	if method == http.MethodGet || method == http.MethodDelete {
		target, body = path+"?"+asQuery(h, body), ""
	}
	w := h.send(signed(h.key, method, target, body))
	answer := w.Body.String() + w.Header().Get("Location")
	if strings.Contains(answer, `"resultcode":"0"`) && !strings.Contains(answer, `"total":"0"`) || w.Code == http.StatusMovedPermanently {
		h.Errorf("%s %s %s: %d %s", method, target, body, w.Code, answer)
	}
	for _, m := range marks {
		if m != "" && strings.Contains(answer, m) {
			h.Errorf("%s %s %s tells %s: %s", method, target, body, m, answer)
		}
	}
}

func asQuery(t testing.TB, body string) string {
	var members map[string]string
	must(t, json.Unmarshal([]byte(body), &members))
	q := url.Values{}
	for k, v := range members {
		q.Set(k, v)
	}
	return q.Encode()
}
