package doctor

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"maskline/cmd/maskline/daemon"
	"maskline/conf"
	"maskline/esl/sim"
	"maskline/models"
	"maskline/models/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// healthy is a configuration with nothing wrong: a migrated database with an app, and a switch that knows the trunk's gateway.
func healthy(t *testing.T) conf.Config {
	t.Helper()
	dir := t.TempDir()
	sw := sim.New(sim.Options{Hostname: "fs1", Password: "esl-password", Gateways: []string{"carrier-a"}})
	at, err := sw.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sw.Close() })
	cfg := conf.Default()
	cfg.Database.DSN = conf.NewSecret(filepath.Join(dir, "m.db"))
	cfg.Keys = []conf.Key{{ID: "k1", Key: conf.NewSecret(key)}}
	cfg.Admin.Tokens = []conf.Token{{Name: "ops", Token: conf.NewSecret("0123456789abcdef")}}
	cfg.Intake.Password, cfg.Intake.Spool = conf.NewSecret("cdr-password"), filepath.Join(dir, "spool")
	cfg.Media.Prompts, cfg.Media.Tenants, cfg.Media.Recordings = dir, dir, dir
	cfg.Delivery.DeadFiles, cfg.Media.Uploads, cfg.Speech.Dir = dir, dir, dir
	cfg.Speech.Command = []string{"cat", word(t)}
	cfg.Switches = []conf.Switch{{Name: "fs1", Addr: at.String(), Password: conf.NewSecret("esl-password")}}
	cfg.Trunks = []conf.Trunk{{Name: "carrier-a", Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, TrustCaller: true, Proxy: "192.0.2.1:5060"}}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	prepare(t, cfg)
	return cfg
}

// word is a file with a second of a tone: what an engine says.
func word(t *testing.T) string {
	t.Helper()
	b := make([]byte, 44+16000)
	copy(b, "RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data")
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	binary.LittleEndian.PutUint32(b[40:], 16000)
	for i := 44; i < len(b); i += 2 {
		binary.LittleEndian.PutUint16(b[i:], uint16(i*997))
	}
	path := filepath.Join(t.TempDir(), "word.wav")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// object answers as an S3-like store without the bucket does.
func object(t *testing.T, status int) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	t.Cleanup(s.Close)
	return s.URL
}

func prepare(t *testing.T, cfg conf.Config) {
	t.Helper()
	sc, err := daemon.StoreConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), sc)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	if err := st.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	tenant := models.Tenant{Name: "Acme", SpID: "acme"}
	if err := st.CreateTenant(t.Context(), &tenant); err != nil {
		t.Fatal(err)
	}
	app := models.App{TenantID: tenant.ID, Key: "akey", Name: "a", Mode: models.ModeAXB}
	if err := st.CreateApp(t.Context(), &app, "secret"); err != nil {
		t.Fatal(err)
	}
}

func TestExamine(t *testing.T) {
	for _, c := range []struct {
		name    string
		spoil   func(t *testing.T, cfg *conf.Config)
		about   string
		level   Level
		says    string
		healthy bool
	}{
		{name: "healthy", spoil: func(*testing.T, *conf.Config) {}, about: "database", level: OK, says: "answers", healthy: true},
		{name: "database is not there", about: "database", level: Warn, says: "does not exist yet",
			spoil: func(t *testing.T, cfg *conf.Config) {
				cfg.Database.DSN = conf.NewSecret(filepath.Join(t.TempDir(), "none.db"))
			}},
		{name: "database does not answer", about: "database", level: Fail, says: "refused",
			spoil: func(_ *testing.T, cfg *conf.Config) {
				cfg.Database.Driver, cfg.Database.DSN = "mysql", conf.NewSecret("u:p@tcp(127.0.0.1:1)/m")
			}},
		{name: "not migrated", about: "schema", level: Fail, says: "migrations are missing",
			spoil: func(t *testing.T, cfg *conf.Config) {
				empty := filepath.Join(t.TempDir(), "empty.db")
				if err := os.WriteFile(empty, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				cfg.Database.DSN, cfg.Database.Migrate = conf.NewSecret(empty), false
			}},
		{name: "another sealing key", about: "app secrets", level: Fail, says: "cannot be read",
			spoil: func(_ *testing.T, cfg *conf.Config) {
				cfg.Keys[0] = conf.Key{ID: "k2", Key: conf.NewSecret("ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=")}
			}},
		{name: "directory that cannot be", about: "media.recordings", level: Fail, says: "",
			spoil: func(_ *testing.T, cfg *conf.Config) { cfg.Media.Recordings = "/dev/null/recordings" }},
		{name: "directory that will be", about: "media.recordings", level: OK, says: "will be made", healthy: true,
			spoil: func(t *testing.T, cfg *conf.Config) { cfg.Media.Recordings = filepath.Join(t.TempDir(), "a", "b") }},
		{name: "switch is down", about: "switch fs1", level: Fail, says: "event socket",
			spoil: func(_ *testing.T, cfg *conf.Config) { cfg.Switches[0].Addr = "127.0.0.1:1" }},
		{name: "wrong password", about: "switch fs1", level: Fail, says: "event socket",
			spoil: func(_ *testing.T, cfg *conf.Config) { cfg.Switches[0].Password = conf.NewSecret("wrong") }},
		{name: "password that everybody knows", about: "switch fs1", level: Fail, says: "everybody knows",
			spoil: func(_ *testing.T, cfg *conf.Config) { cfg.Switches[0].Password = conf.NewSecret("ClueCon") }},
		{name: "gateway the switch does not know", about: "switch fs1, carrier-z", level: Fail, says: "no gateway",
			spoil: func(_ *testing.T, cfg *conf.Config) {
				cfg.Trunks = append(cfg.Trunks, conf.Trunk{Name: "carrier-z", Proxy: "192.0.2.9"})
			}},
		{name: "simulated", about: "switch fs1", level: Warn, says: "no real calls",
			spoil: func(_ *testing.T, cfg *conf.Config) { cfg.Switches[0].Simulated = true }},
		{name: "untrusted callers", about: "trunk carrier-a", level: Warn, says: "hidden",
			spoil: func(_ *testing.T, cfg *conf.Config) { cfg.Trunks[0].TrustCaller = false }},
		{name: "wide open", about: "trunk carrier-a", level: Warn, says: "very many",
			spoil: func(_ *testing.T, cfg *conf.Config) {
				cfg.Trunks[0].Addresses = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
			}},
		{name: "no way out", about: "trunks", level: Fail, says: "nobody can be reached",
			spoil: func(_ *testing.T, cfg *conf.Config) { cfg.Trunks[0].Proxy = "" }},
		{name: "shipped intake password", about: "intake", level: Fail, says: "everybody knows",
			spoil: func(_ *testing.T, cfg *conf.Config) { cfg.Intake.Password = conf.NewSecret("change-me-cdr") }},
		{name: "admin for everybody", about: "listen.admin", level: Warn, says: "plain HTTP",
			spoil: func(_ *testing.T, cfg *conf.Config) { cfg.Listen.Admin = "0.0.0.0:8081" }},
		{name: "no engine", about: "speech", level: Warn, says: "8005",
			spoil: func(_ *testing.T, cfg *conf.Config) { cfg.Speech.Engine = "" }},
		{name: "engine that is not installed", about: "speech", level: Warn, says: "no-such-engine",
			spoil: func(_ *testing.T, cfg *conf.Config) { cfg.Speech.Command = []string{"no-such-engine"} }},
		{name: "engine that fails", about: "speech", level: Fail, says: "exit status",
			spoil: func(_ *testing.T, cfg *conf.Config) { cfg.Speech.Command = []string{"false"} }},
		{name: "engine that writes rubbish", about: "speech", level: Fail, says: "speech engine's answer",
			spoil: func(_ *testing.T, cfg *conf.Config) { cfg.Speech.Command = []string{"echo", "rubbish"} }},
		{name: "engine that speaks", about: "speech", level: OK, says: "spoke", healthy: true, spoil: func(*testing.T, *conf.Config) {}},
		{name: "no bucket", about: "recordings", level: Fail, says: "does not exist",
			spoil: func(t *testing.T, cfg *conf.Config) {
				cfg.Media.RecordStore = conf.RecordS3
				cfg.S3 = conf.S3{Endpoint: object(t, 404), Bucket: "calls", Key: "k", Secret: conf.NewSecret("s"), PathStyle: true}
			}},
		{name: "bucket", about: "recordings", level: OK, says: "calls", healthy: true,
			spoil: func(t *testing.T, cfg *conf.Config) {
				cfg.Media.RecordStore = conf.RecordS3
				cfg.S3 = conf.S3{Endpoint: object(t, 200), Bucket: "calls", Key: "k", Secret: conf.NewSecret("s"), PathStyle: true}
			}},
		{name: "nobody gives sounds", about: "media.sounds_url", level: Warn, says: "refused",
			spoil: func(_ *testing.T, cfg *conf.Config) { cfg.Media.SoundsURL = "http://127.0.0.1:1" }},
		{name: "somebody else gives sounds", about: "media.sounds_url", level: Fail, says: "somebody else",
			spoil: func(t *testing.T, cfg *conf.Config) { cfg.Media.SoundsURL = object(t, 200) }},
		{name: "certificate missing", about: "certificate", level: Fail, says: "no such file",
			spoil: func(_ *testing.T, cfg *conf.Config) {
				cfg.Listen.APITLS, cfg.TLS.CertFile, cfg.TLS.KeyFile = "127.0.0.1:8443", "/nowhere.crt", "/nowhere.key"
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := healthy(t)
			c.spoil(t, &cfg)
			findings := Examine(t.Context(), cfg)
			if !slices.ContainsFunc(findings, func(f Finding) bool {
				return f.About == c.about && f.Level == c.level && strings.Contains(f.Says, c.says) && (f.Level == OK || f.Do != "")
			}) {
				t.Errorf("no line %s %s %q in:\n%s", c.level, c.about, c.says, lines(findings))
			}
			if c.healthy && Worst(findings) != OK {
				t.Errorf("something else is wrong:\n%s", lines(findings))
			}
		})
	}
}

func lines(findings []Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s %s: %s → %s\n", f.Level, f.About, f.Says, f.Do)
	}
	return b.String()
}

func TestASwitchThatSaysNothingDoesNotHoldTheDoctorUp(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	cfg := conf.Config{Switches: []conf.Switch{{Name: "fs1", Addr: silent.Addr().String(), Password: conf.NewSecret("x")}}}
	if got := switches(ctx, cfg); Worst(got) != Fail {
		t.Errorf("findings: %s", lines(got))
	}
}

func TestSwitchClock(t *testing.T) {
	for behind, want := range map[time.Duration]Level{0: OK, 1500 * time.Millisecond: OK, 5 * time.Second: Warn, -5 * time.Second: Warn, time.Minute: Fail, -8 * time.Hour: Fail} {
		if got := switchClock("switch fs1", behind); got.Level != want {
			t.Errorf("%s behind: %+v, want %s", behind, got, want)
		}
	}
}

func TestGateway(t *testing.T) {
	for _, c := range []struct {
		answer   string
		register bool
		want     Level
	}{
		{"Invalid Gateway!\n", false, Fail},
		{"", false, Fail},
		{"Name    \tcarrier-a\nState   \tNOREG\nStatus  \tUP\n", false, OK},
		{"Name    \tcarrier-a\nState   \tNOREG\nStatus  \tDOWN (ping)\n", false, Fail},
		{"Name    \tcarrier-a\nState   \tREGED\nStatus  \tUP\n", true, OK},
		{"Name    \tcarrier-a\nState   \tTRYING\nStatus  \tUP\n", true, Warn},
	} {
		if got := gateway("switch fs1", conf.Trunk{Name: "carrier-a", Register: c.register}, c.answer); got.Level != c.want || got.Level != OK && got.Do == "" {
			t.Errorf("%q: %+v, want %s", c.answer, got, c.want)
		}
	}
}
