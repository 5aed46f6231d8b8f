package sim

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maskline/esl"
)

const bridgeTo = "{maskline_role=b,origination_caller_id_number=8617000000001,origination_caller_id_name=8617000000001}" +
	"[origination_uuid=b1,leg_timeout=20]sofia/gateway/t1/8613900000002"

func TestCalleeSeesWhatTheLegSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Switch
		defer s.Close()
		s.SetPhone(Phone{Number: "8613900000002", HangsUpAfter: time.Second})
		c := dialSwitch(t, &s)
		a, err := s.Call(Caller{
			From: "8613800000001", To: "8617000000001", Display: "Alice", PAI: "8613800000001",
			Header: []Header{{"Identity", "eyJ"}, {"X-Real", "8613800000001"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		c.wait("CHANNEL_PARK", "Unique-ID", a.Leg)
		c.execute(a.Leg, "bridge", bridgeTo, "tok")
		c.wait("CHANNEL_HANGUP_COMPLETE", "Unique-ID", a.Leg)
		rang := s.Rang("8613900000002")
		if len(rang) != 1 || rang[0].Shown != "8617000000001" {
			t.Fatalf("rang %v", rang)
		}
		for _, h := range rang[0].Heard()[0].Header {
			if strings.Contains(h.Value, "13800000001") || strings.Contains(h.Value, "Alice") || h.Name == "Identity" {
				t.Errorf("leak: %s: %s", h.Name, h.Value)
			}
		}

		// The same without what protects the number: then it must be seen, or this test could not fail.
		a, err = s.Call(Caller{From: "8613800000001", To: "8617000000001", Display: "Alice", Header: []Header{{"X-Real", "1"}}})
		if err != nil {
			t.Fatal(err)
		}
		c.wait("CHANNEL_PARK", "Unique-ID", a.Leg)
		c.do("api uuid_setvar %s sip_copy_custom_headers true", a.Leg)
		c.execute(a.Leg, "bridge", "sofia/gateway/t1/8613900000002", "tok2")
		c.wait("CHANNEL_HANGUP_COMPLETE", "Unique-ID", a.Leg)
		seen := s.Rang("8613900000002")[1].Heard()[0].Header
		if !slices.Contains(seen, Header{"X-Real", "1"}) || !strings.Contains(seen[0].Value, "8613800000001") {
			t.Errorf("callee saw %v", seen)
		}
	})
}

func TestDigits(t *testing.T) {
	for name, tt := range map[string]struct {
		keys string
		want string
	}{
		"right":      {"1234#", "1234"},
		"too short":  {"12#", ""},
		"nothing":    {"", ""},
		"terminator": {"123#4", "123"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s Switch
				defer s.Close()
				c := dialSwitch(t, &s)
				a, err := s.Call(Caller{From: "1", To: "2", Digits: tt.keys, DigitsAfter: time.Second, DigitGap: 300 * time.Millisecond})
				if err != nil {
					t.Fatal(err)
				}
				c.wait("CHANNEL_PARK", "Unique-ID", a.Leg)
				c.do("api sched_del %s", a.Leg)
				c.execute(a.Leg, "answer", "", "t0")
				c.execute(a.Leg, "play_and_get_digits", "3 6 1 5000 # silence_stream://4000 silence_stream://100 got ^[0-9]+$ 2000", "t1")
				e := c.wait("CHANNEL_EXECUTE_COMPLETE", "Application-UUID", "t1")
				if got := e.Get("variable_got"); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			})
		})
	}
}

func TestDigitsInEarlyMedia(t *testing.T) {
	for name, tt := range map[string]struct {
		early, answer bool
		want          string
	}{
		"keyed early":                    {true, false, "1234"},
		"keyed early, answered already":  {true, true, "1234"},
		"keyed after an answer only":     {false, true, "1234"},
		"there is no answer to wait for": {false, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s Switch
				defer s.Close()
				c := dialSwitch(t, &s)
				a, err := s.Call(Caller{From: "1", To: "2", Digits: "1234#", DigitsEarly: tt.early, DigitsAfter: time.Second})
				if err != nil {
					t.Fatal(err)
				}
				c.wait("CHANNEL_PARK", "Unique-ID", a.Leg)
				c.do("api sched_del %s", a.Leg)
				open := "pre_answer"
				if tt.answer {
					open = "answer"
				}
				c.execute(a.Leg, open, "", "t0")
				c.execute(a.Leg, "play_and_get_digits", "1 6 1 5000 # silence_stream://4000 silence_stream://100 got ^[0-9]+$ 2000", "t1")
				e := c.wait("CHANNEL_EXECUTE_COMPLETE", "Application-UUID", "t1")
				if got := e.Get("variable_got"); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// What was armed at the answer happens with nobody connected any more.
func TestCallNeedsNoClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Switch
		defer s.Close()
		s.SetPhone(Phone{Number: "8613900000002", Rings: 5 * time.Second})
		c := dialSwitch(t, &s)
		a := parked(t, &s, c)
		c.do("api sched_del %s", a.Leg)
		c.do("api uuid_setvar %s ringback %%(1000,4000,450)", a.Leg)
		c.execute(a.Leg, "bridge", "{^^~instant_ringback=true~execute_on_answer_1=displace_session /hint.wav rw~execute_on_answer_2=sched_hangup +60 ALLOTTED_TIMEOUT~"+
			"execute_on_answer_3=sched_broadcast +30 playback::silence_stream://1000 both}"+bridgeTo[strings.Index(bridgeTo, "["):], "tok")
		c.wait("CHANNEL_PROGRESS", "Unique-ID", "b1")
		s.CutConnections()
		if err := a.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"183 Session Progress", "ringback %(1000,4000,450)", "playback /hint.wav", "200 OK", "playback silence_stream://1000", "BYE ALLOTTED_TIMEOUT",
		}
		if got := a.Ladder(); !slices.Equal(got, want) {
			t.Errorf("A heard %q, want %q", got, want)
		}
		b := a.Callees()[0]
		if got := b.Ladder(); !slices.Equal(got, []string{"INVITE", "playback /hint.wav", "playback silence_stream://1000", "BYE ALLOTTED_TIMEOUT"}) {
			t.Errorf("B heard %q", got)
		}
		if a.Cause() != esl.AllottedTimeout {
			t.Errorf("A ended by %s", a.Cause())
		}
	})
}

func TestBeforeTheBridge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Switch
		defer s.Close()
		s.SetPhone(Phone{Number: "8613900000002", HangsUpAfter: time.Second})
		c := dialSwitch(t, &s)
		a := parked(t, &s, c)
		c.do("api uuid_setvar_multi %s execute_on_pre_bridge=set one=1;bridge_pre_execute_aleg_app=set;bridge_pre_execute_aleg_data=two=2;"+
			"bridge_pre_execute_bleg_app=set;bridge_pre_execute_bleg_data=three=3", a.Leg)
		c.execute(a.Leg, "bridge", bridgeTo, "tok")
		e := c.wait("CHANNEL_BRIDGE", "Unique-ID", a.Leg)
		b := c.wait("CHANNEL_HANGUP_COMPLETE", "Unique-ID", "b1")
		if got := e.Get("variable_one") + e.Get("variable_two") + b.Get("variable_three"); got != "123" {
			t.Errorf("ran %q before the bridge", got)
		}
	})
}

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Switch
		defer s.Close()
		c := dialSwitch(t, &s)
		start := time.Now()
		e := c.wait("HEARTBEAT", "Session-Count", "0")
		if took := time.Since(start); took != 20*time.Second || e.Get("Core-UUID") != s.Core() {
			t.Errorf("heartbeat of %s after %v", e.Get("Core-UUID"), took)
		}
	})
}

// A connection that does not log in is not kept.
func TestLoginTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Switch
		defer s.Close()
		nc, err := s.Dial()
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := io.Copy(io.Discard, nc); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 25*time.Second {
			t.Errorf("kept for %v", took)
		}
	})
}

func TestControl(t *testing.T) {
	var s Switch
	defer s.Close()
	web := httptest.NewServer(Control(&s))
	defer web.Close()
	post := func(path, body string) *http.Response {
		t.Helper()
		resp, err := http.Post(web.URL+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = resp.Body.Close() })
		return resp
	}
	for _, bad := range []string{"", "{", `{"from":"1"}`, `{"from":"1","to":"2","cancels":"soon"}`, `{"from":"1","to":"2","cancels":"-1s"}`, `{"nonsense":1}`} {
		if resp := post("/sim/calls", bad); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %s", bad, resp.Status)
		}
	}
	resp := post("/sim/calls", `{"from":"1","to":"2","cancels":"20ms"}`)
	var got []string
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		var h Happening
		if err := json.Unmarshal(lines.Bytes(), &h); err != nil {
			t.Fatal(err)
		}
		got = append(got, h.Side+" "+h.What+h.Cause)
	}
	if want := []string{"a INVITE", "a CANCEL", "a endORIGINATOR_CANCEL"}; !slices.Equal(got, want) {
		t.Errorf("happened %q, want %q", got, want)
	}
	if resp := post("/sim/calls?wait=no", `{"from":"1","to":"2"}`); resp.StatusCode != http.StatusOK {
		t.Errorf("call: %s", resp.Status)
	}
	if s.Channels() != 1 {
		t.Errorf("%d channels", s.Channels())
	}
	if resp := post("/sim/faults", `{"restart":true}`); resp.StatusCode != http.StatusNoContent || s.Channels() != 0 {
		t.Errorf("restart: %s, %d channels", resp.Status, s.Channels())
	}
	http.DefaultClient.CloseIdleConnections()
}
