package main

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maskline/models"
	"maskline/web/admin"
)

// voiceAnswers are those about placed calls, prompts, templates and recordings.
func voiceAnswers() map[string]any {
	later := noon.Add(time.Hour)
	prompt := admin.Prompt{ID: 12, TenantID: 1, Name: "welcome.wav", Bytes: 16044, Encoding: "pcm16", Seconds: 1.04, Hash: "ab",
		Review: admin.Review{State: "waiting", Urgent: true, UploadedBy: "ops", UploadedAt: noon}}
	rejected := prompt
	rejected.State, rejected.Reason, rejected.Urgent = "rejected", "advertising", false
	template := admin.Template{ID: "5f0c", TenantID: 1, Name: "parcel", Content: "您的快递${TXT_8}已到。", Rate: 100, Scene: "parcels",
		Review: admin.Review{State: "approved", UploadedBy: "ops", UploadedAt: noon, ReviewedBy: "ann", ReviewedAt: &later}}
	recording := admin.Recording{Name: "26112020000012345678901.wav", SessionID: "s1@fs1", AppID: 4, TenantID: 1, State: "kept", Bytes: 160044, Seconds: 10, BeganAt: noon}
	waiting := admin.WaitingCall{SessionID: "s2@fs1", AppID: 4, TenantID: 1, Mode: "click2call", State: "queued", Position: 1, Priority: 1, Shown: "+8675528780808",
		To: "+86138****0001", Then: "+86139****0002", QueuedAt: noon, GiveUpAt: later}
	progress := admin.Progress{AppID: 4, TenantID: 1, AppKey: "vkey", Name: "notices", Waiting: 9400, Oldest: 31, Live: 90, Ports: 100, Rate: 20, Placed: 600, GaveUp: 2, Pace: 19.8, Left: 475}
	app := admin.App{ID: 4, TenantID: 1, Key: "vkey", Name: "notices", Mode: "voice", State: "normal", PushScheme: "aksk", Settings: models.AppSettings{Voice: models.VoiceSettings{
		Services: []models.Mode{models.ModeNotify}, Ports: 50, Rate: 20, App: models.CallCap{PerHour: 5000}, Number: models.NumberPace{Rate: 5}, BargeIn: true}}}
	return map[string]any{
		"GET /prompts":                 admin.List[admin.Prompt]{Items: []admin.Prompt{prompt}, Total: 1},
		"POST /prompts":                prompt,
		"POST /prompts/12/approve":     prompt,
		"POST /prompts/12/reject":      rejected,
		"POST /prompts/12/urge":        admin.Count{Count: 1},
		"DELETE /prompts/12":           admin.Count{Count: 1},
		"GET /templates":               admin.List[admin.Template]{Items: []admin.Template{template}, Total: 1},
		"POST /templates":              template,
		"GET /templates/5f0c":          template,
		"POST /templates/5f0c/try":     admin.Filled{Text: "您的快递中通已到。", Rate: 100},
		"GET /recordings":              admin.List[admin.Recording]{Items: []admin.Recording{recording}, Total: 1},
		"GET /queue":                   admin.List[admin.WaitingCall]{Items: []admin.WaitingCall{waiting}, Total: 9400},
		"GET /queue/progress":          admin.List[admin.Progress]{Items: []admin.Progress{progress}, Total: 1},
		"GET /apps/4":                  app,
		"PATCH /tenants/Acme":          admin.Tenant{ID: 1, Name: "Acme", SpID: "acme", State: "normal", Calls: models.CallCap{PerHour: 5000, PerDay: 50000}},
		"PATCH /apps/4":                app,
		"POST /templates/5f0c/reject":  template,
		"POST /templates/5f0c/urge":    admin.Count{Count: 1},
		"DELETE /templates/5f0c":       admin.Count{Count: 1},
		"POST /templates/5f0c/approve": template,
	}
}

// sounds is an admin API that answers with a sound, and remembers what it was sent.
func sounds(t *testing.T) (server string, sent *[]byte, kind *string) {
	t.Helper()
	sent, kind = new([]byte), new(string)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*sent, _ = io.ReadAll(r.Body)
		*kind = r.Header.Get("Content-Type") + " " + r.URL.RequestURI()
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/prompts") {
			_ = json.NewEncoder(w).Encode(voiceAnswers()["POST /prompts"])
			return
		}
		w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": "../../w.wav"}))
		_, _ = w.Write([]byte("RIFFsound"))
	}))
	t.Cleanup(s.Close)
	return s.URL, sent, kind
}

func TestSoundsComeAndGo(t *testing.T) {
	server, sent, kind := sounds(t)
	environ := []string{"MASKLINE_SERVER=" + server, "MASKLINE_TOKEN=" + testToken}
	t.Chdir(t.TempDir())
	file := filepath.Join(t.TempDir(), "welcome.wav")
	if err := os.WriteFile(file, []byte("RIFFmine"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, code := execute(t, environ, "prompt", "add", "--tenant", "Acme", "--urgent", file)
	if code != exitOK || !strings.Contains(out, "welcome.wav") || string(*sent) != "RIFFmine" || *kind != "audio/wav /admin/v1/prompts?name=welcome.wav&tenant=Acme&urgent=true" {
		t.Errorf("exit %d, %s%s, sent %s as %s", code, out, errs, *sent, *kind)
	}
	for _, c := range []struct {
		args []string
		file string
		code int
		says string
	}{
		{[]string{"prompt", "get", "12"}, "w.wav", exitOK, "wrote w.wav, 9 bytes"},
		{[]string{"prompt", "get", "12"}, "w.wav", exitFailure, "--out"},
		{[]string{"prompt", "get", "12", "--out", "w.wav"}, "w.wav", exitOK, "wrote w.wav"},
		{[]string{"recording", "get", "26112020000012345678901.wav", "--out", "r.wav"}, "r.wav", exitOK, "wrote r.wav"},
		{[]string{"template", "try", "5f0c", "中通", "--out", "t.wav"}, "t.wav", exitOK, "wrote t.wav"},
		{[]string{"template", "try", "5f0c", "--out", "/dev/null/t.wav"}, "", exitFailure, "/dev/null/t.wav"},
		{[]string{"prompt", "get", "12", "--out", "-"}, "", exitOK, "RIFFsound"},
		{[]string{"prompt", "add", "--tenant", "Acme", "nothing.wav"}, "", exitFailure, "nothing.wav"},
	} {
		out, errs, code := execute(t, environ, c.args...)
		if code != c.code || !strings.Contains(out+errs, c.says) {
			t.Errorf("%v: exit %d, %s%s", c.args, code, out, errs)
		}
		if c.file == "" {
			continue
		}
		if b, err := os.ReadFile(c.file); err != nil || !bytes.Equal(b, []byte("RIFFsound")) {
			t.Errorf("%v: %s holds %q, %v", c.args, c.file, b, err)
		}
	}
}

func TestVoiceSettingsOfTheCommandLine(t *testing.T) {
	for _, c := range []struct{ flags, want string }{
		{"ports=50,rate=2.5", `{"ports":50,"rate":2.5}`},
		{"queue=-1,barge_in=true", `{"barge_in":true,"queue":-1}`},
		{"services=callnotify+callverify", `{"services":["callnotify","callverify"]}`},
		{"services=", `{"services":[]}`},
		{"number.rate=5,number.per_hour=100,app.per_day=9", `{"app":{"per_day":9},"number":{"per_hour":100,"rate":5}}`},
	} {
		got, err := voiceValues([]string{c.flags})
		if err != nil {
			t.Errorf("%s: %v", c.flags, err)
			continue
		}
		b, err := json.Marshal(got)
		if err != nil || string(b) != c.want {
			t.Errorf("%s: %s, %v; want %s", c.flags, b, err, c.want)
		}
		var v models.VoiceSettings
		if err := json.Unmarshal(b, &v); err != nil {
			t.Errorf("%s: %v", c.flags, err)
		}
	}
	for _, wrong := range []string{"ports", "port=5", "ports=many", "barge_in=maybe", "number=5"} {
		if got, err := voiceValues([]string{wrong}); err == nil {
			t.Errorf("%s gives %v", wrong, got)
		}
	}
}
