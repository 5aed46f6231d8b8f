package daemon

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/conf"
	"maskline/controller/media"
)

// openSounds makes what gives sounds to switches that fetch them, the speaker, and the shelf of prompts.
func (d *Daemon) openSounds() error {
	if base := d.cfg.Media.SoundsURL; base != "" {
		key, err := derivedKey(d.cfg, "addresses of sounds")
		if err != nil {
			return err
		}
		if d.sounds, err = media.NewSounds(base, key); err != nil {
			return fmt.Errorf("media.sounds_url: %w", err)
		}
		d.prompts.Over(d.sounds)
	}
	engine, err := SpeechEngine(d.cfg)
	if err != nil {
		return err
	}
	if h, ok := engine.(*media.HTTPEngine); ok {
		d.closers.add("speech engine", partIn, func(context.Context) error { h.CloseIdle(); return nil })
	}
	c := d.cfg.Speech
	d.speaker, err = media.NewSpeaker(media.SpeechOptions{Engine: engine, Voice: c.Voice, Dir: c.Dir, MaxBytes: c.MaxBytes, Concurrent: c.Concurrent,
		Timeout: c.Timeout, Sounds: d.sounds, Log: d.log})
	if err != nil {
		return fmt.Errorf("speech.dir: %w", err)
	}
	d.closers.add("speech", partIn, func(context.Context) error { d.speaker.Close(); return nil })
	d.metrics.watchSpeech(d.speaker.Stats)
	return nil
}

// openShelf makes the shelf of prompts and lets it mend what a crash left between files and database. What cannot be mended is no reason to serve
// nobody: it is logged, and tried again with the next start.
func (d *Daemon) openShelf(ctx context.Context) (err error) {
	d.shelf, err = media.NewShelf(media.ShelfOptions{Store: d.store, Uploads: d.cfg.Media.Uploads, Tenants: d.cfg.Media.Tenants, Log: d.log})
	if err != nil {
		return fmt.Errorf("media.uploads: %w", err)
	}
	if err := d.shelf.Repair(ctx); err != nil {
		d.log.ErrorContext(ctx, "files of prompts do not agree with the database", "error", err)
	}
	return nil
}

// SpeechEngine is the engine that a configuration names; nil for none.
func SpeechEngine(cfg conf.Config) (media.Engine, error) {
	switch c := cfg.Speech; c.Engine {
	case conf.SpeechCommand:
		return media.NewCommandEngine(c.Command)
	case conf.SpeechHTTP:
		token, err := c.Token.Reveal()
		if err != nil {
			return nil, fmt.Errorf("speech.token: %w", err)
		}
		return media.NewHTTPEngine(c.URL, token)
	}
	return nil, nil //nolint:nilnil // a speaker without an engine says so for each text
}

// watchSpeech tells of the speaker.
func (m *metrics) watchSpeech(stats func() media.SpeechStats) {
	for result, value := range map[string]func(media.SpeechStats) int64{
		"rendered": func(s media.SpeechStats) int64 { return s.Rendered },
		"failed":   func(s media.SpeechStats) int64 { return s.Failed },
		"found":    func(s media.SpeechStats) int64 { return s.Found },
	} {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "maskline", Name: "speech_total",
			Help: "Texts that were to be spoken: rendered, failed, or found rendered already.", ConstLabels: prometheus.Labels{"result": result}},
			func() float64 { return float64(value(stats())) }))
	}
	m.gauge("speech_cache_bytes", "Bytes of rendered speech that are kept.", func() float64 { return float64(stats().Bytes) })
}
