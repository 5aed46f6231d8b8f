package media

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"maskline/models"
)

func TestSounds(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/zh/busy.wav", alaw(8000))
	write(t, dir+"/tenants/sp_1/busy.wav", alaw(16000))
	write(t, dir+"/tenants/sp_1/w@it-1.wav", alaw(80))
	write(t, dir+"/secret.wav", alaw(80))
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	defer srv.Close()
	sounds, err := NewSounds(srv.URL+"/", []byte("a key of enough bytes"))
	if err != nil {
		t.Fatal(err)
	}
	library, err := New(dir+"/tenants", dir+"/zh")
	if err != nil {
		t.Fatal(err)
	}
	library.Over(sounds)
	sp := speaker(t, SpeechOptions{Sounds: sounds, Engine: engine(func(context.Context, models.Speech) ([]byte, error) { return word, nil })})
	mux.Handle(SoundsPath, sounds.Handler(library, sp))

	get := func(address string) (*http.Response, string) {
		t.Helper()
		res, err := http.Get(strings.TrimPrefix(address, "http_cache://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(b)
	}
	find := func(spID, name string) string {
		t.Helper()
		address, ok := library.Find(spID, name)
		if !ok || !strings.HasPrefix(address, "http_cache://"+srv.URL+SoundsPath) || !strings.HasSuffix(address, "/"+name) || strings.ContainsAny(address, ",;|!~'\"$\\ {}[]<>") {
			t.Errorf("%s of %q is at %q", name, spID, address)
		}
		return address
	}
	spoken, _, err := sp.Speak(t.Context(), models.Speech{Text: "您好"})
	if err != nil {
		t.Fatal(err)
	}
	file, _, err := sp.Render(t.Context(), models.Speech{Text: "您好"})
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string][]byte{
		find("sp_1", "busy.wav"): alaw(16000), find("sp_2", "busy.wav"): alaw(8000), find("", "busy.wav"): alaw(8000), find("sp_1", "w@it-1.wav"): alaw(80), spoken: read(t, file),
	} {
		res, body := get(address)
		if res.StatusCode != http.StatusOK || body != string(want) || res.Header.Get("Cache-Control") != "max-age=604800" || res.Header.Get("Content-Type") != "audio/x-wav" {
			t.Errorf("%s: %s, %d bytes, %v", address, res.Status, len(body), res.Header)
		}
	}
	if _, ok := library.Find("sp_2", "w@it-1.wav"); ok {
		t.Error("another tenant's prompt is found")
	}

	// A replaced prompt has another address; who still has the old one gets it as it is now, for a short time.
	old := find("sp_1", "busy.wav")
	write(t, dir+"/tenants/sp_1/busy.wav", alaw(24000))
	now := time.Now().Add(time.Second)
	if err := os.Chtimes(dir+"/tenants/sp_1/busy.wav", now, now); err != nil {
		t.Fatal(err)
	}
	if find("sp_1", "busy.wav") == old {
		t.Error("a replaced prompt keeps its address")
	}
	if res, body := get(old); body != string(alaw(24000)) || res.Header.Get("Cache-Control") != "max-age=60" {
		t.Errorf("at the old address: %s, %d bytes, %v", res.Status, len(body), res.Header)
	}

	_, version, _ := strings.Cut(spoken, SoundsPath)
	signed, _, _ := strings.Cut(version, "/")
	forged := srv.URL + SoundsPath + "0." + sounds.sign("0", "tenant/sp_1/../../secret.wav") + "/tenant/sp_1/../../secret.wav"
	for _, bad := range []string{
		srv.URL + SoundsPath, srv.URL + SoundsPath + "x", srv.URL + SoundsPath + "0/platform/busy.wav", srv.URL + SoundsPath + "0./platform/busy.wav",
		srv.URL + SoundsPath + signed + "/platform/busy.wav", strings.Replace(old, "sp_1", "sp_2", 1), strings.Replace(old, "busy", "w@it-1", 1), forged,
		strings.ReplaceAll(forged, "../", "..%2f"),
		srv.URL + SoundsPath + "0." + sounds.sign("0", "speech/../../etc/passwd") + "/speech/..%2f..%2fetc%2fpasswd",
		srv.URL + SoundsPath + "0." + sounds.sign("0", "speech/x.wav") + "/speech/x.wav",
		srv.URL + SoundsPath + "0." + sounds.sign("0", "other/busy.wav") + "/other/busy.wav",
		srv.URL + SoundsPath + "0." + sounds.sign("0", "platform/none.wav") + "/platform/none.wav",
	} {
		if res, _ := get(bad); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", bad, res.Status)
		}
	}
	res, err := http.Post(strings.TrimPrefix(old, "http_cache://"), "text/plain", http.NoBody)
	if err != nil || res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %v, %v", res, err)
	}
	_ = res.Body.Close()
	http.DefaultClient.CloseIdleConnections()

	// Another daemon with the same key serves the same addresses; one without library and speaker serves none.
	twin, _ := NewSounds("http://other:1", []byte("a key of enough bytes"))
	for h, want := range map[*http.Handler]int{new(twin.Handler(library, sp)): http.StatusOK, new(twin.Handler(nil, nil)): http.StatusNotFound} {
		rec := httptest.NewRecorder()
		(*h).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, strings.TrimPrefix(old, "http_cache://"+srv.URL), nil))
		if rec.Code != want {
			t.Errorf("the other daemon answers %d, want %d", rec.Code, want)
		}
	}
}

func TestNewSoundsRefuses(t *testing.T) {
	key := []byte("a key of enough bytes")
	for _, base := range []string{"", "192.0.2.1:8091", "ftp://h", "http://", "http://a;b", "http://user:pw@h", "http://h/a,b", "http://h/?x=1", "http://[::1]:8091", "http://h/a b"} {
		if _, err := NewSounds(base, key); err == nil {
			t.Errorf("%q is a base", base)
		}
	}
	if _, err := NewSounds("http://192.0.2.1:8091", key[:10]); err == nil {
		t.Error("a short key is accepted")
	}
}

func FuzzSounds(f *testing.F) {
	s, err := NewSounds("http://h", []byte("a key of enough bytes"))
	if err != nil {
		f.Fatal(err)
	}
	h := s.Handler(&Library{}, nil)
	f.Add("/sounds/0.abc/platform/busy.wav")
	f.Add("/sounds/" + "0." + s.sign("0", "speech/x.wav") + "/speech/x.wav")
	f.Add("/sounds//../x")
	f.Fuzz(func(t *testing.T, path string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path = path
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code != http.StatusNotFound {
			t.Fatalf("%q: %d", path, rec.Code)
		}
	})
}
