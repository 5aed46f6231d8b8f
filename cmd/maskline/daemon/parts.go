package daemon

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/conf"
	"maskline/controller/delivery"
	"maskline/controller/flow"
	"maskline/controller/media"
	"maskline/controller/route"
	"maskline/controller/spool"
	"maskline/models"
	"maskline/models/store"
)

// What is written so late at most that it shares a commit with others: steps of calls that nobody waits for, and outcomes of pushes. The
// former are pushed so much later; the latter are pushed again if the daemon dies meanwhile.
const (
	gather   = 25 * time.Millisecond
	saveEach = 100 * time.Millisecond
)

// StoreConfig is the database of a configuration.
func StoreConfig(cfg conf.Config) (store.Config, error) {
	dsn, err := cfg.Database.DSN.Reveal()
	if err != nil {
		return store.Config{}, fmt.Errorf("database.dsn: %w", err)
	}
	out := store.Config{Driver: cfg.Database.Driver, DSN: dsn, OpenConns: cfg.Database.Connections, CoolOff: cfg.Binding.CoolOff, Gather: gather,
		Keys: store.Keys{ByID: map[string][]byte{}}}
	if out.CoolOff == 0 {
		out.CoolOff = -1 // the store's 0 is its default
	}
	for i, k := range cfg.Keys {
		b, err := k.Bytes()
		if err != nil {
			return store.Config{}, fmt.Errorf("keys[%d].key: %w", i, err)
		}
		out.Keys.ByID[k.ID] = b
		if i == 0 {
			out.Keys.Current = k.ID
		}
	}
	return out, nil
}

func (d *Daemon) openStore(ctx context.Context) error {
	sc, err := StoreConfig(d.cfg)
	if err != nil {
		return err
	}
	sc.Logger = d.log
	if sc.Driver == store.SQLite {
		if err := os.MkdirAll(filepath.Dir(sc.DSN), 0o750); err != nil {
			return fmt.Errorf("make the database's directory: %w", err)
		}
	}
	if d.store, err = store.Open(ctx, sc); err != nil {
		return err
	}
	d.closers.add("database", partIn, func(context.Context) error { return d.store.Close() })
	if d.cfg.Database.Migrate {
		if err := d.store.Migrate(ctx); err != nil {
			return err
		}
	}
	pending, err := d.store.Pending(ctx)
	if err != nil {
		return err
	}
	if pending > 0 {
		return fmt.Errorf("the database lacks %d migrations; run: maskline migrate", pending)
	}
	d.metrics.watchStore(d.store.Stats)
	return nil
}

func (d *Daemon) openMedia(ctx context.Context) error {
	m := d.cfg.Media
	for _, language := range []string{"zh", "en"} {
		shipped, err := fs.Sub(conf.Prompts, "prompts/"+language)
		if err != nil {
			return fmt.Errorf("shipped prompts: %w", err)
		}
		if err := media.Unpack(shipped, filepath.Join(m.Prompts, language)); err != nil {
			return err
		}
	}
	var err error
	if d.prompts, err = media.New(m.Tenants, filepath.Join(m.Prompts, m.Language)); err != nil {
		return err
	}
	if d.recordings, err = NewRecordings(d.cfg); err != nil {
		return err
	}
	if err := d.openSounds(); err != nil {
		return err
	}
	return d.openShelf(ctx)
}

// NewRecordings knows where the recordings of a configuration are.
func NewRecordings(cfg conf.Config) (*media.Recordings, error) {
	key, err := derivedKey(cfg, "links to recordings")
	if err != nil {
		return nil, err
	}
	o := media.RecordingsOptions{Dir: cfg.Media.Recordings, Key: key, KeepDays: cfg.Media.RetentionDays}
	if cfg.Media.RecordStore == conf.RecordS3 {
		if o.S3, err = NewS3(cfg); err != nil {
			return nil, err
		}
	}
	return media.NewRecordings(o)
}

// NewS3 is the object store of a configuration.
func NewS3(cfg conf.Config) (*media.S3, error) {
	secret, err := cfg.S3.Secret.Reveal()
	if err != nil {
		return nil, fmt.Errorf("s3.secret: %w", err)
	}
	return media.NewS3(media.S3Options{Endpoint: cfg.S3.Endpoint, Bucket: cfg.S3.Bucket, Region: cfg.S3.Region, Prefix: cfg.S3.Prefix, Key: cfg.S3.Key, Secret: secret,
		PathStyle: cfg.S3.PathStyle, Through: cfg.S3.Through})
}

// derivedKey is a key for one purpose, such as signing links to recordings. It follows from the first sealing key, so that every daemon has the
// same and nobody has to set another secret; a new sealing key ends what the old one signed.
func derivedKey(cfg conf.Config, purpose string) ([]byte, error) {
	if len(cfg.Keys) == 0 {
		return nil, errors.New("keys is empty")
	}
	sealing, err := cfg.Keys[0].Bytes()
	if err != nil {
		return nil, err
	}
	return hkdf.Key(sha256.New, sealing, nil, "maskline "+purpose, sha256.Size)
}

func (d *Daemon) makeDelivery(context.Context) error {
	c := d.cfg.Delivery
	d.courier = delivery.New(delivery.Options{
		Store: d.store, Log: d.log, Observe: d.metrics, Calendar: c.Calendar, VoiceCalendar: c.VoiceCalendar, VoiceUTC: c.VoiceUTC, Timeout: c.Timeout, BatchWait: c.BatchWait, Leased: true, Shared: d.shared, SaveEach: saveEach,
		Concurrent: c.Concurrent, PerURL: c.PerURL, Allow: c.Allow, Insecure: c.Insecure,
		Fee: delivery.Fee{RecordDomain: recordDomain(d.cfg.Media), Optional: c.Optional, DurationField: c.Duration, ServiceTypes: serviceTypes(c.ServiceTypes)},
	})
	return nil
}

func serviceTypes(byMode map[string]string) map[models.Mode]string {
	types := make(map[models.Mode]string, len(byMode))
	for mode, word := range byMode {
		types[models.Mode(mode)] = word
	}
	return types
}

// recordDomain is recordDomain of CDRs: as configured, else the host of the links; "" is the courier's default.
func recordDomain(m conf.Media) string {
	if m.RecordDomain != "" {
		return m.RecordDomain
	}
	if u, err := url.Parse(m.LinkBase); err == nil {
		return u.Host
	}
	return ""
}

func (d *Daemon) rules() route.Rules {
	r := route.Rules{AnswerIn: d.cfg.Call.AnswerIn, MaxTalk: d.cfg.Call.MaxTalk, Refusals: map[models.StateCode]string{},
		AllowRealCaller: d.cfg.Call.AllowRealCaller, Numbering: d.cfg.Numbering.Model(), Destinations: d.toll().Destinations}
	for state, prompt := range d.cfg.Call.Refusals {
		if n, err := strconv.Atoi(state); err == nil {
			r.Refusals[models.StateCode(n)] = prompt
		}
	}
	return r
}

func (d *Daemon) makeCalls(context.Context) (err error) {
	if d.trunks, err = d.cfg.TrunkModels(); err != nil {
		return err
	}
	owner, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("name this daemon: %w", err)
	}
	d.engine = flow.New(flow.Options{
		Store: d.store, Outbox: d.courier, Prompts: d.prompts, Recordings: d.recordings, Trunks: d.trunks, Numbering: d.cfg.Numbering.Model(), Speech: d.speaker,
		RecordWait: d.cfg.Media.RecordWait, Rules: d.rules(), Ringback: d.cfg.Call.Ringback, Purse: purse{d.rater, d.guard, d.allowance}, Ask: d.courier, AskIn: d.cfg.Call.AskTimeout, Owner: owner, MaxCalls: d.cfg.Call.AtOnce, PerSecond: d.cfg.Call.PerSecond, Burst: d.cfg.Call.Burst, Observe: d.metrics, Log: d.log,
		Limits: d.toll().Limits, Switches: d.switchNames(), ReportWait: d.reportWait(),
	})
	for _, state := range []models.DeliveryState{models.DeliveryWaiting, models.DeliveryRetry, models.DeliveryHeld} {
		d.metrics.gaugeOf("deliveries_resting", "Deliveries in the database that are not over, counted every 30 s, up to 100000.", prometheus.Labels{"state": string(state)},
			func() float64 { return float64(d.courier.Resting(state)) })
	}
	d.metrics.gauge("trunk_channels_held", "Channels of trunks that this daemon's calls hold.", func() float64 { return float64(d.engine.ChannelsHeld()) })
	d.metrics.gauge("calls_live", "Calls that this daemon carries now.", func() float64 { return float64(d.engine.Live()) })
	if d.cfg.Listen.Intake == "" {
		return nil
	}
	o := spool.Options{Dir: d.cfg.Intake.Spool, Report: d.engine.Report, Later: d.engine.ReportLater, Log: d.log,
		Count: func(way string) { d.metrics.reports.WithLabelValues(way).Inc() }}
	for _, s := range d.cfg.Switches {
		o.Hosts = append(o.Hosts, s.HostName())
		if s.Spool != "" {
			o.Others = append(o.Others, spool.Other{Dir: s.Spool, Host: s.HostName()})
		}
	}
	d.spool, err = spool.Open(o)
	d.metrics.gauge("spool_held", "Records of legs that wait until their calls are settled.", func() float64 { return float64(d.spool.Holding()) })
	return err
}

// switchNames are the names of the switches by the hosts of their session ids.
func (d *Daemon) switchNames() map[string]string {
	names := map[string]string{}
	for _, s := range d.cfg.Switches {
		names[s.HostName()] = s.Name
	}
	return names
}

// reportWait is longer where another daemon may get the records of our switches' legs.
func (d *Daemon) reportWait() time.Duration {
	if d.cfg.PeerURL() != "" {
		return flow.SharedReportWait
	}
	return flow.DefaultReportWait
}

// replayWindow is how long answers are kept: as configured, and at least as long as a signature can be believed.
func (d *Daemon) replayWindow() time.Duration {
	return max(d.cfg.API.ReplayWindow, d.auth().Believable())
}
