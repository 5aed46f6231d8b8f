package wire

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/esl"
)

// carried are values that must arrive as they are, in {} and in []. Each was also given to a real FreeSWITCH 1.11.1 in a bridge to a
// gateway, in both places, and came back unchanged as the variables of the leg's CHANNEL_HANGUP_COMPLETE.
var carried = []string{
	"true", "+8617000000001", "a,b,c", "k=v", "record_session /var/rec/2026/07/x.wav", "sched_hangup +540 ALLOTTED_TIMEOUT",
	"sched_broadcast +540 " + leg + " /a/b.wav both", "sip:+8617000000001@10.0.0.1:5080;user=phone",
	"file_string:///p/a.wav!tone_stream://%(1000,4000,450);loops=-1", "名字", "^^:x", "a^b", "100%", "~x", "~#!;@&?*:%+", "(x)",
}

func TestDialString(t *testing.T) {
	d := esl.Dial{
		Vars: []esl.Var{{Name: "maskline_call", Value: leg}, {Name: "maskline_role", Value: "b"}},
		Endpoints: []esl.Endpoint{
			{Leg: leg, Gateway: "carrier-1", Number: "+8613800000000", Timeout: 90 * time.Second, Vars: []esl.Var{{Name: "sip_cid_type", Value: "pid"}}},
			{Gateway: "b.2", Number: "*123#", Timeout: 1500 * time.Millisecond},
			{Gateway: "c", Number: "1"},
		},
	}
	const want = "{^^~maskline_call=" + leg + "~maskline_role=b}" +
		"[^^~origination_uuid=" + leg + "~leg_timeout=90~sip_cid_type=pid]sofia/gateway/carrier-1/+8613800000000" +
		"|[^^~leg_timeout=2]sofia/gateway/b.2/*123#" +
		"|sofia/gateway/c/1"
	got, err := DialString(d)
	if err != nil || got != want {
		t.Errorf("%s, %v\nwant %s", got, err, want)
	}
}

func TestDialStringCarries(t *testing.T) {
	for _, v := range carried {
		checkDial(t, v, true)
	}
	for _, v := range []string{
		"", " x", "x ", "a'b", `a"b`, `a\b`, "a{b", "a}b", "a[b", "a]b", "a<b", "a>b", "a|b", "$x", "${x}", "a\nb", "a\rb", "a\x00b", "a\x01b", "\xff",
		separators, "a:_:b", "A,origination_privacy=x}loopback/9",
	} {
		checkDial(t, v, false)
	}
}

// checkDial renders a value in both places and reads the string back.
func checkDial(t *testing.T, value string, must bool) {
	t.Helper()
	v := []esl.Var{{Name: "first", Value: "1,2"}, {Name: "x", Value: value}, {Name: "last", Value: "z"}}
	s, err := DialString(esl.Dial{Vars: v, Endpoints: []esl.Endpoint{{Gateway: "g", Number: "1", Vars: v}, {Gateway: "h", Number: "2", Vars: v}}})
	if must != (err == nil) {
		t.Errorf("value %q: %v", value, err)
	}
	if err != nil {
		if !errors.Is(err, esl.ErrUnsafe) || s != "" {
			t.Errorf("value %q: %q, %v", value, s, err)
		}
		return
	}
	d, urls, err := parseDial(s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	if !slices.Equal(urls, []string{"sofia/gateway/g/1", "sofia/gateway/h/2"}) {
		t.Fatalf("%q dials %q", s, urls)
	}
	for _, got := range [][]esl.Var{d.Vars, d.Endpoints[0].Vars, d.Endpoints[1].Vars} {
		if !slices.Equal(got, v) {
			t.Errorf("%q is read as %q, want %q", s, got, v)
		}
	}
}

func TestDialStringRefuses(t *testing.T) {
	ok := esl.Endpoint{Leg: leg, Gateway: "g", Number: "1"}
	for name, d := range map[string]esl.Dial{
		"no endpoint":    {},
		"many endpoints": {Endpoints: slices.Repeat([]esl.Endpoint{ok}, maxEndpoints+1)},
		"leg":            {Endpoints: []esl.Endpoint{{Leg: "a,b", Gateway: "g", Number: "1"}}},
		"gateway":        {Endpoints: []esl.Endpoint{{Gateway: "g/1|h", Number: "1"}}},
		"no gateway":     {Endpoints: []esl.Endpoint{{Number: "1"}}},
		"number":         {Endpoints: []esl.Endpoint{{Gateway: "g", Number: "1@evil"}}},
		"no number":      {Endpoints: []esl.Endpoint{{Gateway: "g", Number: "+"}}},
		"plus inside":    {Endpoints: []esl.Endpoint{{Gateway: "g", Number: "1+1"}}},
		"long number":    {Endpoints: []esl.Endpoint{{Gateway: "g", Number: strings.Repeat("1", 33)}}},
		"variable name":  {Vars: []esl.Var{{Name: "a=b,c", Value: "1"}}, Endpoints: []esl.Endpoint{ok}},
		"no name":        {Vars: []esl.Var{{Value: "1"}}, Endpoints: []esl.Endpoint{ok}},
	} {
		if s, err := DialString(d); !errors.Is(err, esl.ErrUnsafe) || s != "" {
			t.Errorf("%s: %q, %v", name, s, err)
		}
	}
}

func FuzzDialString(f *testing.F) {
	for _, v := range carried {
		f.Add("x", v, "g", "+1", leg)
	}
	f.Add("a=b", "A,origination_privacy=x}loopback/9", "g/1", "1|2", "x")
	f.Fuzz(func(t *testing.T, name, value, gateway, number, id string) {
		v := []esl.Var{{Name: "first", Value: "1"}, {Name: name, Value: value}}
		s, err := DialString(esl.Dial{Vars: v, Endpoints: []esl.Endpoint{
			{Leg: id, Gateway: gateway, Number: number, Vars: v}, {Gateway: "last", Number: "9"},
		}})
		if err != nil {
			return
		}
		d, urls, err := parseDial(s)
		if err != nil || !slices.Equal(urls, []string{"sofia/gateway/" + gateway + "/" + number, "sofia/gateway/last/9"}) {
			t.Fatalf("%q dials %q, %v", s, urls, err)
		}
		inner := v
		if id != "" {
			inner = append([]esl.Var{{Name: "origination_uuid", Value: id}}, v...)
		}
		if !slices.Equal(d.Vars, v) || !slices.Equal(d.Endpoints[0].Vars, inner) || d.Endpoints[1].Vars != nil {
			t.Fatalf("%q is read as %q", s, d)
		}
	})
}
