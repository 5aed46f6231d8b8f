package conf

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"maskline/models"
)

// Validate checks the whole configuration and gives every fault at once, each as "key: what is wrong and what would be right".
func (c Config) Validate() error {
	var f faults
	c.checkStorage(&f)
	c.checkListen(&f)
	c.checkCluster(&f)
	c.checkAPI(&f)
	c.checkSwitches(&f)
	c.checkTrunks(&f)
	c.checkMedia(&f)
	c.checkRecordings(&f)
	c.checkSpeech(&f)
	c.checkDelivery(&f)
	c.checkCall(&f)
	c.checkToll(&f)
	c.checkBilling(&f)
	c.checkPeople(&f)
	c.checkRest(&f)
	return f.err()
}

// faults is what is wrong, one sentence each.
type faults []string

func (f *faults) err() error {
	if len(*f) == 0 {
		return nil
	}
	return errors.New(strings.Join(*f, "; "))
}

func (f *faults) add(key, format string, args ...any) {
	*f = append(*f, key+": "+fmt.Sprintf(format, args...))
}

func (f *faults) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		f.add(key, "%q is none of %v", value, allowed)
	}
}

func (f *faults) between(key string, d, least, most time.Duration) {
	if d < least || d > most {
		f.add(key, "%s is not between %s and %s", d, least, most)
	}
}

func (f *faults) count(key string, n, least, most int) {
	if n < least || n > most {
		f.add(key, "%d is not between %d and %d", n, least, most)
	}
}

func (f *faults) address(key, addr string) {
	host, port, err := net.SplitHostPort(addr)
	n, bad := strconv.Atoi(port)
	if err != nil || bad != nil || n < 0 || n > 65535 {
		f.add(key, "%q is not host:port, such as 127.0.0.1:8080", addr)
		return
	}
	if host == "" {
		f.add(key, "%q names no host; write 0.0.0.0%s to serve every address", addr, addr)
	}
}

// loopback is an address that nobody on another machine reaches.
func (f *faults) loopback(key, addr string) {
	if ap, err := netip.ParseAddrPort(addr); err != nil || !ap.Addr().IsLoopback() {
		f.add(key, "%q is no loopback address and port, such as 127.0.0.1:6060; whoever reaches it asks without a password", addr)
	}
}

func (f *faults) secret(key string, s Secret) {
	if _, err := s.Reveal(); err != nil {
		f.add(key, "%s", err)
	}
}

func (c Config) checkStorage(f *faults) {
	f.oneOf("database.driver", c.Database.Driver, "sqlite", "mysql")
	if c.Database.DSN.IsZero() {
		f.add("database.dsn", "is empty; it is a file for sqlite, user:password@tcp(host:3306)/maskline for mysql")
	}
	f.secret("database.dsn", c.Database.DSN)
	f.count("database.connections", c.Database.Connections, 0, 1000)
	if len(c.Keys) == 0 {
		f.add("keys", "is empty; app secrets are sealed with a key: write one entry {id: k1, key: env:MASKLINE_KEY} and set it to the output of: openssl rand -base64 32")
	}
	seen := map[string]bool{}
	for i, k := range c.Keys {
		at := fmt.Sprintf("keys[%d]", i)
		if k.ID == "" || len(k.ID) > 32 || seen[k.ID] {
			f.add(at+".id", "%q is empty, longer than 32 characters or there twice; each key needs an id of its own", k.ID)
		}
		seen[k.ID] = true
		if _, err := k.Bytes(); err != nil {
			f.add(at+".key", "%s", err)
		}
	}
}

func (c Config) checkListen(f *faults) {
	for _, l := range []struct{ key, addr string }{
		{"listen.api", c.Listen.API}, {"listen.api_tls", c.Listen.APITLS}, {"listen.admin", c.Listen.Admin}, {"listen.intake", c.Listen.Intake},
		{"listen.sounds", c.Listen.Sounds}, {"listen.peers", c.Listen.Peers},
	} {
		if l.addr != "" {
			f.address(l.key, l.addr)
		}
	}
	if addr := c.Listen.Debug; addr != "" {
		f.loopback("listen.debug", addr)
	}
	if c.Listen.API == "" && c.Listen.APITLS == "" {
		f.add("listen.api", "is empty and so is listen.api_tls: tenants could reach nothing")
	}
	if c.Listen.Admin == "" {
		f.add("listen.admin", "is empty; the command line, health and metrics need it, such as 127.0.0.1:8081")
	}
	files := c.TLS.CertFile != "" && c.TLS.KeyFile != ""
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		f.add("tls.cert_file", "and tls.key_file belong together; set both or none")
	}
	if (c.Listen.APITLS != "" || c.TLS.Admin) && !files && !c.TLS.SelfSigned {
		f.add("tls.cert_file", "is needed for HTTPS; set tls.cert_file and tls.key_file, or tls.self_signed: true")
	}
	if c.TLS.SelfSigned && c.TLS.Dir == "" {
		f.add("tls.dir", "is empty; the self-signed certificate is kept there")
	}
	if len(c.Admin.Tokens) == 0 {
		f.add("admin.tokens", "is empty; write one entry {name: ops, token: env:MASKLINE_TOKEN} and set it to the output of: openssl rand -hex 24")
	}
	for i, t := range c.Admin.Tokens {
		at := fmt.Sprintf("admin.tokens[%d]", i)
		if t.Name == "" {
			f.add(at+".name", "is empty; it stands in the log beside what was done")
		}
		switch v, err := t.Token.Reveal(); {
		case err != nil:
			f.add(at+".token", "%s", err)
		case len(v) < 16:
			f.add(at+".token", "is shorter than 16 characters; make one with: openssl rand -hex 24")
		}
	}
}

func (c Config) checkAPI(f *faults) {
	f.between("api.clock_window", c.API.ClockWindow, time.Minute, 24*time.Hour)
	if len(c.API.ClockOffsets) == 0 {
		f.add("api.clock_offsets", "is empty; it needs at least 0s, which is UTC")
	}
	for i, o := range c.API.ClockOffsets {
		f.between(fmt.Sprintf("api.clock_offsets[%d]", i), o, -14*time.Hour, 14*time.Hour)
	}
	f.between("api.replay_window", c.API.ReplayWindow, time.Minute, 24*time.Hour)
	if c.API.Rate <= 0 {
		f.add("api.rate", "%v is not more than 0 requests a second", c.API.Rate)
	}
	f.count("api.burst", c.API.Burst, 1, 1_000_000)
	f.count("api.at_once", c.API.AtOnce, 2, 100_000)
	for _, k := range []struct{ key, code string }{{"api.flow_code", c.API.FlowCode}, {"api.voice_flow_code", c.API.VoiceFlowCode}} {
		if !resultCode.MatchString(k.code) {
			f.add(k.key, "%q is not seven digits; write them in quotes, such as \"1010023\"", k.code)
		}
	}
	f.count("api.block_after", c.API.BlockAfter, 1, 1_000_000)
	f.between("api.block_window", c.API.BlockWindow, time.Second, 24*time.Hour)
	f.between("api.block_for", c.API.BlockFor, time.Second, 24*time.Hour)
	f.between("api.timeout", c.API.Timeout, time.Second, time.Minute)
	if c.API.BodyLimit < 1<<10 || c.API.BodyLimit > 16<<20 {
		f.add("api.body_limit", "%d is not between 1024 and 16777216 bytes", c.API.BodyLimit)
	}
}

var resultCode = regexp.MustCompile(`^[0-9]{7}$`)

var hostName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func (c Config) checkSwitches(f *faults) {
	names, hosts := map[string]bool{}, map[string]bool{}
	for i, s := range c.Switches {
		at := fmt.Sprintf("switches[%d]", i)
		if s.Name == "" || len(s.Name) > 32 || names[s.Name] {
			f.add(at+".name", "%q is empty, longer than 32 characters or there twice", s.Name)
		}
		names[s.Name] = true
		f.address(at+".addr", s.Addr)
		if s.Password.IsZero() {
			f.add(at+".password", "is empty; it is maskline_esl_password of the switch's vars.xml")
		}
		f.secret(at+".password", s.Password)
		f.count(at+".commands", s.Commands, 0, 16)
		if !hostName.MatchString(s.HostName()) || hosts[s.HostName()] {
			f.add(at+".host", "%q is no host name, or another switch has it: session ids would not be unique; it is maskline_switch_name of the switch's vars.xml", s.HostName())
		}
		hosts[s.HostName()] = true
	}
	if c.Listen.Intake == "" {
		return
	}
	if len(c.Switches) > 0 && (c.Intake.User == "" || c.Intake.Password.IsZero()) {
		f.add("intake.password", "is empty, or intake.user; they are maskline_cdr_user and maskline_cdr_password of the switch's vars.xml")
	}
	f.secret("intake.password", c.Intake.Password)
	if c.Intake.Spool == "" {
		f.add("intake.spool", "is empty; it is the directory in which posted records wait to be read")
	}
}

func (c Config) checkTrunks(f *faults) {
	names := map[string]bool{}
	for i, t := range c.Trunks {
		at := fmt.Sprintf("trunks[%d]", i)
		if names[t.Name] {
			f.add(at+".name", "%q is there twice", t.Name)
		}
		names[t.Name] = true
		m, err := t.Model()
		if err != nil {
			f.add(at, "%s", err)
			continue
		}
		if err := m.Validate(); err != nil {
			key := at
			e, ok := errors.AsType[*models.Error](err)
			if ok {
				key, err = at+"."+e.Param, errors.New(e.Detail)
			}
			f.add(key, "%s", err)
		}
		f.between(at+".ping", t.Ping, 0, time.Hour)
	}
}

var serviceType = regexp.MustCompile(`^[0-9]{3}$`)

func (c Config) checkDelivery(f *faults) {
	for _, l := range []struct {
		key   string
		waits []time.Duration
	}{{"delivery.calendar", c.Delivery.Calendar}, {"delivery.voice_calendar", c.Delivery.VoiceCalendar}} {
		if len(l.waits) == 0 || !slices.IsSorted(l.waits) || slices.Min(l.waits) <= 0 {
			f.add(l.key, "is not a rising list of waits after the first attempt, such as [1m, 4m, 9m]")
		}
	}
	f.between("delivery.timeout", c.Delivery.Timeout, time.Second, time.Minute)
	f.between("delivery.batch_wait", c.Delivery.BatchWait, 0, time.Minute)
	f.count("delivery.concurrent", c.Delivery.Concurrent, 1, 100_000)
	f.count("delivery.per_url", c.Delivery.PerURL, 1, 1000)
	for mode, word := range c.Delivery.ServiceTypes {
		if !slices.Contains(models.Modes, models.Mode(mode)) {
			f.add("delivery.service_types", "%q is no mode; they are %v", mode, models.Modes)
		}
		if !serviceType.MatchString(word) {
			f.add("delivery.service_types."+mode, "%q is not three digits; write them in quotes, such as \"006\"", word)
		}
	}
	if c.Delivery.DeadFiles == "" {
		f.add("delivery.dead_files", "is empty; it is the directory for records that could not be pushed")
	}
}

func (c Config) checkCall(f *faults) {
	f.between("binding.cool_off", c.Binding.CoolOff, 0, 90*24*time.Hour)
	f.between("call.answer_in", c.Call.AnswerIn, 5*time.Second, 3*time.Minute)
	if c.Call.MaxTalk != 0 {
		f.between("call.max_talk", c.Call.MaxTalk, time.Minute, 24*time.Hour)
	}
	for state, prompt := range c.Call.Refusals {
		if n, err := strconv.Atoi(state); err != nil || n < 0 || n > 9999 {
			f.add("call.refusals", "%q is no state code, such as 8014", state)
		}
		if err := models.ValidPromptName("prompt", prompt); err != nil {
			f.add("call.refusals."+state, "%q is no name of a prompt, such as no_binding.wav", prompt)
		}
	}
	f.count("call.at_once", c.Call.AtOnce, 1, 1_000_000)
	f.count("call.per_second", c.Call.PerSecond, 0, 100_000)
	f.count("call.burst", c.Call.Burst, 0, 1_000_000)
	if c.Call.Burst > 0 && c.Call.PerSecond == 0 {
		f.add("call.burst", "is set but call.per_second is 0, which is any number; set both, or leave burst at 0")
	}
	f.between("call.ask_timeout", c.Call.AskTimeout, 500*time.Millisecond, 10*time.Second)
	if strings.ContainsAny(c.Call.Ringback, "\r\n{}[]$") {
		f.add("call.ringback", "holds a line break or one of {}[]$; it is a tone such as tone_stream://%%(1000,4000,450);loops=-1")
	}
}

func (c Config) checkRest(f *faults) {
	c.Schedule.check(f)
	f.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	f.oneOf("log.format", c.Log.Format, "text", "json")
	f.between("drain", c.Drain, 0, time.Hour)
}
