package flow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"maskline/controller/cdr"
	"maskline/models"
)

// Spool is the directory in which the switch's own records of legs wait until their calls are written: those it posted (Put), and those
// it wrote there itself while nobody listened. A record stays until the CDR it belongs to is committed. Run is its one goroutine.
type Spool struct {
	dir   string
	e     *Engine
	log   *slog.Logger
	taken map[string]bool // files handed to the engine and not yet done
	done  chan string     // room for every taken file, so that the engine never waits
}

const (
	spoolEvery = 2 * time.Second
	spoolLook  = 2000            // files read in one look
	halfBaked  = time.Minute     // a file that cannot be read is still being written; after this it is bad
	spoolName  = "*" + spoolTail // mod_json_cdr's own names: <uuid>.cdr.json
	spoolTail  = ".cdr.json"
	badDir     = "bad"
)

// NewSpool makes the directory where it is missing.
func NewSpool(dir string, e *Engine) (*Spool, error) {
	if err := os.MkdirAll(filepath.Join(dir, badDir), 0o750); err != nil {
		return nil, fmt.Errorf("make the spool of leg records: %w", err)
	}
	return &Spool{dir: dir, e: e, log: e.Log, taken: map[string]bool{}, done: make(chan string, spoolLook)}, nil
}

// Put keeps a record that the switch posted. It returns once the record would survive this process; the switch's leg waits for it.
func (s *Spool) Put(record []byte) error {
	if len(record) > cdr.MaxPost {
		return models.Fail(models.Invalid, "body", "a leg record has at most %d bytes", cdr.MaxPost)
	}
	name := models.NewID()
	hidden := filepath.Join(s.dir, "."+name)
	err := os.WriteFile(hidden, record, 0o600)
	if err == nil {
		err = os.Rename(hidden, filepath.Join(s.dir, name+spoolTail))
	}
	if err != nil {
		_ = os.Remove(hidden) // a full disk leaves half a file
		return fmt.Errorf("keep a leg record: %w", err)
	}
	return nil
}

// Run hands records to the engine until ctx ends.
func (s *Spool) Run(ctx context.Context) {
	tick := time.NewTicker(spoolEvery)
	defer tick.Stop()
	for s.look(); ; {
		select {
		case <-ctx.Done():
			return
		case name := <-s.done:
			s.remove(name)
		case <-tick.C:
			s.look()
		}
	}
}

func (s *Spool) remove(name string) {
	for {
		delete(s.taken, name)
		if err := os.Remove(filepath.Join(s.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			s.log.Error("leg record could not be removed; it will be read again", "error", err)
		}
		select {
		case name = <-s.done:
		default:
			return
		}
	}
}

func (s *Spool) look() {
	files, err := filepath.Glob(filepath.Join(s.dir, spoolName))
	if err != nil {
		s.log.Error("spool of leg records cannot be read", "error", err)
		return
	}
	read := 0
	for _, path := range files {
		name := filepath.Base(path)
		if s.taken[name] || strings.HasPrefix(name, ".") {
			continue
		}
		if read++; read > spoolLook || len(s.taken) >= spoolLook {
			return
		}
		s.take(path, name)
	}
}

func (s *Spool) take(path, name string) {
	l, host, err := readRecord(path)
	switch {
	case err == nil:
		if s.e.Report(l, host, func() { s.done <- name }) {
			s.taken[name] = true
		}
	case errors.Is(err, cdr.ErrForeign):
		s.remove(name)
	case young(path):
	default:
		s.e.Observe.ReportDropped("unreadable")
		s.log.Error("leg record is not readable; it was moved aside", "file", name, "error", err)
		if err := os.Rename(path, filepath.Join(s.dir, badDir, name)); err != nil {
			s.log.Error("leg record could not be moved aside", "file", name, "error", err)
		}
	}
}

func readRecord(path string) (cdr.Leg, string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return cdr.Leg{}, "", err
	}
	if info.Size() > cdr.MaxPost {
		return cdr.Leg{}, "", fmt.Errorf("%d bytes are more than a leg record has", info.Size())
	}
	b, err := os.ReadFile(path) //nolint:gosec // a name listed in our own spool
	if err != nil {
		return cdr.Leg{}, "", err
	}
	return cdr.FromPost(b)
}

func young(path string) bool {
	info, err := os.Stat(path)
	return err == nil && time.Since(info.ModTime()) < halfBaked
}
