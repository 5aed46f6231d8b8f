package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"maskline/web/admin"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with testdata/NAME.txt.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
	}
}

// scripted is an admin API that gives fixed answers, and remembers what it was asked.
func scripted(t *testing.T, answers map[string]any) (server string, asked *[]string) {
	t.Helper()
	asked = &[]string{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.Method+" "+r.URL.String())
		if r.Header.Get("Authorization") != "Bearer "+testToken {
			w.WriteHeader(http.StatusUnauthorized)
			_ = json.NewEncoder(w).Encode(admin.Failure{Code: "unauthorised", Message: "no"})
			return
		}
		a, ok := answers[r.Method+" "+strings.TrimPrefix(r.URL.Path, admin.Prefix)]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			_ = json.NewEncoder(w).Encode(admin.Failure{Code: "not_found", Param: "app", Message: "no app has the id or app_key \"9\"; list them with: maskline app list"})
			return
		}
		_ = json.NewEncoder(w).Encode(a)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func execute(t *testing.T, environ []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), world{args: args, in: strings.NewReader(""), out: &out, err: &errs, environ: environ})
	return out.String(), errs.String(), code
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func answers() map[string]any {
	end := noon.Add(time.Minute)
	tenant := admin.Tenant{ID: 1, Name: "Acme 快递", SpID: "acme", State: "normal", CreatedAt: noon}
	app := admin.App{ID: 3, TenantID: 1, Key: "akey", Secret: "a-secret", Name: "delivery", Mode: "axb", State: "normal", PushScheme: "aksk", Record: true,
		StatusURL: "https://acme.example/s", AllowFrom: []string{"192.0.2.1/32"}}
	number := admin.Number{Number: "+8617000000001", AppID: 3, TenantID: 1, Area: "0755", Kind: "private", State: "normal"}
	binding := admin.Binding{ID: "7f2c1f0e-5b3e-4a53-9d0e-3f6f0f6a1c11", AppID: 3, TenantID: 1, Mode: "axb", X: "+8617000000001", A: "+86138****0001",
		B: "+86138****0002", CreatedAt: noon, ExpiresAt: &end, MaxDuration: 30}
	cdr := admin.CDR{SessionID: "s1@fs1", X: "+8617000000001", Caller: "+86138****0001", Callee: "+86138****0002", CallInAt: &noon, AnswerAt: &noon, EndAt: &end,
		Talk: 60, StateText: "The user releases the call.", Source: "events"}
	call := admin.Call{SessionID: "s1@fs1", Switch: "fs1", Dialled: "+8617000000001", Caller: "+86138****0001", Callee: "+86138****0002", Stage: "ended",
		StartedAt: noon, EndedAt: &end, AppID: 3, TenantID: 1}
	shown := call
	shown.Events = []admin.Event{{Type: "callin", At: noon, Caller: "+86138****0001"}, {Type: "disconnect", At: end, StateText: "The user releases the call."}}
	shown.CDR = &cdr
	delivery := admin.Delivery{ID: 5, AppID: 3, SessionID: "s1@fs1", Kind: "cdr", State: "dead", Attempts: 7, LastStatus: 500, LastError: "status 500", DueAt: &end}
	return map[string]any{
		"GET /tenants":                admin.List[admin.Tenant]{Items: []admin.Tenant{tenant}, Total: 3, Limit: 1},
		"POST /tenants":               tenant,
		"PUT /tenants/Acme/state":     tenant,
		"GET /apps":                   admin.List[admin.App]{Items: []admin.App{app}, Total: 1},
		"POST /apps":                  app,
		"POST /apps/3/secrets":        admin.SecretAnswer{Key: "akey", Secret: "b-secret"},
		"POST /apps/3/test-push":      admin.PushTest{OK: true, Status: 200, Seconds: 0.25},
		"POST /apps/4/test-push":      admin.PushTest{Status: 500, Seconds: 0.25, Error: "status 500"},
		"POST /numbers":               admin.List[admin.Number]{Items: []admin.Number{number}, Total: 1},
		"GET /numbers":                admin.List[admin.Number]{},
		"GET /bindings":               admin.List[admin.Binding]{Items: []admin.Binding{binding}, Total: 1},
		"GET /bindings/" + binding.ID: binding,
		"GET /explain":                admin.Explanation{At: noon, Outcome: "connect", To: "+86138****0002", Shown: "+8617000000001", Why: "the binding says so", Binding: binding.ID, AppID: 3},
		"GET /calls":                  admin.List[admin.Call]{Items: []admin.Call{call}, Total: 1},
		"GET /calls/s1@fs1":           shown,
		"POST /calls/s1@fs1/stop":     admin.Count{Count: 1},
		"GET /cdrs":                   admin.List[admin.CDR]{Items: []admin.CDR{cdr}, Total: 1},
		"GET /deliveries/dead":        admin.List[admin.Delivery]{Items: []admin.Delivery{delivery}, Total: 1},
		"POST /deliveries/replay":     admin.Count{Count: 2},
		"GET /switches":               admin.List[admin.Switch]{Items: switches(), Total: 5},
		"PUT /switches/fs1/state":     switches()[2],
		"PUT /switches/fs2/state":     admin.Switch{Name: "fs2", Up: true, Daemon: "d1", Since: &noon, State: "drained", StateSince: &end, Wanted: "serving", Version: "1.11.1"},
		"GET /trunks":                 admin.List[admin.Trunk]{Items: []admin.Trunk{{Name: "carrier-a", Addresses: []string{"192.0.2.0/24"}, Proxy: "192.0.2.1:5060", TrustCaller: true}}, Total: 1},
		"POST /keys/rotate":           admin.Count{Count: 7},
	}
}

// switches are one of each kind.
func switches() []admin.Switch {
	end := noon.Add(time.Minute)
	return []admin.Switch{
		{Name: "fs1", Up: true, Since: &noon, Daemon: "d1", State: "serving", Wanted: "serving", Sessions: 4, Version: "1.11.2"},
		{Name: "fs2", Error: "connection refused", State: "serving", Wanted: "serving"},
		{Name: "fs3", Up: true, Since: &noon, Daemon: "d1", State: "serving", Wanted: "draining", Sessions: 9, Version: "1.11.1",
			Warning: "no other switch takes calls: every new call is refused until maskline switch resume fs3"},
		{Name: "fs4", Up: true, Daemon: "d2", State: "draining", StateSince: &end, Wanted: "draining", Shutdown: true, Sessions: 2, Version: "1.11.1"},
		{Name: "fs5", State: "drained", StateSince: &end, Wanted: "draining", Error: "connection refused"},
	}
}

func TestOutputs(t *testing.T) {
	all := answers()
	maps.Copy(all, modesAnswers())
	maps.Copy(all, voiceAnswers())
	server, _ := scripted(t, all)
	environ := []string{"MASKLINE_SERVER=" + server, "MASKLINE_TOKEN=" + testToken}
	for _, c := range []struct {
		name string
		args string
		code int
	}{
		{"tenant-list", "tenant list", 0},
		{"tenant-create", "tenant create --name Acme", 0},
		{"app-create", "app create --tenant Acme --name delivery --record", 0},
		{"app-list-json", "app list --json", 0},
		{"app-secret", "app secret rotate 3 --keep-old 1h", 0},
		{"app-test-push", "app test-push 3", 0},
		{"app-test-push-fails", "app test-push 4", 1},
		{"app-unknown", "app show 9", 1},
		{"app-show-axe", "app show 5", 0},
		{"app-show-axe-defaults", "app show 6", 0},
		{"app-show-x", "app show 7", 0},
		{"binding-show-axe", "binding show e1", 0},
		{"binding-show-yb", "binding show y1", 0},
		{"number-add", "number add --app 3 --area 0755 +8617000000001", 0},
		{"number-none", "number list", 0},
		{"number-set-state", "number set-state +8617000000001 unavailable --cause 5", 0},
		{"bar-list", "bar list", 0},
		{"bar-add", "bar add --kind caller --app 3 +8613800000001", 0},
		{"bar-remove", "bar remove 7", 0},
		{"binding-list", "binding list --open", 0},
		{"binding-show", "binding show 7f2c1f0e-5b3e-4a53-9d0e-3f6f0f6a1c11", 0},
		{"binding-explain", "binding explain --dialled +8617000000001 --caller +8613800000001", 0},
		{"call-list", "call list --live", 0},
		{"call-show", "call show s1@fs1", 0},
		{"call-stop", "call stop s1@fs1", 0},
		{"cdr-list", "cdr list --since 1h", 0},
		{"delivery-dead", "delivery dead", 0},
		{"delivery-replay", "delivery replay --app 3", 0},
		{"switch-list", "switch list", 0},
		{"switch-drain", "switch drain fs1 --shutdown", 0},
		{"switch-resume", "switch resume fs2", 0},
		{"switch-drain-json", "switch drain fs1 --json", 0},
		{"trunk-list", "trunk list", 0},
		{"key-rotate", "key rotate", 0},
		{"tenant-set", "tenant set Acme --calls-per-hour 5000 --calls-per-day 50000", 0},
		{"app-show-voice", "app show 4", 0},
		{"prompt-list", "prompt list --state waiting", 0},
		{"prompt-approve", "prompt approve 12", 0},
		{"prompt-reject", "prompt reject 12 --reason advertising", 0},
		{"prompt-urge", "prompt urge 12", 0},
		{"prompt-remove", "prompt remove 12", 0},
		{"template-list", "template list", 0},
		{"template-show", "template show 5f0c", 0},
		{"template-add", "template add --tenant Acme --name parcel 您的快递${TXT_8}已到。", 0},
		{"template-try", "template try 5f0c 中通", 0},
		{"template-approve", "template approve 5f0c", 0},
		{"recording-list", "recording list", 0},
		{"call-waiting", "call list --waiting --app 4", 0},
		{"call-progress", "call progress", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errs, code := execute(t, environ, strings.Fields(c.args)...)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			golden(t, c.name, out+errs)
		})
	}
}

func TestUsageErrors(t *testing.T) {
	environ := []string{"MASKLINE_SERVER=http://127.0.0.1:1", "MASKLINE_TOKEN=" + testToken}
	for _, c := range []struct {
		args string
		says string
	}{
		{"tenannt list", "did you mean tenant?"},
		{"tenant frobnicate", `unknown command "frobnicate"`},
		{"tenant create", `"name" not set`},
		{"tenant create --nmae x", "unknown flag: --nmae"},
		{"tenant create --name x y", `"y" is not expected here`},
		{"tenant suspend", "name the tenant"},
		{"tenant suspend a b", `"b" is too much`},
		{"tenant list --limit 0", "--limit 1 to 500"},
		{"app secret rotate 3 --keep-old -1h", "--keep-old"},
		{"number add --app 3 --area 0755", "name the numbers"},
		{"number set-state x", "accepts 2 arg(s)"},
		{"cdr list --since yesterday", "--since"},
		{"bar add +8613800000001", `"kind" not set`},
		{"bar add --kind caller --app 3 --everybody +8613800000001", "none of the others can be"},
		{"bar remove", "name the entry"},
		{"delivery replay", "--app, --session or --since"},
		{"serve", "--config FILE"},
		{"migrate", "--config FILE"},
		{"backup", "name the file to write"},
		{"prompt add x.wav", `"tenant" not set`},
		{"prompt add --tenant Acme", "name the file"},
		{"prompt reject 12", `"reason" not set`},
		{"template try", "name the template's id"},
		{"app set 4 --voice prots=5", "the keys are"},
		{"tenant set Acme --calls-per-hour 5", "missing [calls-per-day]"},
		{"tenant set Acme", "[calls-per-hour zone] is required"},
		{"switch config --config x", `"dir" not set`},
	} {
		out, errs, code := execute(t, environ, strings.Fields(c.args)...)
		if code != exitUsage || !strings.Contains(errs, c.says) || strings.Count(errs, "\n") != 1 || out != "" {
			t.Errorf("%s: exit %d, out %q, errors %q; want exit 2 and one line with %q", c.args, code, out, errs, c.says)
		}
	}
}

func TestFailuresAreOneLineWithTheFix(t *testing.T) {
	server, _ := scripted(t, nil)
	missing := filepath.Join(t.TempDir(), "none.yaml")
	for _, c := range []struct {
		environ []string
		args    string
		says    string
		code    int
	}{
		{nil, "tenant list", "--config FILE", exitUsage},
		{nil, "tenant list --server http://127.0.0.1:1", "no admin token", exitUsage},
		{nil, "tenant list --server http://127.0.0.1:1 --token x", "start it with maskline serve", exitFailure},
		{nil, "tenant list --server " + server + " --token wrong", "does not know this token", exitFailure},
		{nil, "serve --config " + missing, "copy conf/maskline.yaml", exitFailure},
		{nil, "tenant list --config " + missing, "does not exist", exitFailure},
	} {
		_, errs, code := execute(t, c.environ, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(errs, c.says) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: exit %d, %q; want exit %d and one line with %q", c.args, code, errs, c.code, c.says)
		}
	}
}

func TestEveryCommandHasHelpAndAnExample(t *testing.T) {
	c := &cli{}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Short == "" {
			t.Errorf("%s has no help", cmd.CommandPath())
		}
		if !cmd.HasSubCommands() && !strings.Contains(cmd.Example, "maskline ") {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		for _, child := range cmd.Commands() {
			walk(child)
		}
	}
	walk(c.root())
	out, _, code := execute(t, nil, "completion", "bash")
	if code != exitOK || !strings.Contains(out, "__start_maskline") {
		t.Errorf("completion: exit %d, %.80s", code, out)
	}
	out, _, code = execute(t, nil, "--help")
	if code != exitOK || !strings.Contains(out, "Available Commands") {
		t.Errorf("help: exit %d, %s", code, out)
	}
}

func TestClientFindsTheDaemonThroughTheConfiguration(t *testing.T) {
	server, asked := scripted(t, answers())
	config := testConfig(t, t.TempDir(), "")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("admin: '127.0.0.1:0'"), []byte("admin: '"+strings.TrimPrefix(server, "http://")+"'"), 1)
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := execute(t, nil, "tenant", "list", "--config", config, "--limit", "7"); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	if got := strings.Join(*asked, " "); got != "GET /admin/v1/tenants?limit=7&offset=0" {
		t.Errorf("asked %s", got)
	}
}
