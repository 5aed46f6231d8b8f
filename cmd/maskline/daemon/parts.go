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

	"maskline/conf"
	"maskline/controller/delivery"
	"maskline/controller/flow"
	"maskline/controller/media"
	"maskline/controller/route"
	"maskline/controller/spool"
	"maskline/models"
	"maskline/models/store"
)

// StoreConfig is the database of a configuration.
func StoreConfig(cfg conf.Config) (store.Config, error) {
	dsn, err := cfg.Database.DSN.Reveal()
	if err != nil {
		return store.Config{}, fmt.Errorf("database.dsn: %w", err)
	}
	out := store.Config{Driver: cfg.Database.Driver, DSN: dsn, OpenConns: cfg.Database.Connections, CoolOff: cfg.Binding.CoolOff,
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

func (d *Daemon) openMedia(context.Context) error {
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
	key, err := linkKey(d.cfg)
	if err != nil {
		return err
	}
	d.recordings, err = media.NewRecordings(media.RecordingsOptions{Dir: m.Recordings, Key: key, KeepDays: m.RetentionDays})
	return err
}

// linkKey signs links to recordings. It follows from the first sealing key, so that every daemon has the same and nobody has to set
// another secret; a new sealing key ends the links that are out.
func linkKey(cfg conf.Config) ([]byte, error) {
	if len(cfg.Keys) == 0 {
		return nil, errors.New("keys is empty")
	}
	sealing, err := cfg.Keys[0].Bytes()
	if err != nil {
		return nil, err
	}
	return hkdf.Key(sha256.New, sealing, nil, "maskline links to recordings", sha256.Size)
}

func (d *Daemon) makeDelivery(context.Context) error {
	c := d.cfg.Delivery
	d.courier = delivery.New(delivery.Options{
		Store: d.store, Log: d.log, Observe: d.metrics, Calendar: c.Calendar, Timeout: c.Timeout, BatchWait: c.BatchWait,
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
		AllowRealCaller: d.cfg.Call.AllowRealCaller, Numbering: d.cfg.Numbering.Model()}
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
		Store: d.store, Outbox: d.courier, Prompts: d.prompts, Recordings: d.recordings, Trunks: d.trunks, Numbering: d.cfg.Numbering.Model(),
		Rules: d.rules(), Ringback: d.cfg.Call.Ringback, Ask: d.courier, AskIn: d.cfg.Call.AskTimeout, Owner: owner, MaxCalls: d.cfg.Call.AtOnce, Observe: d.metrics, Log: d.log,
	})
	d.metrics.gauge("calls_live", "Calls that this daemon carries now.", func() float64 { return float64(d.engine.Live()) })
	if d.cfg.Listen.Intake == "" {
		return nil
	}
	o := spool.Options{Dir: d.cfg.Intake.Spool, Report: d.engine.Report, Log: d.log,
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

// replayWindow is how long answers are kept: as configured, and at least as long as a signature can be believed.
func (d *Daemon) replayWindow() time.Duration {
	return max(d.cfg.API.ReplayWindow, d.auth().Believable())
}
