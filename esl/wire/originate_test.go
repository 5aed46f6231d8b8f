package wire

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/esl"
	"maskline/esl/sim/dialstring"
)

var toA = esl.Dial{
	Vars:      []esl.Var{{Name: "maskline_call", Value: leg}, {Name: "execute_on_answer_1", Value: "record_session /rec/a.wav"}},
	Endpoints: []esl.Endpoint{{Leg: leg, Gateway: "carrier-a", Number: "138001", Timeout: 30 * time.Second}},
}

// readOriginate reads a line as FreeSWITCH does: the dial string, and what the leg executes.
func readOriginate(t *testing.T, line string) (dial string, then []esl.App) {
	t.Helper()
	words := dialstring.Words(line)
	if len(words) != 3 || words[2] != "inline" {
		t.Fatalf("%q has words %q", line, words)
	}
	return words[0], dialstring.Inline(words[1])
}

func TestOriginate(t *testing.T) {
	toB := esl.Dial{Vars: []esl.Var{{Name: "execute_on_answer_1", Value: "sched_hangup +60 ALLOTTED_TIMEOUT"}}, Endpoints: []esl.Endpoint{{Gateway: "carrier-b", Number: "139", Timeout: time.Minute}}}
	for name, tt := range map[string]struct {
		then []esl.App
		want string
	}{
		"one":       {[]esl.App{{Name: "playback", Arg: "/x.wav"}}, "m:;:playback:/x.wav"},
		"several":   {[]esl.App{{Name: "playback", Arg: "/x.wav"}, {Name: "sleep", Arg: "500"}, {Name: "hangup"}}, "m:;:playback:/x.wav;sleep:500;hangup"},
		"blanks":    {[]esl.App{{Name: "read", Arg: "1 4 silence probe 5000 # 5000"}}, "m:;:read:1 4 silence probe 5000 # 5000"},
		"semicolon": {[]esl.App{{Name: "playback", Arg: "tone_stream://%(1,2,3);loops=2"}, {Name: "hangup"}}, "m:~:playback:tone_stream://%(1,2,3);loops=2~hangup"},
		"bridge": {
			[]esl.App{{Name: "playback", Arg: "/x.wav"}, esl.BridgeApp(toB)},
			"m:;:playback:/x.wav;bridge:{^^~execute_on_answer_1=sched_hangup +60 ALLOTTED_TIMEOUT}[^^~leg_timeout=60]sofia/gateway/carrier-b/139",
		},
	} {
		line, err := Originate(toA, tt.then)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := "'{^^~maskline_call=" + leg + "~execute_on_answer_1=record_session /rec/a.wav}[^^~origination_uuid=" + leg + "~leg_timeout=30]sofia/gateway/carrier-a/138001' '" + tt.want + "' inline"
		if line != want {
			t.Errorf("%s: %s\nwant %s", name, line, want)
		}
		dial, then := readOriginate(t, line)
		if d, urls, err := parseDial(dial); err != nil || !slices.Equal(d.Vars, toA.Vars) || len(urls) != 1 {
			t.Errorf("%s: dials %v %v, %v", name, d, urls, err)
		}
		if len(then) != len(tt.then) {
			t.Errorf("%s: executes %v", name, then)
		}
	}
}

func TestOriginateRefuses(t *testing.T) {
	good := esl.App{Name: "playback", Arg: "/x.wav"}
	for name, then := range map[string][]esl.App{
		"nothing":            {},
		"too many":           slices.Repeat([]esl.App{good}, maxApps+1),
		"quote":              {{Name: "playback", Arg: "a'b"}},
		"double quote":       {{Name: "playback", Arg: `a"b`}},
		"backslash":          {{Name: "playback", Arg: `a\sb`}},
		"line":               {{Name: "playback", Arg: "a\nb"}},
		"not utf-8":          {{Name: "playback", Arg: "\xff"}},
		"variable":           {{Name: "playback", Arg: "${x}"}},
		"scoped":             {{Name: "playback", Arg: "%[a=b]/x.wav"}},
		"blank in front":     {{Name: "playback", Arg: " /x.wav"}},
		"blank at the end":   {{Name: "playback", Arg: "/x.wav "}},
		"name":               {{Name: "play back"}},
		"name with argument": {{Name: "playback:/x.wav"}},
		"no name":            {{Arg: "x"}},
		"every separator":    {{Name: "playback", Arg: appSeparators}},
		"too long":           {{Name: "playback", Arg: strings.Repeat("x", maxOriginate)}},
		"dial":               {esl.BridgeApp(esl.Dial{})},
		"dial's value":       {esl.BridgeApp(esl.Dial{Vars: []esl.Var{{Name: "x", Value: "a'b"}}, Endpoints: toA.Endpoints})},
	} {
		if line, err := Originate(toA, then); !errors.Is(err, esl.ErrUnsafe) || line != "" {
			t.Errorf("%s: %q, %v", name, line, err)
		}
	}
	if line, err := Originate(esl.Dial{}, []esl.App{good}); !errors.Is(err, esl.ErrUnsafe) || line != "" {
		t.Errorf("no endpoint: %q, %v", line, err)
	}
	if _, err := Originate(toA, slices.Repeat([]esl.App{good}, maxApps)); err != nil {
		t.Errorf("as many as may be: %v", err)
	}
}

// Whatever is rendered is read back as it was, by FreeSWITCH's own rules.
func FuzzOriginate(f *testing.F) {
	for _, v := range carried {
		f.Add("playback", v, "hangup", "NORMAL_CLEARING", v)
	}
	f.Add("playback", "x' inline '&system", "hangup", "a;b", "x;hangup")
	f.Add("playback", "^^:a", "sleep", "m:;:x", "a:_:b")
	f.Fuzz(func(t *testing.T, name, arg, name2, arg2, value string) {
		d := esl.Dial{Vars: []esl.Var{{Name: "first", Value: "1"}, {Name: "x", Value: value}}, Endpoints: toA.Endpoints}
		apps := []esl.App{{Name: name, Arg: arg}, esl.BridgeApp(d), {Name: name2, Arg: arg2}}
		line, err := Originate(d, apps)
		if err != nil {
			if !errors.Is(err, esl.ErrUnsafe) {
				t.Fatal(err)
			}
			return
		}
		if _, err := BackgroundAPI("originate", line, leg); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		dial, then := readOriginate(t, line)
		want, err := DialString(d)
		if err != nil || dial != want {
			t.Fatalf("%q dials %q, want %q", line, dial, want)
		}
		if strings.Contains(dial, ":_:") {
			t.Fatalf("%q is several calls", dial)
		}
		if !slices.Equal(then, []esl.App{{Name: name, Arg: arg}, {Name: "bridge", Arg: want}, {Name: name2, Arg: arg2}}) {
			t.Fatalf("%q executes %v", line, then)
		}
	})
}
