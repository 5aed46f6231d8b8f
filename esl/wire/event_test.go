package wire

import (
	"bytes"
	"errors"
	"maps"
	"strings"
	"testing"

	"maskline/esl"
)

var _ esl.Headers = (*Event)(nil)

func TestEventGet(t *testing.T) {
	const in = "Event-Name: CHANNEL_PARK\n" +
		"Other-Leg-Unique-ID: other\n" +
		"Unique-ID: u-1\n" +
		"unique-id: second\n" +
		"Caller-Channel-Name: sofia/carrier/%2B8613800000000%40127.0.0.1%3A5060\n" +
		"variable_empty: _undef_\n" +
		"variable_array[0]: a%7Cb\n" +
		"variable_a/b: slash\n" +
		"variable_nolocal:x: colon\n" +
		"variable_名: %E5%90%8D\n" +
		"variable_latin: caf%E9\n" +
		"variable_percent: 100%\n" +
		"variable_percents: %zz%2\n" +
		"variable_plus: a+b\n" +
		"variable_tight:no-blank\n" +
		"a line that is no header\n" +
		"variable_last: yes\n\n"
	e, err := ParseEvent([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Event-Name": "CHANNEL_PARK", "Unique-ID": "u-1", "unique-id": "second", "UNIQUE-ID": "u-1", "ID": "", "": "",
		"Caller-Channel-Name": "sofia/carrier/+8613800000000@127.0.0.1:5060",
		"variable_empty":      "", "variable_array[0]": "a|b", "variable_a/b": "slash", "variable_名": "名", "variable_latin": "caf\uFFFD",
		"variable_nolocal:x": "colon", "variable_percent": "100%", "variable_percents": "%zz%2", "variable_plus": "a+b",
		"variable_tight": "no-blank", "variable_last": "yes", "absent": "", "Variable_Last": "yes", "Event-Name: CHANNEL_PARK\nOther-Leg-Unique-ID": "",
	} {
		if got := e.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	all := maps.Collect(e.All())
	if len(all) != 16 || all["variable_latin"] != "caf\uFFFD" {
		t.Errorf("%d headers: %v", len(all), all)
	}
}

func TestEventWithBody(t *testing.T) {
	in := AppendEvent(nil, []Field{{"Event-Name", "BACKGROUND_JOB"}, {"Content-Length", "999"}, {"Job-UUID", "j1"}}, "+OK\n\nline: two\n")
	f, err := NewReader(bytes.NewReader(in)).Next()
	if err != nil {
		t.Fatal(err)
	}
	e, err := f.Event()
	if err != nil {
		t.Fatal(err)
	}
	if e.Name() != "BACKGROUND_JOB" || e.Get("Job-UUID") != "j1" || e.Body() != "+OK\n\nline: two\n" || e.Get("line") != "" {
		t.Errorf("read %v with body %q", maps.Collect(e.All()), e.Body())
	}
}

func TestParseEventRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"nothing": "", "no headers": "\n\n", "no end": "Event-Name: X\n", "NUL": "Event-Name: X\x00\n\n",
		"body without a length": "Event-Name: X\n\nbody",
		"body too short":        "Event-Name: X\nContent-Length: 5\n\nbody",
		"body too long":         "Event-Name: X\nContent-Length: 3\n\nbody",
		"negative":              "Event-Name: X\nContent-Length: -4\n\nbody",
	} {
		if _, err := ParseEvent([]byte(in)); !errors.Is(err, ErrFrame) {
			t.Errorf("%s: %v, want ErrFrame", name, err)
		}
	}
	f := Frame{Type: EventPlain, Body: []byte("variable_\xff: 1\n\n")}
	if _, err := f.Event(); !errors.Is(err, ErrFrame) {
		t.Errorf("event frame that is not utf-8: %v", err)
	}
	if _, err := (Frame{Type: EventJSON, Body: []byte("{}")}).Event(); !errors.Is(err, ErrFrame) {
		t.Errorf("json event: %v", err)
	}
}

func TestEscape(t *testing.T) {
	for value, want := range map[string]string{
		"":                "_undef_",
		"plain-._~!$'()*": "plain-._~!$'()*",
		"a b\r\n":         "a%20b%0D%0A",
		"+86@x:1":         "%2B86%40x%3A1",
		"名":               "%E5%90%8D",
		"100%":            "100%25",
		"kept %2B":        "kept%20%2B",
		"not %2b":         "not%20%252b",
	} {
		if got := string(AppendEscaped(nil, value)); got != want {
			t.Errorf("%q is written %q, want %q", value, got, want)
		}
	}
}

func FuzzEventHeaders(f *testing.F) {
	f.Add("Unique-ID", "+8613800000000@x", "variable_x", "", "body")
	f.Add("A", "%2B literal", "A", "caf\xe9", "")
	f.Add("variable_名[0]/x", "a\nb: c", "B", "_undef_", "x\n\n")
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2, body string) {
		if strings.ContainsAny(n1+n2, "\n\r:\x00") || n1 == "" || n2 == "" || strings.Contains(body, "\x00") {
			return
		}
		e, err := ParseEvent(AppendPlain(nil, []Field{{n1, v1}, {n2, v2}}, body))
		if err != nil {
			t.Fatalf("own event not read back: %v", err)
		}
		if got := e.Body(); got != strings.ToValidUTF8(body, "\uFFFD") {
			t.Errorf("body %q, want %q", got, body)
		}
		want := strings.ToValidUTF8(v1, "\uFFFD")
		if v1 == "_undef_" {
			want = ""
		}
		if got := e.Get(n1); !strings.Contains(v1, "%") && got != want {
			t.Errorf("%q = %q, want %q", n1, got, v1)
		}
	})
}

func FuzzEvent(f *testing.F) {
	f.Add([]byte("Event-Name: X\nContent-Length: 4\n\nbody"), "Event-Name")
	f.Add([]byte("a\n: \n::\n\n"), ":")
	f.Fuzz(func(t *testing.T, in []byte, name string) {
		e, err := ParseEvent(in)
		if err != nil {
			return
		}
		e.Get(name)
		for k, v := range e.All() {
			if strings.ContainsAny(k, "\n") {
				t.Errorf("name %q, value %q", k, v)
			}
		}
	})
}
