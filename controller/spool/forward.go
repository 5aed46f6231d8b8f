package spool

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"maskline/controller/cdr"
)

// ErrRecord says that a receiver will never take this record, whoever sends it.
var ErrRecord = errors.New("the record is refused for good")

// Receiver takes a record. It returns when the record is on its disk, past a power cut. Any error but ErrRecord may pass.
type Receiver interface {
	Send(ctx context.Context, record []byte) error
}

// Forwarder moves the records that a switch could not post out of the directory it wrote them to (err-log-dir of mod_json_cdr), to a daemon's
// intake. It runs on the switch's host and keeps no state but the files, so it may die at any time. A record that is sent twice changes nothing
// (DESIGN §6.3).
type Forwarder struct {
	Dir string
	To  Receiver
	Log *slog.Logger
}

const (
	forwardEvery  = 2 * time.Second
	forwardPause  = time.Minute // the longest time between two looks while the receiver is away
	forwardAtOnce = 4           // records under way
	forwardTries  = 8           // failures in a row after which a look ends: the receiver is away
)

// Forwarded is what one look did.
type Forwarded struct {
	Sent  int `json:"sent"`
	Aside int `json:"aside"` // makes no sense: renamed to .bad
	Left  int `json:"left"`  // half-written, and young enough to be finished yet
}

// Run looks again and again until ctx ends, and returns when what is under way has ended.
func (f *Forwarder) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for pause := forwardEvery; ; {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		done, err := f.Once(ctx)
		if err != nil && ctx.Err() == nil {
			pause = min(2*pause, forwardPause)
			f.Log.WarnContext(ctx, "records cannot be handed over; they stay where they are and are tried again", "dir", f.Dir, "error", err, "after", pause)
		} else {
			pause = forwardEvery
		}
		if done.Sent > 0 {
			f.Log.InfoContext(ctx, "records were handed over", "dir", f.Dir, "count", done.Sent)
		}
		timer.Reset(pause)
	}
}

// Once hands over what lies there now. The error is the first that may pass.
func (f *Forwarder) Once(ctx context.Context) (Forwarded, error) {
	dir, err := os.Open(f.Dir)
	if err != nil {
		return Forwarded{}, err
	}
	defer func() { _ = dir.Close() }()
	r := round{f: f}
	for ctx.Err() == nil && !r.over() {
		entries, err := dir.ReadDir(readAtOnce)
		r.chunk(ctx, entries)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return r.done, err
		}
	}
	if r.first == nil {
		r.first = ctx.Err()
	}
	return r.done, r.first
}

// round is one look while it goes on.
type round struct {
	f        *Forwarder
	mu       sync.Mutex
	done     Forwarded
	first    error
	failures int // in a row
}

func (r *round) over() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failures >= forwardTries
}

// chunk hands over some files, a few at once, and waits for them.
func (r *round) chunk(ctx context.Context, entries []fs.DirEntry) {
	work := make(chan string)
	var wg sync.WaitGroup
	for range min(forwardAtOnce, len(entries)) {
		wg.Go(func() {
			for name := range work {
				r.note(r.f.carry(ctx, name))
			}
		})
	}
	for _, e := range entries {
		if ctx.Err() != nil || r.over() {
			break
		}
		if e.Type().IsRegular() && strings.HasSuffix(e.Name(), recordSuffix) {
			work <- filepath.Join(r.f.Dir, e.Name())
		}
	}
	close(work)
	wg.Wait()
}

func (r *round) note(did Forwarded, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done.Sent, r.done.Aside, r.done.Left = r.done.Sent+did.Sent, r.done.Aside+did.Aside, r.done.Left+did.Left
	if err == nil {
		r.failures = 0
		return
	}
	if r.failures++; r.first == nil {
		r.first = err
	}
}

// carry hands one file over and removes it. A file that is gone was another's.
func (f *Forwarder) carry(ctx context.Context, name string) (Forwarded, error) {
	record, err := readBounded(name, cdr.MaxPost)
	if errors.Is(err, fs.ErrNotExist) {
		return Forwarded{}, nil
	}
	if err != nil {
		return Forwarded{}, err
	}
	// A record of a leg that is not ours is the daemon's to judge: only what cannot be read is held back here.
	if _, _, err := cdr.FromPost(record); err != nil && !errors.Is(err, cdr.ErrForeign) {
		if young(name) {
			return Forwarded{Left: 1}, nil
		}
		return f.aside(ctx, name, err)
	}
	switch err := f.To.Send(ctx, record); {
	case errors.Is(err, ErrRecord):
		return f.aside(ctx, name, err)
	case err != nil:
		return Forwarded{}, err
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Forwarded{Sent: 1}, err
	}
	return Forwarded{Sent: 1}, nil
}

func (f *Forwarder) aside(ctx context.Context, name string, why error) (Forwarded, error) {
	f.Log.ErrorContext(ctx, "record of a leg makes no sense and is put aside", "file", filepath.Base(name)+badSuffix, "error", why)
	if err := os.Rename(name, name+badSuffix); err != nil {
		return Forwarded{}, err
	}
	return Forwarded{Aside: 1}, nil
}

// young says that a file may still be written to.
func young(name string) bool {
	st, err := os.Stat(name)
	return err == nil && time.Since(st.ModTime()) < unfinished
}
