package media

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"maskline/models"
)

// Sink takes finished recordings. It returns when what it keeps has been compared with d. ErrTaken and ErrRecording are final: the same file
// will not be taken later; any other error may pass.
type Sink interface {
	Put(ctx context.Context, name string, f *os.File, d Digest) error
}

// DrainOptions is how a Drain works. Dirs and To are required.
type DrainOptions struct {
	// Dirs are directories in which switches of this host record, <dir>/<yyyyMMdd>/<name>. With an object store the Recordings' own is one.
	Dirs []string
	To   Sink
	// Still is how long a file must have stood still before it is moved, 10 s; it has been closed by the switch then, which its header says.
	Still time.Duration
	// Dead is how long an unfinished file must have stood still to count as left behind by a switch that was killed: it is mended and moved.
	// 1 h: nobody is on hold for longer without a sound (media_hold_timeout, controller/flow).
	Dead    time.Duration
	Poll    time.Duration // between two looks; 0 is 2 s
	Workers int           // files moved at once; 0 is 4
	Observe DrainObserver // nil observes nothing
	Log     *slog.Logger  // nil is silent
}

// DrainObserver is told what a Drain does, for metrics. Its methods must not wait.
type DrainObserver interface {
	Moved(bytes int64)
	// Refused is told of a file that could not be moved; aside says that it was put aside and is not tried again.
	Refused(aside bool)
	// Left is told after each look how many finished files lie there still, a thousand a directory at most, and how old the oldest is.
	Left(n int, oldest time.Duration)
}

type undrained struct{}

func (undrained) Moved(int64)             {}
func (undrained) Refused(bool)            {}
func (undrained) Left(int, time.Duration) {}

const (
	drainMost    = 1000            // files looked at in one round
	drainTries   = 8               // failures in a row after which a round ends: the sink is away
	drainPause   = 5 * time.Second // before the second try of a file; doubled for each more
	drainPauseAt = 5 * time.Minute // the longest pause
	asideSuffix  = ".aside"
)

// Drain moves finished recordings out of switches' directories, and removes them there once the sink has them. Run it where the files are:
// in the daemon, or by itself on the host of a switch. It keeps no state but the files, so it may die at any time.
type Drain struct {
	o      DrainOptions
	mu     sync.Mutex
	failed map[string]failure // by path, of files that are there
}

type failure struct {
	pause time.Duration
	until time.Time
}

// NewDrain makes a Drain. A directory that is where the sink keeps its recordings is refused.
func NewDrain(o DrainOptions) (*Drain, error) {
	if len(o.Dirs) == 0 || o.To == nil {
		return nil, errors.New("a drain needs a directory and where to move its recordings")
	}
	for i, dir := range o.Dirs {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return nil, fmt.Errorf("make the directory to drain absolute: %w", err)
		}
		if r, ok := o.To.(*Recordings); ok && r.keepsIn(abs) {
			return nil, fmt.Errorf("recordings are kept in %s: there is nothing to drain", dir)
		}
		o.Dirs[i] = abs
	}
	o.Still, o.Dead, o.Poll = cmp.Or(o.Still, 10*time.Second), cmp.Or(o.Dead, time.Hour), cmp.Or(o.Poll, 2*time.Second)
	o.Workers = max(1, cmp.Or(o.Workers, 4))
	if o.Observe == nil {
		o.Observe = undrained{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Drain{o: o, failed: map[string]failure{}}, nil
}

// Run moves files until ctx ends, and returns when the moves under way have ended.
func (d *Drain) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if _, err := d.Once(ctx); err != nil && ctx.Err() == nil {
			d.o.Log.WarnContext(ctx, "recordings cannot be moved to where they are kept; they stay where they are and are tried again", "error", err)
		}
		timer.Reset(d.o.Poll)
	}
}

// Once moves what is finished now, up to drainMost files of each directory, and tells how many it moved. The error is the first that may
// pass; a file that is refused for good is put aside, and logged.
func (d *Drain) Once(ctx context.Context) (moved int, err error) {
	now := time.Now()
	var r round
	for _, dir := range d.o.Dirs {
		if err := d.scan(ctx, dir, now, &r); err != nil {
			return 0, err
		}
	}
	moved, err = d.move(ctx, r.files)
	d.left(slices.Concat(r.files, r.failed), now)
	return moved, err
}

// move hands the files to the workers and waits for them. After drainTries failures in a row it hands out no more.
func (d *Drain) move(ctx context.Context, files []ripe) (moved int, first error) {
	var wg sync.WaitGroup
	work, failures := make(chan *ripe), 0
	for range min(d.o.Workers, len(files)) {
		wg.Go(func() {
			for f := range work {
				err := d.try(ctx, f)
				d.mu.Lock()
				switch {
				case err != nil:
					failures, first = failures+1, cmp.Or(first, err)
				case f.moved:
					failures, moved = 0, moved+1
				}
				d.mu.Unlock()
			}
		})
	}
	for i := range files {
		d.mu.Lock()
		away := failures >= drainTries
		d.mu.Unlock()
		if away || ctx.Err() != nil {
			break
		}
		work <- &files[i]
	}
	close(work)
	wg.Wait()
	return moved, first
}

// try moves one file and takes note of a failure. A file that is refused for good is no error.
func (d *Drain) try(ctx context.Context, f *ripe) error {
	n, err := d.carry(ctx, f)
	switch {
	case err == nil:
		f.moved, f.gone = true, true
		d.o.Observe.Moved(n)
		d.note(f.path, nil)
		return nil
	case ctx.Err() != nil, errors.Is(err, fs.ErrNotExist):
		return nil //nolint:nilerr // the daemon ends, or somebody removed the file: the next look sees what is there
	case errors.Is(err, ErrTaken), errors.Is(err, ErrRecording):
		d.aside(ctx, f, err)
		return nil
	}
	d.o.Observe.Refused(false)
	d.note(f.path, err)
	return err
}

// carry moves one file: it is removed only when the sink has it.
func (d *Drain) carry(ctx context.Context, f *ripe) (int64, error) {
	if f.unfinished {
		if err := (folder{f.dir}).finish(f.name); err != nil {
			return 0, err
		}
		d.o.Log.WarnContext(ctx, "a recording that its switch left unfinished was mended", "recording", f.name)
	}
	file, err := (folder{f.dir}).open(f.name)
	if models.CodeOf(err) == models.RecordMissing {
		return 0, fs.ErrNotExist
	}
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	sum, err := digest(file)
	if err != nil {
		return 0, err
	}
	if err := d.o.To.Put(ctx, f.name, file, sum); err != nil {
		return 0, err
	}
	return sum.Bytes, (folder{f.dir}).remove(f.name)
}

func (d *Drain) aside(ctx context.Context, f *ripe, why error) {
	d.o.Observe.Refused(true)
	d.o.Log.ErrorContext(ctx, "a recording is refused for good; it was put aside under its name with "+asideSuffix, "recording", f.name, "error", why)
	if err := os.Rename(f.path, f.path+asideSuffix); err != nil {
		d.note(f.path, err)
		return
	}
	f.gone = true
	d.note(f.path, nil)
}

func (d *Drain) note(path string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		delete(d.failed, path)
		return
	}
	pause := min(max(drainPause, 2*d.failed[path].pause), drainPauseAt)
	d.failed[path] = failure{pause: pause, until: time.Now().Add(pause)}
}

func (d *Drain) left(files []ripe, now time.Time) {
	n, oldest := 0, time.Duration(0)
	for _, f := range files {
		if !f.gone {
			n, oldest = n+1, max(oldest, now.Sub(f.changed))
		}
	}
	d.o.Observe.Left(n, oldest)
}
