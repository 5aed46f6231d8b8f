package daemon

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"maskline/conf"
	"maskline/controller/billing"
	"maskline/controller/delivery"
	"maskline/controller/media"
	"maskline/models"
	"maskline/web/admin"
	"maskline/web/api"
	"maskline/web/intake"
	"maskline/web/serve"
)

// simWrite is how long an answer of the admin API may take to write: a simulated call is told while it goes on.
const simWrite = 11 * time.Minute

func (d *Daemon) auth() api.Auth {
	a := d.cfg.API
	return api.Auth{Window: a.ClockWindow, Offsets: a.ClockOffsets, Lenient: a.Lenient, Failures: a.BlockAfter, FailuresIn: a.BlockWindow, Hold: a.BlockFor}
}

// openServers makes the handlers and opens their addresses.
func (d *Daemon) openServers(ctx context.Context) error {
	tenants, err := d.tenantAPI()
	if err != nil {
		return err
	}
	operators, err := d.adminAPI()
	if err != nil {
		return err
	}
	certificate, err := serverTLS(d.cfg)
	if err != nil {
		return err
	}
	adminTLS := certificate
	if !d.cfg.TLS.Admin {
		adminTLS = nil
	}
	return errors.Join(
		d.listen(ctx, "admin", d.cfg.Listen.Admin, &serve.Server{Handler: d.observed(operators), TLS: adminTLS, Limits: serve.Limits{Write: simWrite}}),
		d.openSoundsListener(ctx),
		d.listen(ctx, "debug", d.cfg.Listen.Debug, &serve.Server{Handler: profiles(), Limits: serve.Limits{Write: profileWrite}}),
		d.listen(ctx, "api", d.cfg.Listen.API, &serve.Server{Handler: tenants}),
		d.listen(ctx, "api_tls", d.cfg.Listen.APITLS, &serve.Server{Handler: tenants, TLS: certificate}),
	)
}

// openIntake opens the address of the switches' posts. It comes before the switches: a simulated one must know it.
func (d *Daemon) openIntake(ctx context.Context) error {
	if d.spool == nil {
		return nil
	}
	password, err := d.cfg.Intake.Password.Reveal()
	if err != nil {
		return fmt.Errorf("intake.password: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", intake.New(d.spool, d.cfg.Intake.User, password, d.log))
	mux.Handle(intake.RecordingPath, intake.NewRecordings(d.recordings, d.cfg.Intake.User, password, d.log))
	return d.listen(ctx, "intake", d.cfg.Listen.Intake, &serve.Server{Handler: mux})
}

// openSoundsListener opens the address at which switches fetch sounds.
func (d *Daemon) openSoundsListener(ctx context.Context) error {
	if d.sounds == nil {
		return nil
	}
	return d.listen(ctx, "sounds", d.cfg.Listen.Sounds, &serve.Server{Handler: d.sounds.Handler(d.prompts, d.speaker)})
}

// listen opens an address for a server that Run will start; "" is not served.
func (d *Daemon) listen(ctx context.Context, name, addr string, s *serve.Server) error {
	if addr == "" {
		return nil
	}
	l, err := serve.Listen(ctx, addr)
	if err != nil {
		return fmt.Errorf("%w; stop who has it, or change listen.%s", err, name)
	}
	// A server that has run has closed its listener itself; to close it again does no harm.
	d.closers.add("address "+name, partIn, func(context.Context) error { _ = l.Close(); return nil })
	if name != "admin" { // it is asked how the end goes
		s.Handler = d.underway.counted(s.Handler)
	}
	s.Name, s.Log, s.Limits.Drain = name, d.log, max(d.cfg.Drain, time.Second)
	d.servers = append(d.servers, listener{s, l})
	return nil
}

func (d *Daemon) tenantAPI() (http.Handler, error) {
	c := d.cfg.API
	proxies := make([]string, 0, len(c.TrustedProxies))
	for _, p := range c.TrustedProxies {
		proxies = append(proxies, p.String())
	}
	o := api.Options{
		Store: d.store, Prompts: d.prompts, Recordings: d.recordings, Stopper: stopper{d}, Numbering: d.cfg.Numbering.Model(), International: c.International,
		Auth: d.auth(), ReplayWindow: c.ReplayWindow, Rate: c.Rate, Burst: c.Burst, AtOnce: c.AtOnce, FlowCode: c.FlowCode, VoiceFlowCode: c.VoiceFlowCode, Limited: d.metrics.flowControl,
		TrustedProxies: proxies, BodyLimit: c.BodyLimit,
		Timeout: c.Timeout, KeepAlive: c.KeepAlive, LinkBase: d.cfg.Media.LinkBase, LinkLife: d.cfg.Media.LinkLifetime, Log: d.log,
	}
	d.acceptsCalls(&o)
	return api.New(o)
}

func (d *Daemon) adminAPI() (http.Handler, error) {
	var tokens []admin.Token
	for i, t := range d.cfg.Admin.Tokens {
		v, err := t.Token.Reveal()
		if err != nil {
			return nil, fmt.Errorf("admin.tokens[%d].token: %w", i, err)
		}
		tokens = append(tokens, admin.Token{Name: t.Name, Token: v})
	}
	o := admin.Options{
		Store: d.store, Decide: d.rules().Decide, Toll: d.toll(), Tokens: tokens, Numbering: d.cfg.Numbering.Model(), Stop: d.stop,
		Shelf: d.shelf, Speak: d.speaker.Render, OpenRecording: d.openRecording, RemoveRecording: d.removeRecording, Values: d.cfg.Speech.Limits(),
		Documents: media.Documents{Dir: d.cfg.Orders.Documents}, EnterpriseFirst: d.cfg.Orders.EnterpriseFirst, Forbidden: d.cfg.Orders.Forbidden, CoolDown: d.cfg.Orders.CoolDown,
		News: d.news, BalanceMoved: d.arrears.After, ExplainCharges: billing.Explain, Jobs: d.schedule, SessionLife: d.cfg.Operators.SessionLife, Lock: admin.Lock{After: d.cfg.Operators.LockAfter, For: d.cfg.Operators.LockFor},
		TestPush: d.courier.TestPush, Tell: tellNumber, Offer: d.courier.Offer, DeadFiles: d.deadFiles, Switches: d.switches, Daemons: d.daemons, Trunks: d.trunks, Sim: d.simControl(), Log: d.log,
	}
	if d.queue != nil {
		o.Queue = d.queue
	}
	return admin.New(o)
}

// tellNumber makes the pushes by which a tenant learns how a number of his stands.
func tellNumber(app models.App, n models.Number) []models.Delivery {
	return delivery.NumberStatus(app, []delivery.NumberItem{{Number: n.Number, Status: n.State, Cause: n.Cause}})
}

// serverTLS is the certificate of the HTTPS listeners; nil when none is asked for.
func serverTLS(cfg conf.Config) (*tls.Config, error) {
	t := cfg.TLS
	switch {
	case cfg.Listen.APITLS == "" && !t.Admin:
		return nil, nil //nolint:nilnil // no TLS is no error
	case t.CertFile != "":
		return serve.FileTLS(t.CertFile, t.KeyFile)
	case t.SelfSigned:
		return serve.SelfSignedTLS(t.Dir, t.Hosts)
	}
	return nil, errors.New("tls.cert_file is needed for HTTPS")
}

// CertificateFile is the certificate that clients of the HTTPS listeners must trust.
func CertificateFile(cfg conf.Config) string {
	if cfg.TLS.CertFile != "" {
		return cfg.TLS.CertFile
	}
	return filepath.Join(cfg.TLS.Dir, "self-signed.crt")
}
