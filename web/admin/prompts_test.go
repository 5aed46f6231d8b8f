package admin

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"maskline/models"
)

// wav is a WAV file of so many samples of a tone: 16-bit PCM, 8 kHz, mono.
func wav(samples int) string {
	b := make([]byte, 44+2*samples)
	copy(b, "RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data")
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	binary.LittleEndian.PutUint32(b[40:], uint32(2*samples))
	for i := range samples {
		binary.LittleEndian.PutUint16(b[44+2*i:], uint16(int16(8000*(i/8%2*2-1))))
	}
	return string(b)
}

// upload sends a file and checks the answer's status and shape.
func (l *lab) upload(query, kind, body string, status int, out any) {
	l.t.Helper()
	req := httptest.NewRequestWithContext(l.t.Context(), http.MethodPost, Prefix+"/prompts?"+query, strings.NewReader(body))
	req.Header.Set("Content-Type", kind)
	l.send(req, status, out)
}

func TestPromptsAreReviewed(t *testing.T) {
	l := newLab(t)
	l.do("POST", "/tenants", `{"name":"Acme"}`, 201, nil)
	l.do("POST", "/tenants", `{"name":"Beta"}`, 201, nil)
	var p Prompt
	l.upload("tenant=Acme&name=welcome.wav&urgent=true", "audio/wav", wav(8000), 201, &p)
	if p.State != "waiting" || !p.Urgent || p.UploadedBy != "ops" || p.Seconds != 1 || p.Encoding != "pcm16" || len(p.Hash) != 64 {
		t.Errorf("uploaded %+v", p)
	}
	path := fmt.Sprintf("/prompts/%d", p.ID)
	if got := l.hear("GET", path+"/sound", ""); got != wav(8000) {
		t.Error("what the reviewer hears is not what was uploaded")
	}
	l.upload("tenant=Acme&name=welcome.wav", "audio/wav", wav(800), 409, nil)
	l.upload("tenant=Beta&name=welcome.wav", "audio/wav", wav(800), 201, nil)
	var list List[Prompt]
	l.do("GET", "/prompts?tenant=Acme&state=waiting&urgent=true&name=welcome.wav", "", 200, &list)
	if list.Total != 1 || list.Items[0].ID != p.ID {
		t.Errorf("waiting %+v", list)
	}
	var f Failure
	l.do("POST", path+"/reject", "", 400, &f)
	if f.Param != "reason" {
		t.Errorf("a rejection without a reason: %+v", f)
	}
	l.do("POST", path+"/approve", "", 200, &p)
	if p.State != "approved" || p.ReviewedBy != "ops" {
		t.Errorf("approved %+v", p)
	}
	l.do("POST", path+"/approve", "", 409, nil)
	l.do("POST", path+"/urge", "", 409, nil)

	// A replacement waits beside it, and takes its place when it is approved.
	form, kind := l.form("welcome.wav", wav(16000))
	var second Prompt
	l.upload("tenant=Acme", kind, form, 201, &second)
	l.do("POST", fmt.Sprintf("/prompts/%d/urge", second.ID), "", 200, nil)
	l.do("GET", path, "", 200, &p)
	if p.State != "approved" {
		t.Errorf("the old one meanwhile: %+v", p)
	}
	l.do("POST", fmt.Sprintf("/prompts/%d/approve", second.ID), "", 200, nil)
	l.do("GET", path, "", 200, &p)
	if p.State != "removed" || p.Reason == "" {
		t.Errorf("the old one afterwards: %+v", p)
	}
	l.do("DELETE", fmt.Sprintf("/prompts/%d?reason=%s", second.ID, url.QueryEscape("not needed")), "", 200, nil)
	l.do("GET", "/prompts?tenant=Acme&state=removed", "", 200, &list)
	if list.Total != 2 || list.Items[0].Reason != "not needed" {
		t.Errorf("removed ones %+v", list)
	}
	l.do("GET", "/prompts/none", "", 404, nil)
	l.do("GET", "/prompts/99", "", 404, nil)
	l.do("GET", "/prompts/99/sound", "", 404, nil)
	l.do("GET", "/prompts?state=odd", "", 400, nil)
}

// form is an upload as a browser sends it.
func (l *lab) form(name, file string) (body, kind string) {
	l.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.WriteField("note", "something else"); err != nil {
		l.t.Fatal(err)
	}
	part, err := w.CreateFormFile("file", name)
	if err != nil {
		l.t.Fatal(err)
	}
	if _, err := part.Write([]byte(file)); err != nil {
		l.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		l.t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

func TestBadPromptsAreRefused(t *testing.T) {
	l := newLab(t)
	l.do("POST", "/tenants", `{"name":"Acme"}`, 201, nil)
	lies := []byte(wav(800))
	binary.LittleEndian.PutUint32(lies[40:], 1<<20)
	mp3 := []byte(wav(800))
	mp3[20] = 0x55
	fast := []byte(wav(800))
	binary.LittleEndian.PutUint32(fast[24:], 44100)
	huge, hugeKind := l.form("x.wav", strings.Repeat("x", uploadLimit+1))
	none, noneKind := l.form("x.wav", wav(800))
	for _, c := range []struct {
		name, query, kind, body, param string
		status                         int
	}{
		{"no tenant", "name=x.wav", "audio/wav", wav(800), "tenant", 400},
		{"a tenant who is not there", "tenant=Nobody&name=x.wav", "audio/wav", wav(800), "tenant", 404},
		{"no name", "tenant=Acme", "audio/wav", wav(800), "name", 400},
		{"a name that climbs", "tenant=Acme&name=" + url.QueryEscape("../x.wav"), "audio/wav", wav(800), "name", 400},
		{"another ending", "tenant=Acme&name=x.mp3", "audio/wav", wav(800), "name", 400},
		{"blanks", "tenant=Acme&name=a+b.wav", "audio/wav", wav(800), "name", 400},
		{"nothing", "tenant=Acme&name=x.wav", "audio/wav", "", "file", 400},
		{"no frames", "tenant=Acme&name=x.wav", "audio/wav", wav(0), "file", 400},
		{"a length that is not so", "tenant=Acme&name=x.wav", "audio/wav", string(lies), "file", 400},
		{"MP3 inside", "tenant=Acme&name=x.wav", "audio/wav", string(mp3), "file", 400},
		{"another rate", "tenant=Acme&name=x.wav", "audio/wav", string(fast), "file", 400},
		{"2.1 MB", "tenant=Acme&name=x.wav", "audio/wav", wav(1_100_000), "file", 400},
		{"far too much", "tenant=Acme&name=x.wav", "audio/wav", strings.Repeat("x", uploadLimit+1), "file", 400},
		{"far too much in a form", "tenant=Acme", hugeKind, huge, "file", 400},
		{"a form without the file", "tenant=Acme", noneKind, strings.Replace(none, `name="file"`, `name="files"`, 1), "file", 400},
		{"a form without a boundary", "tenant=Acme", "multipart/form-data", none, "file", 400},
	} {
		var f Failure
		l.upload(c.query, c.kind, c.body, c.status, &f)
		if f.Param != c.param || f.Message == "" {
			t.Errorf("%s: %+v, want param %q", c.name, f, c.param)
		}
	}
	var list List[Prompt]
	l.do("GET", "/prompts", "", 200, &list)
	if list.Total != 0 {
		t.Errorf("stored all the same: %+v", list)
	}
}

func TestAPromptInUseStays(t *testing.T) {
	l := newLab(t)
	app, _ := l.bound()
	var p Prompt
	l.upload("tenant=Acme&name=mine.wav", "audio/wav", wav(800), 201, &p)
	path := fmt.Sprintf("/prompts/%d", p.ID)
	l.do("POST", path+"/approve", "", 200, nil)
	l.do("PATCH", "/apps/"+app.Key, `{"prompts":{"busy.wav":"mine.wav"}}`, 200, nil)
	var f Failure
	l.do("DELETE", path, "", 409, &f)
	if f.Code != models.InUse || f.Message == "" {
		t.Errorf("an app plays it: %+v", f)
	}
	l.do("PATCH", "/apps/"+app.Key, `{"prompts":{}}`, 200, nil)
	l.do("DELETE", path, "", 200, nil)
}

func TestWithoutAShelf(t *testing.T) {
	l := newLab(t)
	e, err := New(Options{Store: l.store, Tokens: []Token{{"ops", token}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"POST /prompts?name=x.wav", "GET /prompts/1/sound", "POST /prompts/1/approve", "DELETE /prompts/1", "POST /templates/x/sound"} {
		method, path, _ := strings.Cut(path, " ")
		req := httptest.NewRequestWithContext(t.Context(), method, Prefix+path, http.NoBody)
		req.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		e.ServeHTTP(w, req)
		var f Failure
		if err := json.Unmarshal(w.Body.Bytes(), &f); err != nil || w.Code != http.StatusNotFound || !strings.Contains(f.Message, "this daemon") {
			t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
	}
}
