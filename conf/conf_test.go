package conf

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const testKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// minimal is the least that is valid.
const minimal = `
keys: [{id: k1, key: ` + testKey + `}]
admin: {tokens: [{name: ops, token: 0123456789abcdef}]}
intake: {password: cdr-password}
`

const s3 = "media: {record_store: s3}\n"

func setSampleEnv(t *testing.T) {
	t.Helper()
	t.Setenv("MASKLINE_KEY", testKey)
	t.Setenv("MASKLINE_TOKEN", "0123456789abcdef")
	t.Setenv("MASKLINE_CDR_PASSWORD", "cdr-password")
	t.Setenv("MASKLINE_ESL_PASSWORD", "esl-password")
}

func TestSampleLoadsAndSaysTheDefaults(t *testing.T) {
	setSampleEnv(t)
	got, err := Parse(Sample, os.Environ(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	if len(got.Switches) != 1 || len(got.Trunks) != 1 || len(got.Keys) != 1 {
		t.Fatalf("the sample has %d switches, %d trunks, %d keys", len(got.Switches), len(got.Trunks), len(got.Keys))
	}
	got.Keys, got.Admin.Tokens, got.Switches, got.Trunks, got.Intake.Password = nil, nil, nil, nil, Secret{}
	for _, c := range []struct{ name, got, want string }{{"config", fmt.Sprintf("%#v", plain(got)), fmt.Sprintf("%#v", plain(want))}} {
		if c.got != c.want {
			t.Errorf("the sample differs from the defaults:\n got %s\nwant %s", c.got, c.want)
		}
	}
}

// plain makes empty lists nil, which mean the same.
func plain(c Config) Config {
	var empty func(v reflect.Value)
	empty = func(v reflect.Value) {
		for _, f := range v.Fields() {
			switch {
			case f.Kind() == reflect.Struct && section(f.Type()):
				empty(f)
			case f.Kind() == reflect.Slice && f.Len() == 0:
				f.SetZero()
			}
		}
	}
	empty(reflect.ValueOf(&c).Elem())
	return c
}

func TestEveryKeyStandsInTheSampleWithASentence(t *testing.T) {
	lines := strings.Split(string(Sample), "\n")
	for _, key := range Keys() {
		parts := strings.Split(strings.ReplaceAll(key, "[]", ""), ".")
		last := parts[len(parts)-1]
		head := 0
		if len(parts) > 1 {
			for i, l := range lines {
				if strings.HasPrefix(l, parts[0]+":") {
					head = i
				}
			}
		}
		field := regexp.MustCompile(`^[ -]*` + last + `:`)
		found := false
		for i := head; i < len(lines); i++ {
			if i > head && head > 0 && regexp.MustCompile(`^[a-z]`).MatchString(lines[i]) {
				break
			}
			if field.MatchString(lines[i]) && (len(parts) == 1 || i > head) {
				found = true
				if i == 0 || !strings.Contains(lines[i-1], "# ") {
					t.Errorf("%s stands in the sample without a sentence above it", key)
				}
				break
			}
		}
		if !found {
			t.Errorf("%s does not stand in the sample", key)
		}
	}
}

func TestStrict(t *testing.T) {
	for _, c := range []struct {
		name, yaml   string
		env, set     []string
		wantInErrors []string // all of them; none: it loads
	}{
		{name: "minimal", yaml: minimal},
		{name: "empty section keeps defaults", yaml: minimal + "api:\n"},
		{name: "unknown top", yaml: minimal + "databse: {driver: sqlite}\n", wantInErrors: []string{"databse: unknown key", "database?"}},
		{name: "unknown nested", yaml: minimal + "database: {drivr: sqlite}\n", wantInErrors: []string{"database.drivr: unknown key", "database.driver?"}},
		{name: "unknown in a list", yaml: minimal + "trunks: [{name: a, adresses: [10.0.0.1]}]\n", wantInErrors: []string{"trunks[0].adresses: unknown key", "trunks[0].addresses?"}},
		{name: "case counts", yaml: minimal + "Log: {level: info}\n", wantInErrors: []string{"Log: unknown key", "log?"}},
		{name: "section as value", yaml: minimal + "api: 5\n", wantInErrors: []string{"api: holds keys of its own"}},
		{name: "list as map", yaml: minimal + "switches: {name: x}\n", wantInErrors: []string{"switches: is a list"}},
		{name: "twice", yaml: minimal + "drain: 1s\ndrain: 2s\n", wantInErrors: []string{"drain"}},
		{name: "bad duration", yaml: minimal + "drain: soon\n", wantInErrors: []string{"drain", "soon"}},
		{name: "bad prefix", yaml: minimal + "delivery: {allow: [10.0.0.300]}\n", wantInErrors: []string{"10.0.0.300", "prefix"}},
		{name: "unknown env", yaml: minimal, env: []string{"MASKLINE_DATABASE_DNS=x"}, wantInErrors: []string{"MASKLINE_DATABASE_DNS", "MASKLINE_DATABASE_DSN?"}},
		{name: "others' env", yaml: minimal, env: []string{"MASKLINE_TOKEN=x", "MASKLINE_TRUNKS_DIR=/x", "MASKLINE_TEST_MYSQL=y", "HOME=/"}},
		{name: "bad setting", yaml: minimal, set: []string{"log.levle=debug"}, wantInErrors: []string{"log.levle: unknown key", "log.level?"}},
		{name: "setting without value", yaml: minimal, set: []string{"log.level"}, wantInErrors: []string{"KEY=VALUE"}},
		{name: "no keys", yaml: "admin: {tokens: [{name: ops, token: 0123456789abcdef}]}\nintake: {password: x}\n", wantInErrors: []string{"keys: is empty", "openssl rand"}},
		{name: "short key", yaml: strings.Replace(minimal, testKey, "abc", 1), wantInErrors: []string{"keys[0].key", "32 bytes"}},
		{name: "unset env secret", yaml: strings.Replace(minimal, testKey, "env:MASKLINE_NOT_THERE", 1), wantInErrors: []string{"keys[0].key", "MASKLINE_NOT_THERE is not set"}},
		{name: "short token", yaml: strings.Replace(minimal, "0123456789abcdef", "short", 1), wantInErrors: []string{"admin.tokens[0].token", "16"}},
		{name: "several faults at once", yaml: minimal + "log: {level: loud, format: xml}\n", wantInErrors: []string{"log.level", "log.format"}},
		{name: "trunk", yaml: minimal + "trunks: [{name: a}]\n", wantInErrors: []string{"trunks[0].addresses"}},
		{name: "trunk twice", yaml: minimal + "trunks: [{name: a, proxy: x}, {name: a, proxy: y}]\n", wantInErrors: []string{"trunks[1].name", "twice"}},
		{name: "switch without password", yaml: minimal + "switches: [{name: a, addr: '127.0.0.1:8021'}]\n", wantInErrors: []string{"switches[0].password", "vars.xml"}},
		{name: "https without certificate", yaml: minimal + "listen: {api_tls: '127.0.0.1:8443'}\n", wantInErrors: []string{"tls.cert_file", "self_signed"}},
		{name: "address", yaml: minimal + "listen: {api: ':8080'}\n", wantInErrors: []string{"listen.api", "0.0.0.0:8080"}},
		{name: "debug for all to reach", yaml: minimal + "listen: {debug: '0.0.0.0:6060'}\n", wantInErrors: []string{"listen.debug", "127.0.0.1:6060"}},
		{name: "cron zone that panics the parser", yaml: minimal + "schedule: {dead_files: 'TZ=UTC'}\n", wantInErrors: []string{"schedule.dead_files", "UTC"}},
		{name: "cron", yaml: minimal + "schedule: {dead_files: '61 * * * *'}\n", wantInErrors: []string{"schedule.dead_files"}},
		{name: "no time to ask", yaml: minimal + "call: {ask_timeout: 0s}\n", wantInErrors: []string{"call.ask_timeout", "500ms"}},
		{name: "service type of no mode", yaml: minimal + "delivery: {service_types: {axz: '006'}}\n", wantInErrors: []string{"delivery.service_types", "axyb"}},
		{name: "service type", yaml: minimal + "delivery: {service_types: {axe: 006}}\n", wantInErrors: []string{"delivery.service_types.axe", "quotes"}},
		{name: "service types", yaml: minimal + "delivery: {service_types: {axe: '006', x: '007'}}\n"},
		{name: "voice calendar", yaml: minimal + "delivery: {voice_calendar: []}\n", wantInErrors: []string{"delivery.voice_calendar"}},
		{name: "rate of a trunk", yaml: minimal + "trunks: [{name: a, proxy: x, rate: 2.5}]\n"},
		{name: "rate below zero", yaml: minimal + "trunks: [{name: a, proxy: x, rate: -1}]\n", wantInErrors: []string{"trunks[0].rate"}},
		{name: "sounds without a listener", yaml: minimal + "media: {sounds_url: 'http://192.0.2.1:8091'}\n", wantInErrors: []string{"media.sounds_url", "listen.sounds"}},
		{name: "sounds with a comma", yaml: minimal + "media: {sounds_url: 'http://192.0.2.1:8091/a,b'}\nlisten: {sounds: '0.0.0.0:8091'}\n", wantInErrors: []string{"media.sounds_url", "192.0.2.1:8091"}},
		{name: "sounds", yaml: minimal + "media: {sounds_url: 'http://192.0.2.1:8091'}\nlisten: {sounds: '0.0.0.0:8091'}\n"},
		{name: "no uploads", yaml: minimal + "media: {uploads: ''}\n", wantInErrors: []string{"media.uploads"}},
		{name: "record wait", yaml: minimal + "media: {record_wait: 0s}\n", wantInErrors: []string{"media.record_wait"}},
		{name: "drain into itself", yaml: minimal + "media: {recordings: /r, drain: [/r]}\n", wantInErrors: []string{"media.drain", "/r"}},
		{name: "record store", yaml: minimal + "media: {record_store: tape}\n", wantInErrors: []string{"media.record_store", "local"}},
		{name: "s3 without its keys", yaml: minimal + "media: {record_store: s3}\ns3: {endpoint: 'https://s3.example.com'}\n", wantInErrors: []string{"s3.endpoint", "s3.bucket"}},
		{name: "s3 with a path", yaml: minimal + s3 + "s3: {endpoint: 'https://s3.example.com/bucket', bucket: b, key: k, secret: s}\n", wantInErrors: []string{"s3.endpoint", "s3.bucket"}},
		{name: "s3 secret", yaml: minimal + s3 + "s3: {endpoint: 'https://s3.example.com', bucket: b, key: k, secret: 'env:NOT_THERE_S3'}\n", wantInErrors: []string{"s3.secret", "NOT_THERE_S3"}},
		{name: "s3", yaml: minimal + s3 + "s3: {endpoint: 'https://s3.example.com', bucket: b, key: k, secret: s}\n"},
		{name: "flow codes", yaml: minimal + "api: {at_once: 1, flow_code: busy, voice_flow_code: '10100'}\n", wantInErrors: []string{"api.at_once", "api.flow_code", "api.voice_flow_code", "seven digits"}},
		{name: "flow code as a number", yaml: minimal + "api: {flow_code: 1019999}\n"},
		{name: "calls a second", yaml: minimal + "call: {per_second: -1}\n", wantInErrors: []string{"call.per_second"}},
		{name: "burst without a rate", yaml: minimal + "call: {burst: 5}\n", wantInErrors: []string{"call.burst", "call.per_second"}},
		{name: "destinations", yaml: minimal + "call: {destinations: {allow: ['86'], deny: ['+86']}}\n", wantInErrors: []string{"call.destinations.allow", "+86138"}},
		{name: "barred destinations", yaml: minimal + "call: {destinations: {deny: ['0086168']}}\n", wantInErrors: []string{"call.destinations.deny"}},
		{name: "international and nowhere to go", yaml: minimal + "api: {international: true}\n", wantInErrors: []string{"call.destinations.allow", "api.international", "+852"}},
		{name: "international", yaml: minimal + "api: {international: true}\ncall: {destinations: {allow: ['+']}}\n"},
		{name: "limits", yaml: minimal + "call: {limits: {minutes_per_day: -5}}\n", wantInErrors: []string{"call.limits.minutes_per_day", "or 0 for no bound"}},
		{name: "speech engine", yaml: minimal + "speech: {engine: festival}\n", wantInErrors: []string{"speech.engine", "command"}},
		{name: "speech command", yaml: minimal + "speech: {command: []}\n", wantInErrors: []string{"speech.command"}},
		{name: "speech over http", yaml: minimal + "speech: {engine: http}\n", wantInErrors: []string{"speech.url"}},
		{name: "speech address", yaml: minimal + "speech: {engine: http, url: 'localhost:5002'}\n", wantInErrors: []string{"speech.url", "http://"}},
		{name: "speech off", yaml: minimal + "speech: {engine: ''}\n"},
		{name: "speech cache", yaml: minimal + "speech: {max_bytes: 1000, concurrent: 0, timeout: 1ms}\n", wantInErrors: []string{"speech.max_bytes", "speech.concurrent", "speech.timeout"}},
		{name: "warnings rise", yaml: minimal + "billing: {warn: [20, 100]}\n", wantInErrors: []string{"billing.warn", "falling"}},
		{name: "a warning twice", yaml: minimal + "billing: {warn: [20, '20.0']}\n", wantInErrors: []string{"billing.warn"}},
		{name: "a warning with five decimals", yaml: minimal + "billing: {warn: [0.00001]}\n", wantInErrors: []string{"warn", "four decimals"}},
		{name: "when unreadable", yaml: minimal + "billing: {when_unreadable: maybe}\n", wantInErrors: []string{"billing.when_unreadable", "allow"}},
		{name: "retention of a day", yaml: minimal + "retention: {cdrs: 1}\n", wantInErrors: []string{"retention.cdrs", "7"}},
		{name: "retention for good", yaml: minimal + "retention: {cdrs: 0, events: 0, deliveries: 0}\n"},
		{name: "mail from nobody", yaml: minimal + "mail: {host: 'smtp.example.com:587'}\n", wantInErrors: []string{"mail.from"}},
		{name: "mail password in the open", yaml: minimal + "mail: {host: 'smtp.example.com:25', from: a@example.com, tls: none, user: u, password: p}\n", wantInErrors: []string{"mail.tls", "open"}},
		{name: "mail user alone", yaml: minimal + "mail: {host: 'smtp.example.com:25', from: a@example.com, user: u}\n", wantInErrors: []string{"mail.user", "mail.password"}},
		{name: "mail", yaml: minimal + "mail: {host: 'localhost:25', from: a@example.com, tls: none, user: u, password: p}\n"},
		{name: "sessions", yaml: minimal + "operators: {session_life: 1s, lock_after: 0}\n", wantInErrors: []string{"operators.session_life", "operators.lock_after"}},
		{name: "orders", yaml: minimal + "orders: {documents: '', cool_down: -1h, forbidden: ['']}\n", wantInErrors: []string{"orders.documents", "orders.cool_down", "orders.forbidden"}},
		{name: "schedule of a new job", yaml: minimal + "schedule: {settle: hourly}\n", wantInErrors: []string{"schedule.settle", "five fields"}},
		{name: "calendar falls", yaml: minimal + "delivery: {calendar: [4m, 1m]}\n", wantInErrors: []string{"delivery.calendar"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]byte(c.yaml), c.env, c.set)
			if len(c.wantInErrors) == 0 {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil {
				t.Fatal("it loads")
			}
			for _, w := range c.wantInErrors {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not say %q", err, w)
				}
			}
		})
	}
}

func TestWhatComesLaterWins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.yaml")
	text := minimal + "log: {level: warn, format: json}\ndelivery: {calendar: [2m]}\ntrunks: [{name: a, addresses: [192.0.2.7, 198.51.100.0/24]}]\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := Load(path, []string{"MASKLINE_LOG_LEVEL=error", "MASKLINE_API_CLOCK_OFFSETS=0s,8h,9h", "MASKLINE_DRAIN=7s", "MASKLINE_TLS_HOSTS="}, []string{"drain=9s"})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Log.Level != "error" || cfg.Log.Format != "json" || cfg.Drain != 9*time.Second {
		t.Errorf("level %s, format %s, drain %s", cfg.Log.Level, cfg.Log.Format, cfg.Drain)
	}
	if len(cfg.Delivery.Calendar) != 1 {
		t.Errorf("a shorter list kept entries of the default: %v", cfg.Delivery.Calendar)
	}
	if len(cfg.API.ClockOffsets) != 3 || len(cfg.TLS.Hosts) != 0 {
		t.Errorf("offsets %v, hosts %q", cfg.API.ClockOffsets, cfg.TLS.Hosts)
	}
	if got := fmt.Sprint(cfg.Trunks[0].Addresses); got != "[192.0.2.7/32 198.51.100.0/24]" {
		t.Errorf("addresses %s", got)
	}
	if cfg.API.Burst != Default().API.Burst {
		t.Errorf("a neighbour of a set key lost its default")
	}
}

// A plain number in the file is so much money, and not so many 1/10000 of it.
func TestAmounts(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{
		{"[100, 20]", "[100.0000 20.0000]"}, {"[12.5, 0.05, -3]", "[12.5000 0.0500 -3.0000]"}, {`["12.5"]`, "[12.5000]"}, {"[]", "[]"},
	} {
		cfg, err := Parse([]byte(minimal+"billing: {warn: "+c.yaml+"}\n"), nil, nil)
		if got := fmt.Sprint(cfg.Billing.Warn); err != nil || got != c.want {
			t.Errorf("%s: %s, %v; want %s", c.yaml, got, err, c.want)
		}
	}
	cfg, err := Parse([]byte(minimal), []string{"MASKLINE_BILLING_WARN=7,1.5"}, nil)
	if got := fmt.Sprint(cfg.Billing.Warn); err != nil || got != "[7.0000 1.5000]" {
		t.Errorf("from the environment: %s, %v", got, err)
	}
}

// Each key of the schedule is a job's, and the other way round.
func TestEntriesAreTheKeysOfTheSchedule(t *testing.T) {
	var jobs []string
	for _, e := range Default().Schedule.Entries() {
		jobs = append(jobs, "schedule."+e.Job)
	}
	if keys := keysOf(reflect.TypeFor[Schedule](), "schedule."); !slices.Equal(keys, jobs) {
		t.Errorf("keys %v\njobs %v", keys, jobs)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	s := NewSecret("hunter2")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if got := fmt.Sprintf(verb, struct{ S Secret }{s}); strings.Contains(got, "hunter2") || strings.Contains(got, "68756e74") {
			t.Errorf("%s prints %s", verb, got)
		}
	}
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := NewSecret("file:" + path).Reveal(); got != "from file" || err != nil {
		t.Errorf("file: gives %q, %v", got, err)
	}
	t.Setenv("SOME_SECRET", "from env")
	if got, err := NewSecret("env:SOME_SECRET").Reveal(); got != "from env" || err != nil {
		t.Errorf("env: gives %q, %v", got, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add(Sample)
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("trunks: [1, {name: [x]}]"))
	f.Add([]byte("call: {ringback: {x: y}, refusals: {8014: {x: y}}}"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		_, _ = Parse(text, nil, nil) // must not panic
	})
}
