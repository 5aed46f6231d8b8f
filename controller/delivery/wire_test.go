package delivery

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"maskline/models"
)

func at(s string) time.Time {
	t, err := time.Parse(time.DateTime, s)
	if err != nil {
		panic(err)
	}
	return t
}

const (
	numberA, numberB, numberX = "+8613900000002", "+8613700000003", "+8617000000009"
	bindingID                 = "00000000-1111-4222-8333-444444444444"
	sampleSession             = "+8613800000001_+8613900000002_4_627e5c1f_963036_669_1_0"
)

func sampleApp() models.App {
	return models.App{ID: 7, TenantID: 3, Key: "XXX", Mode: models.ModeAXB, PushScheme: models.PushAKSK,
		StatusURL: "https://customer.example/status", FeeURL: "https://customer.example/fee"}
}

func sampleCDR() models.CDR {
	return models.CDR{
		SessionID: sampleSession, ICID: "0123456789abcdef0123456789abcdef.1000000001.10000001.29", BindingID: bindingID, Mode: models.ModeAXB,
		Direction: 1, X: numberX, Area: "0755", Caller: models.MustParty(numberA), Display: numberX, Callee: models.MustParty(numberB),
		Host: "qhats01.huaweicaas.com", CallInAt: at("2022-05-13 05:24:57"), StartAt: at("2022-05-13 05:24:58"),
		AlertingAt: at("2022-05-13 05:25:01"), AnswerAt: at("2022-05-13 05:25:18"), EndAt: at("2022-05-13 05:25:41"),
		HungUpBy: 2, Record: true, RecordAt: at("2022-05-13 05:25:18"), RecordFile: "22051313251812007961340.wav",
	}
}

// The answered call is the production sample of spec §4.4, byte for byte, but for the app key's case (recordBucketName has it lower).
func TestCDRWire(t *testing.T) {
	const answered = `{"direction":1,"spId":"examplecorp_pv","appKey":"XXX","icid":"0123456789abcdef0123456789abcdef.1000000001.10000001.29","bindNum":"+8617000000009","sessionId":"+8613800000001_+8613900000002_4_627e5c1f_963036_669_1_0","subscriptionId":"00000000-1111-4222-8333-444444444444","callerNum":"+8613900000002","calleeNum":"+8617000000009","fwdDisplayNum":"+8617000000009","fwdDstNum":"+8613700000003","callInTime":"2022-05-13 05:24:57","fwdStartTime":"2022-05-13 05:24:58","fwdAlertingTime":"2022-05-13 05:25:01","fwdAnswerTime":"2022-05-13 05:25:18","callEndTime":"2022-05-13 05:25:41","fwdUnaswRsn":0,"ulFailReason":0,"sipStatusCode":0,"callOutUnaswRsn":0,"recordFlag":1,"recordStartTime":"2022-05-13 05:25:18","recordDomain":"ostorQH2.huawei.com","recordBucketName":"sp-xxx","recordObjectName":"22051313251812007961340.wav","ttsPlayTimes":0,"ttsTransDuration":0,"mptyId":"00000000-1111-4222-8333-444444444444","serviceType":"004","hostName":"qhats01.huaweicaas.com","voiceCheckType":0}`
	const busy = `{"direction":1,"spId":"examplecorp_pv","appKey":"XXX","icid":"0123456789abcdef0123456789abcdef.1000000001.10000001.29","bindNum":"+8617000000009","sessionId":"+8613800000001_+8613900000002_4_627e5c1f_963036_669_1_0","subscriptionId":"00000000-1111-4222-8333-444444444444","callerNum":"+8613900000002","calleeNum":"+8617000000009","fwdDisplayNum":"+8617000000009","fwdDstNum":"+8613700000003","callInTime":"2022-05-13 05:24:57","fwdStartTime":"2022-05-13 05:24:58","callEndTime":"2022-05-13 05:25:41","fwdUnaswRsn":17,"failTime":"2022-05-13 05:25:40","ulFailReason":8102,"sipStatusCode":486,"callOutUnaswRsn":0,"recordFlag":0,"ttsPlayTimes":0,"ttsTransDuration":0,"mptyId":"00000000-1111-4222-8333-444444444444","serviceType":"004","hostName":"qhats01.huaweicaas.com","userData":"order<1>&2","voiceCheckType":0}`
	const stranger = `{"direction":2,"spId":"examplecorp_pv","appKey":"XXX","icid":"0123456789abcdef0123456789abcdef.1000000001.10000001.29","bindNum":"+8617000000009","sessionId":"+8613800000001_+8613900000002_4_627e5c1f_963036_669_1_0","callerNum":"anonymous","calleeNum":"+8617000000009","callInTime":"2022-05-13 05:24:57","callEndTime":"2022-05-13 05:25:41","fwdUnaswRsn":0,"failTime":"2022-05-13 05:25:40","ulFailReason":8014,"sipStatusCode":0,"callOutUnaswRsn":0,"recordFlag":0,"ttsPlayTimes":0,"ttsTransDuration":0,"serviceType":"004","hostName":"qhats01.huaweicaas.com","voiceCheckType":0}`
	for _, c := range []struct {
		name   string
		fee    Fee
		change func(*models.CDR)
		want   string
	}{
		{"answered", Fee{RecordDomain: "ostorQH2.huawei.com"}, func(*models.CDR) {}, answered},
		{"busy", Fee{}, func(c *models.CDR) {
			c.AlertingAt, c.AnswerAt, c.FailAt = time.Time{}, time.Time{}, at("2022-05-13 05:25:40")
			c.Q850, c.Fail, c.SIPStatus, c.RecordAt, c.RecordFile, c.UserData = 17, models.CalleeBusy, 486, time.Time{}, "", "order<1>&2"
		}, busy},
		{"stranger", Fee{}, func(c *models.CDR) {
			c.Caller, c.Callee, c.Display, c.BindingID, c.Direction = models.Hidden, models.Party{}, "", "", 2
			c.StartAt, c.AlertingAt, c.AnswerAt, c.FailAt = time.Time{}, time.Time{}, time.Time{}, at("2022-05-13 05:25:40")
			c.Fail, c.RecordFile = models.NoBinding, ""
		}, stranger},
		{"every option", Fee{RecordDomain: "ostorQH2.huawei.com", ServiceTypes: map[models.Mode]string{models.ModeAXB: "4"}, Optional: true, DurationField: "callDuration"},
			func(*models.CDR) {}, strings.NewReplacer(`"004"`, `"4"`, `"voiceCheckType":0}`, `"areaCode":"0755","callRelDirection":2,"voiceCheckType":0,"callDuration":23}`).Replace(answered)},
		{"default domain", Fee{}, func(*models.CDR) {}, strings.Replace(answered, "ostorQH2.huawei.com", DefaultRecordDomain, 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			cdr := sampleCDR()
			c.change(&cdr)
			d, ok := c.fee.CDR(sampleApp(), "examplecorp_pv", models.Session{}, cdr)
			if !ok || string(d.Body) != c.want {
				t.Errorf("body\n got %s\nwant %s", d.Body, c.want)
			}
			if d.AppID != 7 || d.Kind != models.DeliverCDR || d.URL != "https://customer.example/fee" || d.SessionID != sampleSession || d.State != models.DeliveryWaiting {
				t.Errorf("row %+v", d)
			}
		})
	}
}

func TestFeeBody(t *testing.T) {
	two := []models.Delivery{{Body: []byte(`{"icid":"a"}`)}, {Body: []byte(`{"icid":"b"}`)}}
	if got := string(feeBody(two)); got != `{"eventType":"fee","feeLst":[{"icid":"a"},{"icid":"b"}]}` {
		t.Error(got)
	}
}

// The disconnect after an answer is the official example of spec §4.1 in its fields and their order.
func TestEventWire(t *testing.T) {
	s := models.Session{ID: "1202_1051@host", BindingID: bindingID, UserData: "u1"}
	e := models.CallEvent{Key: "x", At: at("2019-01-24 07:03:28"), Caller: models.MustParty(numberX), Called: models.MustParty(numberB)}
	const head = `"statusInfo":{"sessionId":"1202_1051@host","timestamp":"2019-01-24 07:03:28"`
	const legs = `,"caller":"+8617000000009","called":"+8613700000003"`
	const tail = `,"subscriptionId":"00000000-1111-4222-8333-444444444444","userData":"u1"}}`
	for _, c := range []struct {
		typ   models.EventType
		state models.StateCode
		want  string
	}{
		{models.EventCallIn, 0, `{"eventType":"callin",` + head + legs + tail},
		{models.EventCallOut, 0, `{"eventType":"callout",` + head + legs + tail},
		{models.EventAlerting, 0, `{"eventType":"alerting",` + head + legs + tail},
		{models.EventAnswer, 0, `{"eventType":"answer",` + head + legs + tail},
		{models.EventDisconnect, models.Hungup, `{"eventType":"disconnect",` + head + legs + `,"stateCode":0,"stateDesc":"The user releases the call."` + tail},
		{models.EventDisconnect, models.CalleeBusy, `{"eventType":"disconnect",` + head + legs + `,"stateCode":8102,"stateDesc":"The callee is busy."` + tail},
		{models.EventDisconnect, models.RoutingFailed, `{"eventType":"disconnect",` + head + legs + `,"stateCode":8020,"stateDesc":"The service is abnormal."` + tail},
		{models.EventCollect, 0, `{"eventType":"collectInfo",` + head + `,"digitInfo":"1234"}}`},
	} {
		e.Type, e.State, e.Digits = c.typ, c.state, "1234"
		d, ok := Event(sampleApp(), s, e)
		if !ok || string(d.Body) != c.want {
			t.Errorf("body\n got %s\nwant %s", d.Body, c.want)
		}
		if d.Kind != models.DeliverEvent || d.Key != "x" || d.URL != "https://customer.example/status" || d.SessionID != s.ID || d.AppID != 7 {
			t.Errorf("row %+v", d)
		}
	}
	s.BindingID, s.UserData, e.Type = "", "", models.EventCallIn
	if d, _ := Event(sampleApp(), s, e); string(d.Body) != `{"eventType":"callin",`+head+legs+`}}` {
		t.Errorf("without a binding: %s", d.Body)
	}
}

func TestNoURLNoPush(t *testing.T) {
	if _, ok := Event(models.App{FeeURL: "http://x"}, models.Session{}, models.CallEvent{}); ok {
		t.Error("an event for an app without status URL")
	}
	if _, ok := CDR(models.App{StatusURL: "http://x"}, "sp", models.Session{}, models.CDR{}); ok {
		t.Error("a CDR for an app without fee URL")
	}
}

// The digests are the vectors of spec §1.4. The reader is the customer's program of §1.2: split at commas, quoted values 0 to 3.
func TestSign(t *testing.T) {
	const secret, nonce = "test-secret-0001", "66C92B11FF8A425FB8D4CCFE0ED9ED1F"
	now := time.Date(2018, 2, 12, 23, 30, 20, 5e8, time.FixedZone("CST", 8*3600))
	want := map[string]string{"X-AKSK": "PdwSQSMmHk/DuVhQobGTuHFgg6fEUhN2XJ6JeBUIdL4=", "X-WSSE": "T1CCCWWZr2Bqo4KMDgsLZmjRc4iAvFImWMhx0bvtzPE="}
	quoted := regexp.MustCompile(`"([^"]*)"`)
	for _, c := range []struct {
		scheme        models.PushScheme
		word, present string
	}{{models.PushAKSK, "AKSK", "X-AKSK"}, {models.PushWSSE, "WSSE", "X-WSSE"}, {models.PushBoth, "AKSK", "X-AKSK X-WSSE"}, {"", "AKSK", "X-AKSK"}} {
		h := http.Header{}
		app := models.App{Key: "appkey1", Mode: models.ModeAXB, PushScheme: c.scheme}
		sign(h, app, secret, "https://customer.example/status", nonce, Options{}.created(app.Mode, now))
		if got := h["Authorization"][0]; got != c.word+` realm="SDP",profile="UsernameToken",type="Appkey"` {
			t.Errorf("%s: Authorization %s", c.scheme, got)
		}
		for name, digest := range want {
			if !strings.Contains(c.present, name) {
				if h[name] != nil {
					t.Errorf("%s: %s present", c.scheme, name)
				}
				continue
			}
			parts := strings.Split(h[name][0], ",")
			for i, v := range []string{"appkey1", digest, nonce, "2018-02-12T15:30:20Z"} {
				if got := quoted.FindStringSubmatch(parts[i]); got == nil || got[1] != v {
					t.Errorf("%s: part %d of %s is %s, want %s", c.scheme, i, name, parts[i], v)
				}
			}
			if !strings.HasPrefix(h[name][0], "UsernameToken Username=") {
				t.Errorf("%s: %s", c.scheme, h[name][0])
			}
		}
	}
	if a, b := newNonce(), newNonce(); a == b || !regexp.MustCompile(`^[0-9A-Za-z]{20,128}$`).MatchString(a) {
		t.Errorf("nonces %s %s", a, b)
	}
}
