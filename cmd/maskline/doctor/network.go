package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"maskline/cmd/maskline/daemon"
	"maskline/conf"
	"maskline/esl"
	"maskline/esl/freeswitch"
)

// shippedPasswords are FreeSWITCH's own default and those that stand in conf/freeswitch/vars.xml, which everybody can read.
var shippedPasswords = map[string]bool{"ClueCon": true, "change-me-event-socket": true, "change-me-cdr": true}

// certificateWarn is how long before its end a certificate is worth a word.
const certificateWarn = 21 * 24 * time.Hour

func certificates(_ context.Context, cfg conf.Config) []Finding {
	if cfg.Listen.APITLS == "" && !cfg.TLS.Admin {
		return nil
	}
	about, certFile := "certificate", daemon.CertificateFile(cfg)
	if _, err := os.Stat(certFile); errors.Is(err, fs.ErrNotExist) && cfg.TLS.CertFile == "" {
		return []Finding{warn(about, "a self-signed one is made when the daemon starts", "clients must be told to trust it; for production set tls.cert_file and tls.key_file")}
	}
	keyFile := cfg.TLS.KeyFile
	if keyFile == "" {
		keyFile = strings.TrimSuffix(certFile, ".crt") + ".key"
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return []Finding{failed(about, err.Error(), "set tls.cert_file to the chain and tls.key_file to its key, PEM")}
	}
	cert, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return []Finding{failed(about, err.Error(), "set tls.cert_file to the chain, PEM")}
	}
	left := time.Until(cert.NotAfter)
	says := "ends " + cert.NotAfter.UTC().Format(time.DateOnly)
	switch {
	case left < 0 || time.Now().Before(cert.NotBefore):
		return []Finding{failed(about, says+": it is not valid now", "renew it; the daemon takes up a new file by itself")}
	case left < certificateWarn:
		return []Finding{warn(about, says, "renew it; the daemon takes up a new file by itself")}
	}
	return []Finding{ok(about, says)}
}

func switches(ctx context.Context, cfg conf.Config) []Finding {
	if len(cfg.Switches) == 0 {
		return []Finding{warn("switches", "none is configured: the daemon serves the API and takes no calls", "add one under switches")}
	}
	var out []Finding
	for _, s := range cfg.Switches {
		out = append(out, oneSwitch(ctx, cfg, s)...)
	}
	return out
}

// socketAddress looks whether an event socket may be where it is: it is not encrypted, and who speaks to it owns the switch.
func socketAddress(about, addr string) []Finding {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil || ap.Addr().Unmap().IsLoopback() || ap.Addr().Unmap().IsPrivate() || ap.Addr().IsLinkLocalUnicast() {
		return nil
	}
	return []Finding{failed(about, "its event socket has the public address "+ap.Addr().String()+": commands, numbers and the password cross the network in the clear",
		"let it listen on loopback or in a private network (maskline_esl_ip), behind an ACL and a firewall; between machines use a tunnel such as WireGuard")}
}

func oneSwitch(ctx context.Context, cfg conf.Config, s conf.Switch) []Finding {
	about := "switch " + s.Name
	if s.Simulated {
		return []Finding{warn(about, "is simulated: it carries no real calls", "set simulated: false and the address of a FreeSWITCH")}
	}
	password, err := s.Password.Reveal()
	if err != nil {
		return []Finding{failed(about, err.Error(), "set it")}
	}
	var out []Finding
	if shippedPasswords[password] {
		out = append(out, failed(about, "its event socket has a password that everybody knows", "change maskline_esl_password in its vars.xml and the password here"))
	}
	out = append(out, socketAddress(about, s.Addr)...)
	asked := [][2]string{{"switchname", ""}, {"strepoch", ""}}
	for _, t := range cfg.Trunks {
		asked = append(asked, [2]string{"sofia", "status gateway " + t.Name})
	}
	answers, status, err := talk(ctx, s, password, asked)
	if err != nil {
		return append(out, failed(about, fmt.Sprintf("event socket %s: %s", s.Addr, err), "see that FreeSWITCH runs, that its ACL lets this machine in, and that the password is right"))
	}
	out = append(out, ok(about, "FreeSWITCH "+status.Version+" answers"))
	if host := strings.TrimSpace(answers[asked[0]]); host != "" && host != s.HostName() && status.Hostname != s.HostName() {
		out = append(out, warn(about, fmt.Sprintf("calls itself %s, session ids say %s", host, s.HostName()), "set host to maskline_switch_name of its vars.xml, so that its spooled records find their calls"))
	}
	if theirs, err := strconv.ParseInt(strings.TrimSpace(answers[asked[1]]), 10, 64); err == nil {
		out = append(out, switchClock(about, time.Since(time.Unix(theirs, 0))))
	}
	for i, t := range cfg.Trunks {
		if t.Proxy != "" {
			out = append(out, gateway(about, t, answers[asked[i+2]]))
		}
	}
	return out
}

// switchClock judges how far a switch's clock, told in whole seconds, is behind ours: records carry the switch's times.
func switchClock(about string, behind time.Duration) Finding {
	switch drift := behind.Abs().Round(time.Second); {
	case drift > driftFail:
		return failed(about, fmt.Sprintf("its clock and ours differ by %s", drift), "run NTP (chrony, systemd-timesyncd) on both machines")
	case drift > 2*driftWarn:
		return warn(about, fmt.Sprintf("its clock and ours differ by %s", drift), "run NTP (chrony, systemd-timesyncd) on both machines")
	}
	return ok(about, "its clock and ours agree")
}

// gateway reads FreeSWITCH's answer about a trunk's gateway.
func gateway(about string, t conf.Trunk, answer string) Finding {
	about += ", " + t.Name
	field := func(name string) string {
		for line := range strings.Lines(answer) {
			if rest, found := strings.CutPrefix(line, name); found {
				return strings.TrimSpace(rest)
			}
		}
		return ""
	}
	switch state, status := field("State"), field("Status"); {
	case state == "" && status == "":
		return failed(about, "the switch knows no gateway of this name", "run: maskline switch config --dir …, then reloadxml and sofia profile carrier rescan on the switch")
	case strings.HasPrefix(status, "DOWN"):
		return failed(about, "gateway is down: it does not answer OPTIONS, or the registration failed ("+state+")", "see that the carrier is reachable from the switch and that user and password are right")
	case t.Register && !strings.HasPrefix(state, "REGED"):
		return warn(about, "is not registered: "+state, "see that user, password and proxy are what the carrier gave")
	default:
		return ok(about, "gateway is up ("+state+")")
	}
}

// talk logs in to an event socket with the daemon's own adapter and gives the answers to api commands; a refused one has none.
func talk(ctx context.Context, s conf.Switch, password string, asked [][2]string) (answers map[[2]string]string, status esl.Status, err error) {
	sw := freeswitch.New(freeswitch.Options{Name: s.Name, Addr: s.Addr, Password: password, Commands: 1})
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = sw.Run(ctx, onlooker{})
	}()
	defer func() { cancel(); <-done }()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	giveUp := time.NewTimer(checkIn / 2)
	defer giveUp.Stop()
	for status = sw.Status(); !status.Up; status = sw.Status() {
		select {
		case <-tick.C:
			continue
		case <-giveUp.C:
		case <-ctx.Done():
		}
		if status.Err != nil {
			return nil, status, status.Err
		}
		return nil, status, errors.New("no answer")
	}
	answers = map[[2]string]string{}
	for _, q := range asked {
		if a, err := sw.API(ctx, q[0], q[1]); err == nil {
			answers[q] = a
		}
	}
	return answers, sw.Status(), nil
}

// onlooker hears of calls and touches none: the daemon may be at work on the same switch.
type onlooker struct{}

func (onlooker) Arrived(c esl.Call, _ esl.Event) { c.Close() }
func (onlooker) Found(c esl.Call, _ []esl.Event) { c.Close() }
func (onlooker) Synced([]string)                 {}
func (onlooker) Stranger(esl.Event)              {}
func (onlooker) Stray(esl.Event)                 {}
func (onlooker) Restarted(string)                {}

func trunks(_ context.Context, cfg conf.Config) []Finding {
	if len(cfg.Trunks) == 0 {
		return []Finding{warn("trunks", "none is configured: every caller is a stranger and no call goes out", "add one under trunks")}
	}
	var out []Finding
	inward, outward := 0, 0
	for _, t := range cfg.Trunks {
		about := "trunk " + t.Name
		if len(t.Addresses) > 0 || t.Registers != "" {
			inward++
			if !t.TrustCaller {
				out = append(out, warn(about, "its callers count as hidden, so they reach nobody through AXB", "set trust_caller: true if the carrier vouches for its callers' numbers"))
			}
		}
		for _, p := range t.Addresses {
			if p.Bits() < 16 && !p.Addr().IsLoopback() {
				out = append(out, warn(about, fmt.Sprintf("%s lets very many addresses place calls", p), "name the carrier's own addresses"))
			}
		}
		if t.Proxy != "" {
			outward++
		}
	}
	if inward == 0 {
		out = append(out, warn("trunks", "no trunk lets calls in", "give one addresses, or a registering user"))
	}
	if outward == 0 {
		out = append(out, failed("trunks", "no trunk takes calls out: nobody can be reached", "give one a proxy"))
	}
	return append(out, ok("trunks", fmt.Sprintf("%d in, %d out", inward, outward)))
}

func intake(_ context.Context, cfg conf.Config) []Finding {
	if cfg.Listen.Intake == "" {
		return []Finding{warn("intake", "is not served: a call that ends while no daemon runs gets its record only from a spool", "set listen.intake")}
	}
	if password, err := cfg.Intake.Password.Reveal(); err == nil && shippedPasswords[password] {
		return []Finding{failed("intake", "its password is one that everybody knows", "change maskline_cdr_password in each vars.xml and intake.password here")}
	}
	return []Finding{ok("intake", "serves "+cfg.Listen.Intake)}
}

// exposure warns of listeners that the world can reach and should not.
func exposure(_ context.Context, cfg conf.Config) []Finding {
	var out []Finding
	for _, l := range []struct {
		key, addr, do string
		bad           bool
	}{
		{"listen.api", cfg.Listen.API, "serve it behind a TLS proxy, or use listen.api_tls", true},
		{"listen.admin", cfg.Listen.Admin, "bind it to a private address, or set tls.admin: true", !cfg.TLS.Admin},
		{"listen.intake", cfg.Listen.Intake, "bind it to an address that only the switches reach", true},
	} {
		if l.addr != "" && l.bad && public(l.addr) {
			out = append(out, warn(l.key, l.addr+" is plain HTTP on every address", l.do))
		}
	}
	if len(cfg.Delivery.Insecure) > 0 {
		out = append(out, warn("delivery.insecure_hosts", "certificates of "+strings.Join(cfg.Delivery.Insecure, ", ")+" are not verified", "remove them for production"))
	}
	return out
}

func public(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(host)
	return err == nil && (a.IsUnspecified() || !a.IsLoopback() && !a.IsPrivate())
}
