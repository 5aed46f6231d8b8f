package delivery

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"maskline/models"
)

const placedID = "9d5ac2@callenabler245.example"

func voiceApp() models.App {
	app := sampleApp()
	app.Mode = models.ModeVoice
	return app
}

// clicked is the session of a click-to-dial whose request named no URLs.
func clicked() models.Session {
	return models.Session{ID: placedID, Mode: models.ModeClick, UserData: "u1", BindingID: "never shown", Dialled: numberX,
		Caller: models.MustParty(numberA), Callee: models.MustParty(numberB), Plan: models.Plan{Place: &models.Place{PartyType: true}}}
}

// The fields of spec/voicecall.md §6.1, in the examples' order: caller and called always, userData always, no code translated, partyType where
// it was asked for.
func TestPlacedEvents(t *testing.T) {
	const (
		head   = `"statusInfo":{"sessionId":"9d5ac2@callenabler245.example","timestamp":"2019-01-24 03:04:24"`
		first  = `,"caller":"+8617000000009","called":"+8613900000002"`
		user   = `,"userData":"u1"}}`
		hungup = `,"stateCode":0,"stateDesc":"The user releases the call."`
	)
	click := clicked()
	silent := clicked()
	silent.Plan.Place = &models.Place{}
	notify := clicked()
	notify.Mode = models.ModeNotify
	for _, c := range []struct {
		name  string
		s     models.Session
		event models.CallEvent
		want  string
	}{
		{"callout", click, models.CallEvent{Type: models.EventCallOut}, head + first + user},
		{"alerting", notify, models.CallEvent{Type: models.EventAlerting}, head + first + user},
		{"answer", notify, models.CallEvent{Type: models.EventAnswer}, head + first + user},
		{"keys", notify, models.CallEvent{Type: models.EventCollect, Digits: "12#"}, head + first + `,"digitInfo":"12#"` + user},
		{"no keys", notify, models.CallEvent{Type: models.EventCollect}, head + first + `,"digitInfo":""` + user},
		{"caller", click, models.CallEvent{Type: models.EventDisconnect, By: 1}, head + first + `,"partyType":"caller"` + hungup + user},
		{"callee", click, models.CallEvent{Type: models.EventDisconnect, By: 2}, head + first + `,"partyType":"callee"` + hungup + user},
		{"platform", click, models.CallEvent{Type: models.EventDisconnect, State: models.StoppedByCustomer},
			head + first + `,"partyType":"platform","stateCode":8017,"stateDesc":"The call is released on instruction."` + user},
		{"not asked", silent, models.CallEvent{Type: models.EventDisconnect, By: 1}, head + first + hungup + user},
		{"not for one", notify, models.CallEvent{Type: models.EventDisconnect, State: models.CalleeBusy, By: 2},
			head + first + `,"stateCode":8102,"stateDesc":"The callee is busy."` + user},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.event.At, c.event.Caller, c.event.Called = at("2019-01-24 03:04:24"), models.MustParty(numberX), models.MustParty(numberA)
			if c.event.Type == models.EventCollect { // names nobody
				c.event.Caller, c.event.Called = models.Party{}, models.Party{}
			}
			d, ok := Event(voiceApp(), c.s, c.event)
			if want := `{"eventType":"` + string(c.event.Type) + `",` + c.want; !ok || string(d.Body) != want {
				t.Errorf("body\n got %s\nwant %s", d.Body, want)
			}
		})
	}
}

// One record a call with the fields of spec/voicecall.md §6.2, for each way a call can go.
func TestPlacedCDRs(t *testing.T) {
	const (
		// openssl dgst -sha256 of the session id begins with 8adcd728d674b120, which is this number.
		icid = "CAE-20190124110424-10006109042507034912"
		head = `{"direction":0,"spId":"CaaS_Test_01","appKey":"XXX","icid":"` + icid + `","bindNum":"+8617000000009","sessionId":"9d5ac2@callenabler245.example",` +
			`"callerNum":"+8617000000009","calleeNum":"+8613900000002",`
		fwd  = `"fwdDisplayNum":"+8675528000001","fwdDstNum":"+8613700000003",`
		out  = `"callOutStartTime":"2019-01-24 03:04:25","callOutAlertingTime":"2019-01-24 03:04:27","callOutAnswerTime":"2019-01-24 03:04:31","callOutUnaswRsn":0,`
		tail = `"hostName":"callenabler245.example","userData":"u1"}`
	)
	whole := models.CDR{
		SessionID: placedID, ICID: models.PlacedICID(placedID, at("2019-01-24 03:04:24")), BindingID: "never shown", Mode: models.ModeClick, Direction: 2, X: numberX, Area: "0755",
		Caller: models.MustParty(numberA), Display: "+8675528000001", Callee: models.MustParty(numberB), Host: "callenabler245.example", UserData: "u1",
		CallInAt: at("2019-01-24 03:04:24"), OutAt: at("2019-01-24 03:04:25"), OutAlertingAt: at("2019-01-24 03:04:27"), OutAnswerAt: at("2019-01-24 03:04:31"),
		StartAt: at("2019-01-24 03:04:32"), AlertingAt: at("2019-01-24 03:04:35"), AnswerAt: at("2019-01-24 03:04:40"), EndAt: at("2019-01-24 03:05:10"), HungUpBy: 1,
	}
	link := Fee{RecordDomain: "records.example", RecordURL: func(file string) string { return "https://records.example/" + file + "?sig=1" }}
	for _, c := range []struct {
		name   string
		fee    Fee
		change func(*models.CDR)
		want   string
	}{
		{"talked", Fee{Optional: true, DurationField: "callDuration"}, func(*models.CDR) {},
			head + fwd + `"fwdStartTime":"2019-01-24 03:04:32","fwdAlertingTime":"2019-01-24 03:04:35","fwdAnswerTime":"2019-01-24 03:04:40","callEndTime":"2019-01-24 03:05:10","fwdUnaswRsn":0,"ulFailReason":0,"sipStatusCode":0,` +
				out + `"recordFlag":0,"ttsPlayTimes":0,"ttsTransDuration":0,"serviceType":"002",` + tail},
		{"recorded", link, func(c *models.CDR) {
			c.Record, c.RecordAt, c.RecordFile = true, c.AnswerAt, "19012411044012007961340.wav"
		},
			head + fwd + `"fwdStartTime":"2019-01-24 03:04:32","fwdAlertingTime":"2019-01-24 03:04:35","fwdAnswerTime":"2019-01-24 03:04:40","callEndTime":"2019-01-24 03:05:10","fwdUnaswRsn":0,"ulFailReason":0,"sipStatusCode":0,` +
				out + `"recordFlag":1,"recordStartTime":"2019-01-24 03:04:40","recordDomain":"records.example","recordBucketName":"sp-xxx","recordObjectName":"19012411044012007961340.wav",` +
				`"recordFileDownloadUrl":"https://records.example/19012411044012007961340.wav?sig=1","ttsPlayTimes":0,"ttsTransDuration":0,"serviceType":"002",` + tail},
		{"leg 2 failed", Fee{}, func(c *models.CDR) { // the captured one: rang a second
			c.AlertingAt, c.AnswerAt, c.EndAt = at("2019-01-24 03:04:33"), time.Time{}, at("2019-01-24 03:04:34")
			c.FailAt, c.Fail, c.SIPStatus = c.EndAt, 518, 480
		}, head + fwd + `"fwdStartTime":"2019-01-24 03:04:32","fwdAlertingTime":"2019-01-24 03:04:33","callEndTime":"2019-01-24 03:04:34","fwdUnaswRsn":0,"failTime":"2019-01-24 03:04:34","ulFailReason":518,"sipStatusCode":480,` +
			out + `"recordFlag":0,"ttsPlayTimes":0,"ttsTransDuration":0,"serviceType":"002",` + tail},
		{"leg 1 failed", Fee{}, func(c *models.CDR) {
			c.OutAnswerAt, c.StartAt, c.AlertingAt, c.AnswerAt, c.EndAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}, at("2019-01-24 03:04:30")
			c.FailAt, c.Fail, c.OutQ850, c.SIPStatus = c.EndAt, models.FirstBusy, 17, 486
		}, head + fwd + `"callEndTime":"2019-01-24 03:04:30","fwdUnaswRsn":0,"failTime":"2019-01-24 03:04:30","ulFailReason":8108,"sipStatusCode":486,` +
			`"callOutStartTime":"2019-01-24 03:04:25","callOutAlertingTime":"2019-01-24 03:04:27","callOutUnaswRsn":17,"recordFlag":0,"ttsPlayTimes":0,"ttsTransDuration":0,"serviceType":"002",` + tail},
		{"notified", Fee{}, func(c *models.CDR) {
			c.Mode, c.StartAt, c.AlertingAt, c.AnswerAt, c.SpeechPlays, c.SpeechSeconds = models.ModeNotify, time.Time{}, time.Time{}, time.Time{}, 2, 11
			c.Callee, c.Display = models.Party{}, ""
		}, head + `"callEndTime":"2019-01-24 03:05:10","fwdUnaswRsn":0,"ulFailReason":0,"sipStatusCode":0,` + out +
			`"recordFlag":0,"ttsPlayTimes":2,"ttsTransDuration":11,"serviceType":"001",` + tail},
		{"another service type", Fee{ServiceTypes: map[models.Mode]string{models.ModeVerify: "011"}}, func(c *models.CDR) {
			c.Mode, c.StartAt, c.AlertingAt, c.AnswerAt, c.Callee, c.Display, c.UserData = models.ModeVerify, time.Time{}, time.Time{}, time.Time{}, models.Party{}, "", ""
		}, head + `"callEndTime":"2019-01-24 03:05:10","fwdUnaswRsn":0,"ulFailReason":0,"sipStatusCode":0,` + out +
			`"recordFlag":0,"ttsPlayTimes":0,"ttsTransDuration":0,"serviceType":"011","hostName":"callenabler245.example"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := whole
			c.change(&r)
			d, ok := c.fee.CDR(voiceApp(), "CaaS_Test_01", clicked(), r)
			if !ok || string(d.Body) != c.want {
				t.Errorf("body\n got %s\nwant %s", d.Body, c.want)
			}
		})
	}
	long := Fee{RecordURL: func(string) string { return strings.Repeat("x", recordURLMax+1) }}
	whole.Record, whole.RecordFile = true, "a.wav"
	if body := string(long.Record(voiceApp(), "sp", whole)); strings.Contains(body, "recordFileDownloadUrl") || !strings.Contains(body, `"recordFlag":1`) {
		t.Errorf("a link that is too long: %s", body)
	}
}

// The URLs of the request come before the app's, and suffice where the app has none.
func TestURLsOfTheRequest(t *testing.T) {
	s := clicked()
	s.Plan.Place.StatusURL, s.Plan.Place.FeeURL = "https://one.example/s", "https://one.example/f"
	for _, app := range []models.App{voiceApp(), {ID: 7, Mode: models.ModeVoice}} {
		event, told := Event(app, s, models.CallEvent{Type: models.EventAnswer})
		record, billed := CDR(app, "sp", s, models.CDR{Mode: models.ModeClick})
		if !told || !billed || event.URL != "https://one.example/s" || record.URL != "https://one.example/f" {
			t.Errorf("%v %s, %v %s", told, event.URL, billed, record.URL)
		}
	}
	if _, told := Event(models.App{ID: 7, Mode: models.ModeVoice}, clicked(), models.CallEvent{Type: models.EventAnswer}); told {
		t.Error("pushed to nowhere")
	}
	s.Plan.Place.StatusURL = ""
	if d, _ := Event(voiceApp(), s, models.CallEvent{Type: models.EventAnswer}); d.URL != "https://customer.example/status" {
		t.Errorf("pushed to %s", d.URL)
	}
}

// The digests are openssl's, over the URL with its query, the nonce and the time:
//
//	printf 'URL\nNONCE\nCREATED' | openssl dgst -sha256 -hmac test-secret-0001 -binary | base64
//	printf 'NONCECREATEDtest-secret-0001' | openssl dgst -sha256 -binary | base64
func TestPlacedSign(t *testing.T) {
	const target, nonce = "http://customer.example/status?a=1&b=2", "66C92B11FF8A425FB8D4CCFE0ED9ED1F"
	now := time.Date(2018, 2, 12, 15, 30, 20, 5e8, time.UTC)
	for _, c := range []struct {
		name           string
		o              Options
		old            bool
		scheme         models.PushScheme
		aksk, wsse, at string
	}{
		{"now", Options{}, false, models.PushAKSK, "FtThdqA14cTn8L7Luj8LJVmWlM5A/6w5+vTYEppOzT4=", "", "2018-02-12T23:30:20Z"},
		{"until 2024", Options{}, true, models.PushAKSK, "0bDCt0tdtYoXMv8IjHXQ6J9LwdhWegKMoH4V01KkXVU=", "", "2018-02-12T23:30:20Z"},
		{"in UTC", Options{VoiceUTC: true}, false, "", "T4s7IhPY2mkUL0Y7qw9RAqtVU0OLyujBdHYBNBFEJ4I=", "", "2018-02-12T15:30:20Z"},
		{"both", Options{}, false, models.PushBoth, "FtThdqA14cTn8L7Luj8LJVmWlM5A/6w5+vTYEppOzT4=", "QLh9uIkMO3RWUBq/51WoRQJukJr4GE2PMX28IlOhUu8=", "2018-02-12T23:30:20Z"},
		{"wsse", Options{}, false, models.PushWSSE, "", "QLh9uIkMO3RWUBq/51WoRQJukJr4GE2PMX28IlOhUu8=", "2018-02-12T23:30:20Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			app := models.App{Key: "appkey1", Mode: models.ModeVoice, PushScheme: c.scheme}
			app.Settings.Voice.PushSignOld = c.old
			h := http.Header{}
			sign(h, app, "test-secret-0001", target, nonce, c.o.created(app.Mode, now))
			for name, digest := range map[string]string{"X-AKSK": c.aksk, "X-WSSE": c.wsse} {
				var want []string
				if digest != "" {
					want = []string{fmt.Sprintf(`UsernameToken Username="appkey1",PasswordDigest="%s",Nonce="%s",Created="%s"`, digest, nonce, c.at)}
				}
				if fmt.Sprint(h[name]) != fmt.Sprint(want) {
					t.Errorf("%s\n got %s\nwant %s", name, h[name], want)
				}
			}
		})
	}
}

// What arrives verifies: the digest covers the URL that was asked for, query and all.
func TestPlacedSignOnTheWire(t *testing.T) {
	got := make(chan string, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got <- r.Header.Get("X-AKSK") }))
	defer srv.Close()
	c := real(t, Options{Allow: loopback})
	c.o.Store.(*memory).app = voiceApp()
	target := srv.URL + "/status?order=1"
	if a := pushTo(t, c, target); a.result != Delivered {
		t.Fatalf("%+v", a)
	}
	part := strings.Split(<-got, `"`) // Username, digest, nonce, created
	if want := models.PushDigest("newest-secret", target, part[5], part[7], false); part[3] != want {
		t.Errorf("digest %s, want %s", part[3], want)
	}
}

// The answer to a CDR of a placed call may say no in its body; nothing but a resultcode counts, and nowhere else does it (spec/voicecall.md §6.2).
func TestResultcode(t *testing.T) {
	said := ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, said) }))
	defer srv.Close()
	c := real(t, Options{Allow: loopback})
	store := c.o.Store.(*memory)
	push := func(app models.App, kind models.DeliveryKind) answer {
		j := &job{kind: kind, members: []models.Delivery{{URL: srv.URL, Body: []byte("{}")}}}
		return c.push(t.Context(), signer{app: app, secret: "s"}, j)
	}
	for body, ok := range map[string]bool{
		"": true, `{}`: true, "OK": true, `[]`: true, `"1"`: true, `{"resultcode":"0","resultdesc":"Success"}`: true, `{"resultcode":0}`: true,
		`{"resultcode":null}`: true, `{"result":true,"result_code":1}`: true, `{"Resultcode":"1"}`: true, `{"resultcode":"1`: true,
		`{"resultcode":"1"}`: false, `{"resultcode":1}`: false, `{"resultcode":""}`: false, `{"resultcode":"00"}`: false, `{"resultcode":{}}`: false,
		`{"resultcode":"1010001","resultdesc":"full of ` + numberA + `"}`: false, strings.Repeat(" ", answerMax) + `{"resultcode":"1"}`: true,
	} {
		said = body
		a := push(voiceApp(), models.DeliverCDR)
		if (a.result == Delivered) != ok || (a.err == nil) != ok || a.status != 200 {
			t.Errorf("%.60q: %+v", body, a)
		}
		if a := push(voiceApp(), models.DeliverEvent); a.result != Delivered {
			t.Errorf("an event, %.60q: %+v", body, a)
		}
		if a := push(store.app, models.DeliverCDR); a.result != Delivered {
			t.Errorf("a masked call, %.60q: %+v", body, a)
		}
	}
}

func FuzzResultcode(f *testing.F) {
	for _, s := range []string{"", `{"resultcode":"0"}`, `{"resultcode":{"a":[1]}}`, `{"resultcode":"1","resultcode":"0"}`, "\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		if err := resultcode(said); err != nil && !strings.Contains(string(said), "resultcode") && !strings.Contains(string(said), `\u`) {
			t.Errorf("%q fails without a resultcode", said)
		}
	})
}
