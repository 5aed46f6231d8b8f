package api

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"maskline/models"
)

func mustBody(t *testing.T, raw string) *fields {
	t.Helper()
	f, err := bodyFields([]byte(raw))
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return f
}

func TestWholeTakesWhatClientsSend(t *testing.T) {
	for raw, want := range map[string]struct {
		n  int
		ok bool
	}{
		`{"n":30}`: {30, true}, `{"n":30.0}`: {30, true}, `{"n":"30"}`: {30, true}, `{"n":"30.0"}`: {30, true}, `{"n":" 30 "}`: {30, true},
		`{"n":3e1}`: {30, true}, `{"n":-1}`: {-1, true}, `{"n":0}`: {0, true}, `{"n":null}`: {0, false}, `{"n":""}`: {0, false}, `{}`: {0, false},
	} {
		f := mustBody(t, raw)
		if n, ok := f.whole("n"); n != want.n || ok != want.ok || f.err != nil {
			t.Errorf("%s: %d %t %v, want %d %t", raw, n, ok, f.err, want.n, want.ok)
		}
	}
	for _, raw := range []string{`{"n":30.5}`, `{"n":1e99}`, `{"n":1e400}`, `{"n":99999999999999999999}`, `{"n":"x"}`, `{"n":true}`, `{"n":{}}`,
		`{"n":"0x1p3"}`, `{"n":"NaN"}`, `{"n":"Inf"}`, `{"n":"1_0"}`} {
		f := mustBody(t, raw)
		if n, ok := f.whole("n"); ok || models.CodeOf(f.err) != models.Invalid {
			t.Errorf("%s was read as %d, %t, %v", raw, n, ok, f.err)
		}
	}
}

func TestFlagTakesWhatClientsSend(t *testing.T) {
	for raw, want := range map[string][2]bool{
		`{"b":true}`: {true, true}, `{"b":"true"}`: {true, true}, `{"b":"True"}`: {true, true}, `{"b":1}`: {true, true}, `{"b":"1"}`: {true, true},
		`{"b":false}`: {false, true}, `{"b":"false"}`: {false, true}, `{"b":0}`: {false, true}, `{"b":""}`: {false, false}, `{"b":null}`: {false, false},
	} {
		f := mustBody(t, raw)
		if v, ok := f.flag("b"); v != want[0] || ok != want[1] || f.err != nil {
			t.Errorf("%s: %t %t %v, want %v", raw, v, ok, f.err, want)
		}
	}
	f := mustBody(t, `{"b":"yes"}`)
	if _, ok := f.flag("b"); ok || f.err == nil || !strings.Contains(f.err.Error(), "b is true or false") {
		t.Errorf("yes: %v", f.err)
	}
}

func TestTextAndObject(t *testing.T) {
	f := mustBody(t, "\ufeff"+`{"s":"a\u002bb","n":13800000001,"o":{"in":"x"},"e":[],"q":"","z":null,"S":"other"}`)
	for name, want := range map[string]string{"s": "a+b", "n": "13800000001", "z": ""} {
		if got, _ := f.text(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got, _ := f.object("o").text("in"); got != "x" || f.object("e").has("in") || f.object("q").has("in") || f.err != nil {
		t.Errorf("objects: %q, %v", got, f.err)
	}
	f.object("s")
	if f.err == nil {
		t.Error("a string was taken for an object")
	}
}

func TestMalformedBodies(t *testing.T) {
	for _, raw := range []string{`[]`, `"x"`, `{`, `{"a"}`, `{"a":}`, `{"a":1}}`, `{"a":1} {"b":2}`, `nonsense`, `{"a":1,"a":2}`, "\x00"} {
		if _, err := bodyFields([]byte(raw)); models.CodeOf(err) != models.Invalid {
			t.Errorf("%s: %v", raw, err)
		}
	}
	for _, raw := range []string{``, ` `, `{}`, `{"a":1,"a":1}`, `{"a":null,"a":1}`} {
		if _, err := bodyFields([]byte(raw)); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestQueriesAndTheirBodies(t *testing.T) {
	for name, tc := range map[string]struct{ query, body, want string }{
		"escaped":                  {"relationNum=%2B8617000000001", "", "+8617000000001"},
		"a raw plus":               {"relationNum=+8617000000001", "", "+8617000000001"},
		"the query repeated":       {"relationNum=%2B8617000000001", "relationNum=%2B8617000000002", "+8617000000001"},
		"a body that is no JSON":   {"relationNum=%2B8617000000001", "{{{", "+8617000000001"},
		"only a JSON body":         {"", `{"relationNum":"+8617000000001"}`, "+8617000000001"},
		"only a form body":         {"", "relationNum=%2B8617000000001", "+8617000000001"},
		"neither":                  {"", "{{{", ""},
		"a broken pair beside":     {"a=%zz&relationNum=%2B8617000000001", "", "+8617000000001"},
		"the same number twice":    {"relationNum=1&relationNum=1", "", "1"},
		"an empty query parameter": {"relationNum=", "", ""},
	} {
		f, err := queryFields(tc.query, []byte(tc.body))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, _ := f.text("relationNum"); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
	if _, err := queryFields("a=1&a=2", nil); err == nil {
		t.Error("a parameter with two values was taken")
	}
}

func FuzzBodyFields(f *testing.F) {
	for _, raw := range []string{`{"callerNum":"+8613800000001","duration":60.0,"preVoice":{"callerHintTone":"a.wav"}}`, `{"a":1,"a":2}`, `{"a":null}`, ``,
		`{"a":1e400}`, `{"a":[[[[]]]]}`, `{"a":"\ud800"}`, `{"duration":"30.0"}`,
		`{"a":[{"b":["x",1]},{"b":"[\"x\"]"}]}`, `{"a":{"b":[null]}}`, `{"a":"aHR0cDovL2E"}`, `{"a":"[\"\ud800\"]"}`} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := bodyFields(raw)
		if err != nil {
			if models.CodeOf(err) != models.Invalid || resultOf(err, nil).code != "1010002" {
				t.Errorf("%q: %v", raw, err)
			}
			return
		}
		for name := range got.values {
			if n, ok := got.whole(name); ok && (n > math.MaxInt32 || n < math.MinInt32) {
				t.Errorf("%q: %s is %d", raw, name, n)
			}
			got.text(name)
			got.flag(name)
			got.object(name)
			if u := got.link(name); u != "" && !isLink(u) {
				t.Errorf("%q: %s is the URL %q", raw, name, u)
			}
			for _, o := range got.list(name) {
				for inner := range o.values {
					o.strings(inner)
					o.whole(inner)
				}
				got.inherit(o)
			}
			got.strings(name)
		}
		if got.err != nil && !json.Valid(resultOf(got.err, nil).body()) {
			t.Errorf("%q: the answer is no JSON: %s", raw, resultOf(got.err, nil).body())
		}
	})
}
