package api

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"maskline/models"
)

func TestListTakesWhatClientsSend(t *testing.T) {
	for raw, want := range map[string][]string{
		`{"l":[{"v":"a"},{"v":"b"}]}`: {"a", "b"}, `{"l":{"v":"a"}}`: {"a"}, ` {"l" : [ {"v":"a"} , {"v":"b"} ] }`: {"a", "b"},
		`{"l":[]}`: {}, `{"l":""}`: {}, `{"l":null}`: {}, `{}`: {}, `{"l":[{}]}`: {""},
	} {
		f := mustBody(t, raw)
		got := []string{}
		for _, o := range f.list("l") {
			v, _ := o.text("v")
			f.inherit(o)
			got = append(got, v)
		}
		if !slices.Equal(got, want) || f.err != nil {
			t.Errorf("%s: %q %v, want %q", raw, got, f.err, want)
		}
	}
	for raw, want := range map[string]string{
		`{"l":"x"}`: "l is an array of objects", `{"l":7}`: "l is an array of objects", `{"l":[7]}`: "l[0] is an object",
		`{"l":[{},null]}`: "l[1] is an object", `{"l":[{"a":1,"a":2}]}`: "l[0] is not an object in which each name stands once",
		`{"l":[{"v":"a"},{"v":{}}]}`: "l[1].v is a string", `{"l":{"v":[]}}`: "l[0].v is a string",
	} {
		f := mustBody(t, raw)
		for _, o := range f.list("l") {
			o.text("v")
			f.inherit(o)
		}
		if resultOf(f.err, nil).desc != "Invalid request."+want+"." {
			t.Errorf("%s: %v, want %s", raw, f.err, want)
		}
	}
}

func TestStringsTakeWhatClientsSend(t *testing.T) {
	for raw, want := range map[string][]string{
		`{"s":["3位","人民公园"]}`: {"3位", "人民公园"}, `{"s":"[\"3位\",\"人民公园\"]"}`: {"3位", "人民公园"}, `{"s":" [ 12 , \"x\" ] "}`: {"12", "x"},
		`{"s":[12,3.50,-1,"2017/12/31"]}`: {"12", "3.50", "-1", "2017/12/31"}, `{"s":["3\u4f4d"]}`: {"3位"}, `{"s":[""]}`: {""},
		`{"s":[]}`: nil, `{"s":"[]"}`: nil, `{"s":""}`: nil, `{"s":null}`: nil, `{"s":"null"}`: nil, `{}`: nil,
	} {
		f := mustBody(t, raw)
		if got := f.strings("s"); !slices.Equal(got, want) || f.err != nil {
			t.Errorf("%s: %q %v, want %q", raw, got, f.err, want)
		}
	}
	for _, raw := range []string{`{"s":"3位"}`, `{"s":"{}"}`, `{"s":{}}`, `{"s":7}`, `{"s":true}`, `{"s":[true]}`, `{"s":[null]}`, `{"s":[["a"]]}`, `{"s":"[\"a\""}`} {
		f := mustBody(t, raw)
		if got := f.strings("s"); got != nil || models.CodeOf(f.err) != models.Invalid {
			t.Errorf("%s was read as %q, %v", raw, got, f.err)
		}
	}
}

func TestLinkTakesWhatClientsSend(t *testing.T) {
	const url = "http://customer.example:8080/status?a=>>>&b=???" // its Base64 has both letters in which the alphabets differ
	std := base64.StdEncoding.EncodeToString([]byte(url))
	if !strings.ContainsAny(std, "+") || !strings.ContainsAny(std, "/") || !strings.HasSuffix(std, "=") {
		t.Fatalf("%s does not show what it shall", std)
	}
	for name, raw := range map[string]string{
		"standard": std, "for URLs": base64.URLEncoding.EncodeToString([]byte(url)), "standard, bare": base64.RawStdEncoding.EncodeToString([]byte(url)),
		"for URLs, bare": base64.RawURLEncoding.EncodeToString([]byte(url)), "in lines": std[:40] + `\r\n` + std[40:] + `\n`, "escaped slashes": strings.ReplaceAll(std, "/", `\/`),
		"as it is": url, "with blanks": " " + url + " ", "blanks inside": base64.StdEncoding.EncodeToString([]byte(url + "\n")),
	} {
		f := mustBody(t, `{"u":"`+raw+`"}`)
		if got := f.link("u"); got != url || f.err != nil {
			t.Errorf("%s: %q %v", name, got, f.err)
		}
	}
	for _, raw := range []string{`{}`, `{"u":""}`, `{"u":" "}`, `{"u":null}`} {
		f := mustBody(t, raw)
		if got := f.link("u"); got != "" || f.err != nil {
			t.Errorf("%s: %q %v", raw, got, f.err)
		}
	}
	for _, raw := range []string{`"customer.example/status"`, `"ftp://customer.example/"`, `"aGVsbG8="`, `"a"`, `"中文"`, `{}`, `"` + base64.StdEncoding.EncodeToString([]byte("file:///etc/passwd")) + `"`} {
		f := mustBody(t, `{"u":`+raw+`}`)
		if got := f.link("u"); got != "" || models.CodeOf(f.err) != models.Invalid || !strings.Contains(f.err.Error(), "(u)") {
			t.Errorf("%s: %q %v", raw, got, f.err)
		}
	}
}
