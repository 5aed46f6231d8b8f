package models

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// The vectors are those of spec/privatenumber.md §1.4.
func TestDigestVectors(t *testing.T) {
	const secret, nonce, created = "test-secret-0001", "66C92B11FF8A425FB8D4CCFE0ED9ED1F", "2018-02-12T15:30:20Z"
	if got := AKSKDigest(secret, nonce, created); got != "PdwSQSMmHk/DuVhQobGTuHFgg6fEUhN2XJ6JeBUIdL4=" {
		t.Errorf("AKSK digest %s", got)
	}
	if got := WSSEDigest(secret, nonce, created); got != "T1CCCWWZr2Bqo4KMDgsLZmjRc4iAvFImWMhx0bvtzPE=" {
		t.Errorf("WSSE digest %s", got)
	}
}

func TestPartyNeverPrints(t *testing.T) {
	p := MustParty("+8613812345678")
	wrapped := struct {
		P Party
		L []Party
	}{p, []Party{p}}
	j, err := json.Marshal(wrapped)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{p.String(), fmt.Sprint(p), fmt.Sprintf("%#v %+v %q %x %d", p, p, p, p, p), fmt.Sprintf("%v %+v", wrapped, &wrapped),
		string(j), p.LogValue().String(), fmt.Sprint(errors.Join(Fail(NumberBound, p.Reveal(), "bound")))} {
		if strings.Contains(s, "13812345678") || strings.Contains(s, "12345") {
			t.Errorf("number leaks in %s", s)
		}
	}
}

func TestNumberingGlobal(t *testing.T) {
	var cn Numbering
	uk := Numbering{Country: "44"}
	for _, c := range []struct {
		n         Numbering
		raw, want string
	}{
		{cn, "+8613812345678", "+8613812345678"}, {cn, "008613812345678", "+8613812345678"}, {cn, "8613812345678", "+8613812345678"},
		{cn, "013812345678", "+8613812345678"}, {cn, "13812345678", "+8613812345678"}, {cn, "138-1234 5678", "+8613812345678"},
		{cn, "075528001234", "+8675528001234"}, {cn, "75528001234", "+8675528001234"}, {cn, "+86075528001234", "+8675528001234"},
		{cn, "0044 20 7946 0000", "+442079460000"}, {cn, "+442079460000", "+442079460000"}, {uk, "020 7946 0000", "+442079460000"},
		{cn, "", ""}, {cn, "anonymous", ""}, {cn, "+86138'45678", ""}, {cn, "+0123456", ""}, {cn, "1", ""}, {cn, "+86" + strings.Repeat("1", 40), ""},
	} {
		got, err := c.n.Global(c.raw)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("Global(%q) = %q, %v; want %q", c.raw, got, err, c.want)
		}
	}
}

func TestLine(t *testing.T) {
	var cn Numbering
	for n, want := range map[string]Line{"+8613812345678": LineMobile, "+8675528001234": LineFixed, "+861065001234": LineFixed, "+862165001234": LineFixed, "+864008001234": LineUnknown,
		"+8695588": LineUnknown, "+442079460000": LineInternational, "138": LineUnknown} {
		if got := cn.Line(n); got != want {
			t.Errorf("Line(%s) = %d, want %d", n, got, want)
		}
	}
}

func TestBindingSettingsRanges(t *testing.T) {
	for _, c := range []struct {
		s     BindingSettings
		param string
	}{
		{BindingSettings{}, ""}, {BindingSettings{Lifetime: 60, MaxDuration: 1440, Direction: 2, UserData: strings.Repeat("x", 256)}, ""},
		{BindingSettings{Lifetime: 7776000}, ""}, {BindingSettings{Lifetime: 59}, "duration"}, {BindingSettings{Lifetime: 7776001}, "duration"},
		{BindingSettings{Lifetime: -1}, "duration"}, {BindingSettings{MaxDuration: 1441}, "maxDuration"}, {BindingSettings{MaxDuration: -1}, "maxDuration"},
		{BindingSettings{Direction: 3}, "callDirection"}, {BindingSettings{UserData: "a{b"}, "userData"}, {BindingSettings{UserData: "你好"}, "userData"},
		{BindingSettings{UserData: strings.Repeat("x", 257)}, "userData"}, {BindingSettings{LastMinVoice: "../x.wav"}, "lastMinVoice"},
		{BindingSettings{RecordHintTone: "a b.wav"}, "recordHintTone"}, {BindingSettings{PreVoiceA: strings.Repeat("a", 129)}, "callerHintTone"},
	} {
		err := c.s.Validate()
		if c.param == "" {
			if err != nil {
				t.Errorf("%+v: %v", c.s, err)
			}
			continue
		}
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != Invalid || e.Param != c.param {
			t.Errorf("%+v: got %v, want %s named", c.s, err, c.param)
		}
	}
}

func TestBindingDiesAtItsSecond(t *testing.T) {
	t0 := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	b := Binding{ExpiresAt: t0}
	if !b.Live(t0.Add(-time.Nanosecond)) || b.Live(t0) {
		t.Error("a binding lives until just before its expiry and is dead at it")
	}
	if (Binding{ClosedAt: t0}).Live(t0) {
		t.Error("a closed binding lives")
	}
}

func TestStateCodesHaveTexts(t *testing.T) {
	for code, text := range stateTexts {
		if text == "" || strings.ContainsAny(text, "0123456789+") {
			t.Errorf("state %d says %q", code, text)
		}
		if _, listed := stateTexts[code.ForEvent()]; !listed {
			t.Errorf("state %d becomes unknown %d in an event", code, code.ForEvent())
		}
	}
	if CalleeNetwork.ForEvent() == CalleeNetwork {
		t.Error("7506 stands in CDRs only")
	}
}

func TestTrunkWritesNumbers(t *testing.T) {
	var cn Numbering
	for form, want := range map[NumberForm]string{"": "+8613812345678", FormGlobal: "+8613812345678", FormE164: "8613812345678", FormNational: "13812345678"} {
		if got := (Trunk{DialForm: form}).Written("+8613812345678", cn); got != want {
			t.Errorf("%q: %s, want %s", form, got, want)
		}
	}
	if got := (Trunk{DialForm: FormNational}).Written("+8675528001234", cn); got != "075528001234" {
		t.Error(got)
	}
}

func FuzzGlobal(f *testing.F) {
	for _, s := range []string{"+8613812345678", "0086138", "", "+", "anonymous", "1+2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		g, err := Numbering{}.Global(raw)
		if err != nil {
			return
		}
		if !isGlobal(g) {
			t.Fatalf("%q became %q", raw, g)
		}
		again, err := Numbering{}.Global(g)
		if err != nil || again != g {
			t.Fatalf("%q is not stable: %q, %v", g, again, err)
		}
	})
}
