package media

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// ripe is a file that can be moved.
type ripe struct {
	dir, name, path string
	changed         time.Time
	unfinished      bool // by its header; it has stood still for so long that nobody writes to it
	moved           bool // the sink has it
	gone            bool // it lies there no longer: it was moved, or put aside
}

// round is what one look found.
type round struct {
	files  []ripe
	failed []ripe // have failed lately and are left alone for now
}

var errEnough = errors.New("enough files for one round")

// scan finds a directory's files that can be moved, oldest day first, and removes days that are over and empty. A directory that is not there
// has none.
func (d *Drain) scan(ctx context.Context, dir string, now time.Time, r *round) error {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open the directory to drain: %w", err)
	}
	defer func() { _ = root.Close() }()
	all, err := days(root)
	if err != nil {
		return err
	}
	most, yesterday := len(r.files)+drainMost, now.In(beijing).AddDate(0, 0, -1).Format("20060102")
	for _, day := range all {
		err := eachRecording(ctx, root, day, func(below string, e fs.DirEntry) error {
			switch f, ok := d.ripe(dir, below, e, now); {
			case !ok:
			case d.resting(f.path, now):
				r.failed = append(r.failed, f)
			default:
				r.files = append(r.files, f)
			}
			if len(r.files) >= most {
				return errEnough
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		if err != nil {
			return err
		}
		if day < yesterday { // nobody begins a recording there now
			_ = root.Remove(day) // fails while something is in it
		}
	}
	return nil
}

func (d *Drain) resting(path string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return now.Before(d.failed[path].until)
}

// ripe judges one file.
func (d *Drain) ripe(dir, below string, e fs.DirEntry, now time.Time) (ripe, bool) {
	f := ripe{dir: dir, name: e.Name(), path: filepath.Join(dir, below)}
	if place, err := place(f.name); err != nil || place != filepath.FromSlash(below) {
		return ripe{}, false // of another day: nobody would find it there
	}
	info, err := e.Info()
	if err != nil || now.Sub(info.ModTime()) < d.o.Still {
		return ripe{}, false
	}
	// An error is a file that is no recording, or has no header yet. When it has stood still for long, the try to mend it puts it aside.
	_, _, closed, _ := (folder{dir}).look(f.name)
	f.changed, f.unfinished = info.ModTime(), !closed
	return f, closed || now.Sub(f.changed) >= d.o.Dead
}
