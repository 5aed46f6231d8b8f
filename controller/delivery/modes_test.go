package delivery

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"maskline/models"
)

// What each mode's events carry is the table of spec §4.1: subscriptionId is absent in the callin of AXE and X, notifyMode stands in X alone.
func TestEventsByMode(t *testing.T) {
	const (
		head   = `"statusInfo":{"sessionId":"1202_1051@host","timestamp":"2019-01-24 07:03:28"`
		legs   = `,"caller":"+8617000000009","called":"+8613700000003"`
		sub    = `,"subscriptionId":"00000000-1111-4222-8333-444444444444"`
		user   = `,"userData":"u1"}}`
		notify = `,"notifyMode":"Notify"`
		hungup = `,"stateCode":0,"stateDesc":"The user releases the call."`
	)
	for _, c := range []struct {
		mode models.Mode
		typ  models.EventType
		want string
	}{
		{models.ModeAX, models.EventCallIn, head + legs + sub + user},
		{models.ModeAX, models.EventCallOut, head + legs + sub + user},
		{models.ModeAX, models.EventDisconnect, head + legs + hungup + sub + user},
		{models.ModeAXE, models.EventCallIn, head + legs + user},
		{models.ModeAXE, models.EventCollect, head + `,"digitInfo":"0012"}}`},
		{models.ModeAXE, models.EventCallOut, head + legs + sub + user},
		{models.ModeAXE, models.EventDisconnect, head + legs + hungup + sub + user},
		{models.ModeAXYB, models.EventCallIn, head + legs + sub + user},
		{models.ModeAXYB, models.EventAnswer, head + legs + sub + user},
		{models.ModeX, models.EventCallIn, head + legs + notify + user}, // refused before the tenant was asked
		{models.ModeX, models.EventCallOut, head + legs + notify + user},
		{models.ModeX, models.EventAlerting, head + legs + notify + user},
		{models.ModeX, models.EventAnswer, head + legs + notify + user},
		{models.ModeX, models.EventDisconnect, head + legs + hungup + notify + user},
	} {
		app := sampleApp()
		app.Mode = c.mode
		s := models.Session{ID: "1202_1051@host", Mode: c.mode, BindingID: bindingID, UserData: "u1"}
		e := models.CallEvent{Type: c.typ, At: at("2019-01-24 07:03:28"), Caller: models.MustParty(numberX), Called: models.MustParty(numberB), Digits: "0012"}
		if d, ok := Event(app, s, e); !ok || string(d.Body) != `{"eventType":"`+string(c.typ)+`",`+c.want {
			t.Errorf("%s %s\n got %s\nwant %s", c.mode, c.typ, d.Body, c.want)
		}
	}
}

// Nothing was keyed: the field stands all the same.
func TestNoDigits(t *testing.T) {
	d, _ := Event(sampleApp(), models.Session{ID: "s"}, models.CallEvent{Type: models.EventCollect, At: at("2019-01-24 07:03:28")})
	if want := `{"eventType":"collectInfo","statusInfo":{"sessionId":"s","timestamp":"2019-01-24 07:03:28","digitInfo":""}}`; string(d.Body) != want {
		t.Errorf("got %s", d.Body)
	}
}

// The callin about which the tenant is asked is that question, and no push beside it; the rest of the call is told.
func TestAskedCallInIsNoPush(t *testing.T) {
	app := sampleApp()
	app.Mode = models.ModeX
	s := models.Session{ID: "s", Mode: models.ModeX, Plan: models.Plan{Ask: &models.Ask{URL: app.StatusURL}}}
	if d, ok := Event(app, s, models.CallEvent{Type: models.EventCallIn}); ok {
		t.Errorf("pushed %s", d.Body)
	}
	if _, ok := Event(app, s, models.CallEvent{Type: models.EventDisconnect}); !ok {
		t.Error("the end is not told")
	}
}

// What each mode's CDR carries beside the common fields (spec §4.4): its serviceType, extendNum in AXE, notifyMode in X and no binding there.
func TestCDRByMode(t *testing.T) {
	const (
		sub   = `"subscriptionId":"00000000-1111-4222-8333-444444444444",`
		mpty  = `"mptyId":"00000000-1111-4222-8333-444444444444",`
		host  = `"hostName":"qhats01.huaweicaas.com",`
		user  = `"userData":"u1",`
		check = `"voiceCheckType":0}`
	)
	record := func(direction int, sub, tail string) string {
		return fmt.Sprintf(`{"direction":%d,"spId":"examplecorp_pv","appKey":"XXX","icid":"0123456789abcdef0123456789abcdef.1000000001.10000001.29","bindNum":"+8617000000009","sessionId":"+8613800000001_+8613900000002_4_627e5c1f_963036_669_1_0",`, direction) +
			sub + `"callerNum":"+8613900000002","calleeNum":"+8617000000009","fwdDisplayNum":"+8617000000009","fwdDstNum":"+8613700000003","callInTime":"2022-05-13 05:24:57","fwdStartTime":"2022-05-13 05:24:58","fwdAlertingTime":"2022-05-13 05:25:01","fwdAnswerTime":"2022-05-13 05:25:18","callEndTime":"2022-05-13 05:25:41","fwdUnaswRsn":0,"ulFailReason":0,"sipStatusCode":0,"callOutUnaswRsn":0,"recordFlag":0,"ttsPlayTimes":0,"ttsTransDuration":0,` + tail
	}
	for _, c := range []struct {
		name      string
		mode      models.Mode
		direction int
		extension string
		fee       Fee
		want      string
	}{
		{"others called A", models.ModeAX, 0, "", Fee{}, record(0, sub, mpty+`"serviceType":"003",`+host+user+check)},
		{"A called others", models.ModeAX, 1, "", Fee{}, record(1, sub, mpty+`"serviceType":"003",`+host+user+check)},
		{"others called A's extension", models.ModeAXE, 0, "0012", Fee{}, record(0, sub, mpty+`"serviceType":"006",`+host+user+`"extendNum":"0012",`+check)},
		{"A called back", models.ModeAXE, 1, "", Fee{}, record(1, sub, mpty+`"serviceType":"006",`+host+user+check)},
		{"no extension was keyed", models.ModeAXE, 0, "1*2", Fee{}, record(0, sub, mpty+`"serviceType":"006",`+host+user+check)},
		{"with a Y", models.ModeAXYB, 0, "", Fee{}, record(0, sub, mpty+`"serviceType":"007",`+host+user+check)},
		{"the tenant decided", models.ModeX, 0, "", Fee{}, record(0, "", `"serviceType":"005",`+host+user+`"notifyMode":"Block",`+check)},
		{"options", models.ModeAXE, 0, "7", Fee{Optional: true, ServiceTypes: map[models.Mode]string{models.ModeAXE: "099"}},
			record(0, sub, mpty+`"serviceType":"099",`+host+user+`"extendNum":"7","areaCode":"0755","callRelDirection":2,`+check)},
		{"another mode's option", models.ModeAX, 0, "", Fee{ServiceTypes: map[models.Mode]string{models.ModeAXE: "099"}},
			record(0, sub, mpty+`"serviceType":"003",`+host+user+check)},
	} {
		t.Run(c.name, func(t *testing.T) {
			cdr := sampleCDR()
			cdr.Mode, cdr.Direction, cdr.Extension, cdr.UserData, cdr.RecordFile = c.mode, c.direction, c.extension, "u1", ""
			d, ok := c.fee.CDR(sampleApp(), "examplecorp_pv", models.Session{}, cdr)
			if !ok || string(d.Body) != c.want {
				t.Errorf("body\n got %s\nwant %s", d.Body, c.want)
			}
		})
	}
}

// The body is that of spec §4.5: values are strings, the cause stands with status 10 alone.
func TestNumberStatusWire(t *testing.T) {
	app := sampleApp()
	app.Settings.PushNumberStatus = true
	rows := NumberStatus(app, []NumberItem{
		{"+8617000000001", models.NumberUnavailable, 2}, {"+8617000000002", models.NumberSuspended, 2}, {"+8617000000003", models.NumberNormal, 0},
		{"+8617000000004", models.NumberBindFrozen, 0}, {"+8617000000005", models.NumberUnavailable, 0},
	})
	const want = `{"eventType":"numStatus","numInfo":[{"number":"+8617000000001","status":"10","cause":"2"},{"number":"+8617000000002","status":"9"},{"number":"+8617000000003","status":"5"},{"number":"+8617000000004","status":"11"},{"number":"+8617000000005","status":"10"}]}`
	if len(rows) != 1 || string(rows[0].Body) != want {
		t.Fatalf("got %+v", rows)
	}
	d := rows[0]
	if d.Kind != models.DeliverNumber || d.AppID != 7 || d.URL != app.StatusURL || d.Key != "" || d.SessionID != "" || d.State != models.DeliveryWaiting || d.CreatedAt.IsZero() {
		t.Errorf("row %+v", d)
	}
	app.Settings.NumberStatusURL = "https://customer.example/Xnumber/status"
	if d := NumberStatus(app, []NumberItem{{}}); d[0].URL != app.Settings.NumberStatusURL {
		t.Errorf("row %+v", d)
	}
}

// A push tells of 100 numbers at most.
func TestNumberStatusInHundreds(t *testing.T) {
	app := sampleApp()
	app.Settings.PushNumberStatus = true
	for n, want := range map[int][]int{0: nil, 1: {1}, 100: {100}, 101: {100, 1}, 250: {100, 100, 50}} {
		var got []int
		for _, d := range NumberStatus(app, make([]NumberItem, n)) {
			got = append(got, strings.Count(string(d.Body), `"status"`))
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%d numbers: %v, want %v", n, got, want)
		}
	}
	app.Settings.PushNumberStatus = false
	if rows := NumberStatus(app, make([]NumberItem, 1)); rows != nil {
		t.Errorf("switched off: %v", rows)
	}
	app.Settings.PushNumberStatus, app.StatusURL = true, ""
	if rows := NumberStatus(app, make([]NumberItem, 1)); rows != nil {
		t.Errorf("without a URL: %v", rows)
	}
}

func TestNumberItemTells(t *testing.T) {
	const normal, suspended, unavailable = models.NumberNormal, models.NumberSuspended, models.NumberUnavailable
	for _, c := range []struct {
		before, after NumberItem
		tells         bool
	}{
		{NumberItem{Status: normal}, NumberItem{Status: normal}, false},
		{NumberItem{Status: normal}, NumberItem{Status: suspended}, true},
		{NumberItem{Status: suspended}, NumberItem{Status: normal}, true},
		{NumberItem{Status: unavailable, Cause: 2}, NumberItem{Status: unavailable, Cause: 3}, true},
		{NumberItem{Status: unavailable, Cause: 2}, NumberItem{Status: unavailable, Cause: 2}, false},
		{NumberItem{Status: suspended, Cause: 2}, NumberItem{Status: suspended, Cause: 3}, false},
	} {
		if got := c.after.Tells(c.before); got != c.tells {
			t.Errorf("%+v after %+v: %v", c.after, c.before, got)
		}
	}
}

// Number status arrives in the order in which it happened, even when an earlier push fails and a later one could go: whoever is told
// "suspended" after "normal" would believe it. Another app's is not held up.
func TestNumberStatusKeepsItsOrder(t *testing.T) {
	inLab(t, Options{}, func(l *lab) {
		healed := false
		l.answer = func(r received) (int, time.Duration) {
			if strings.HasPrefix(r.body, "other") || healed {
				return 200, time.Millisecond
			}
			return 500, time.Millisecond
		}
		l.start()
		l.happen(numbers(7, "suspended"))
		l.happen(numbers(7, "unavailable"))
		after(30 * time.Second)
		other := numbers(7, "other session's event")
		other.Kind, other.SessionID = models.DeliverEvent, "s"
		l.happen(other, numbers(7, "normal"))
		after(2 * time.Minute) // the second attempt fails, too
		l.change(func() { healed = true })
		after(4 * time.Minute)
		if got := l.bodies(); got != "suspended other session's event suspended suspended unavailable normal" {
			t.Errorf("received %s", got)
		}
		if s := l.states(); s[models.DeliveryDone] != 4 {
			t.Errorf("states %v", s)
		}
	})
}

// Behind a URL that is gone number status does not pile up: what is older than the calendar ends.
func TestNumberStatusEnds(t *testing.T) {
	inLab(t, Options{Calendar: []time.Duration{time.Minute, 10 * time.Minute}}, func(l *lab) {
		l.answer = func(received) (int, time.Duration) { return 500, time.Millisecond }
		l.start()
		for i := range 50 {
			l.happen(numbers(7, fmt.Sprint(i)))
		}
		after(25 * time.Minute)
		if s := l.states(); s[models.DeliveryDead] != 50 {
			t.Errorf("states %v", s)
		}
	})
}
