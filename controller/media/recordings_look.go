package media

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"maskline/models"
)

// Ready says whether the recording lies whole in the directory, at the cost of reading a header. The facts are Name, Bytes, Duration and State,
// which is kept or short. While the switch writes the file it is not ready.
func (r *Recordings) Ready(name string) (models.Recording, bool) {
	t, _, ok, err := r.look(name)
	if err != nil || !ok {
		return models.Recording{}, false
	}
	return facts(name, t), true
}

// rescue is Ready for a recording whose call is over: a file that the switch left unfinished is mended first.
func (r *Recordings) rescue(name string, now time.Time) (models.Recording, bool) {
	t, changed, ok, err := r.look(name)
	if err == nil && !ok && !changed.IsZero() && now.Sub(changed) >= orphanedFor && r.finish(name) == nil {
		t, _, ok, err = r.look(name)
	}
	if err != nil || !ok {
		return models.Recording{}, false
	}
	return facts(name, t), true
}

// Look is Ready that also asks the object store, where there is one.
func (r *Recordings) Look(ctx context.Context, name string) (models.Recording, bool, error) {
	if rec, ok := r.Ready(name); ok || r.s3 == nil {
		return rec, ok, nil
	}
	t, err := r.s3.look(ctx, name)
	if models.CodeOf(err) == models.RecordMissing {
		return models.Recording{}, false, nil
	}
	if err != nil {
		return models.Recording{}, false, err
	}
	return facts(name, t), t.closed(), nil
}

func facts(name string, t track) models.Recording {
	rec := models.Recording{Name: name, Bytes: t.size, Duration: t.duration(), State: models.RecordingKept}
	if rec.Duration < ShortRecording {
		rec.State = models.RecordingShort
	}
	return rec
}

// Sounding is a recording that is read. It must be closed.
type Sounding struct {
	io.ReadSeekCloser
	Bytes   int64
	Changed time.Time // when the file was finished
}

// Fetch opens a recording wherever it lies; RecordMissing when it lies nowhere. With an object store it is read under ctx.
func (r *Recordings) Fetch(ctx context.Context, name string) (Sounding, error) {
	f, err := r.open(name)
	if models.CodeOf(err) == models.RecordMissing && r.s3 != nil {
		return r.s3.open(ctx, name)
	}
	if err != nil {
		return Sounding{}, err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return Sounding{}, fmt.Errorf("look at the recording: %w", err)
	}
	return Sounding{f, info.Size(), info.ModTime()}, nil
}

// Receive takes a recording that another host's drain sends, into the directory: it returns when the file is whole, compared and on disk.
// Its refusals are ErrTaken, ErrRecording and ErrDamaged.
func (r *Recordings) Receive(ctx context.Context, name string, body io.Reader, want Digest) error {
	return r.put(ctx, name, body, want)
}

// Put keeps a finished file of a switch: in the object store where there is one, else in the directory. It is what a Drain on this host
// needs. It returns when what is kept has been compared with d.
func (r *Recordings) Put(ctx context.Context, name string, f *os.File, d Digest) error {
	if r.s3 != nil {
		return r.s3.Put(ctx, name, f, d)
	}
	return r.put(ctx, name, io.NewSectionReader(f, 0, d.Bytes), d)
}

// keepsIn says whether this directory is the store itself, which nothing needs to be moved out of.
func (r *Recordings) keepsIn(dir string) bool {
	if r.s3 != nil {
		return false
	}
	a, err := os.Stat(dir)
	if err != nil {
		return dir == r.dir
	}
	b, err := os.Stat(r.dir)
	return err == nil && os.SameFile(a, b)
}

// Remove removes a recording wherever it lies; one that is not there is well. Whoever keeps a row of it notes that (Keeper.Remove).
func (r *Recordings) Remove(ctx context.Context, name string) error {
	if r.s3 != nil {
		if err := r.s3.remove(ctx, name); err != nil {
			return err
		}
	}
	return r.remove(name)
}
