package media

import (
	"context"
	"crypto/md5" //nolint:gosec // what object stores call an ETag; no secret hangs on it
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"maskline/models"
)

// Why a recording is not taken.
var (
	// ErrTaken says that another recording has the name. Like ErrRecording it is final.
	ErrTaken = errors.New("another recording has this name")
	// ErrDamaged says that what arrived is not what was sent. It may be sent again.
	ErrDamaged = errors.New("the recording did not arrive as it was sent")
)

func errMissing() error {
	return models.Fail(models.RecordMissing, "fileName", "the recording does not exist")
}

// Digest is what a file must be when it has arrived.
type Digest struct {
	Bytes  int64
	SHA256 [sha256.Size]byte
	etag   [md5.Size]byte
}

// digest reads a file whole.
func digest(f *os.File) (d Digest, err error) {
	if _, err = f.Seek(0, io.SeekStart); err != nil {
		return d, fmt.Errorf("read the recording: %w", err)
	}
	sum, tag := sha256.New(), md5.New() //nolint:gosec // as above
	if d.Bytes, err = io.Copy(io.MultiWriter(sum, tag), f); err != nil {
		return d, fmt.Errorf("read the recording: %w", err)
	}
	sum.Sum(d.SHA256[:0])
	tag.Sum(d.etag[:0])
	return d, nil
}

func sumOf(r io.Reader) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	_, err = io.Copy(h, r)
	h.Sum(sum[:0])
	return sum, err
}

// folder is a directory of recordings, <dir>/<yyyyMMdd>/<name>.
type folder struct{ dir string }

// open finds a recording; RecordMissing.
func (d folder) open(name string) (*os.File, error) {
	below, err := place(name)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(d.dir)
	if err != nil {
		return nil, fmt.Errorf("open the recording directory: %w", err)
	}
	defer func() { _ = root.Close() }()
	info, err := root.Stat(below)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil, errMissing()
	}
	if err != nil {
		return nil, fmt.Errorf("look for the recording: %w", err)
	}
	f, err := root.Open(below)
	if errors.Is(err, fs.ErrNotExist) { // it went meanwhile
		return nil, errMissing()
	}
	if err != nil {
		return nil, fmt.Errorf("open the recording: %w", err)
	}
	return f, nil
}

// put writes a recording that nobody sees before it is whole, checked and on disk. One that is there already with the same content is well.
func (d folder) put(ctx context.Context, name string, r io.Reader, want Digest) error {
	below, err := place(name)
	if err != nil {
		return err
	}
	path := filepath.Join(d.dir, below)
	switch same, err := sameFile(path, want); {
	case err != nil:
		return err
	case same:
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("make the recording's directory: %w", err)
	}
	part := path + "." + rand.Text()[:8] + ".part"
	if err = writeWhole(ctx, part, r, want); err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		_ = os.Remove(part)
		return fmt.Errorf("keep recording %s: %w", name, err)
	}
	return syncDir(filepath.Dir(path)) // the source goes next, so the name must be on disk too
}

// sameFile says whether the path holds this content; ErrTaken when it holds another.
func sameFile(path string, want Digest) (bool, error) {
	f, err := os.Open(path) //nolint:gosec // made of a checked name
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at the recording that is there: %w", err)
	}
	defer func() { _ = f.Close() }()
	got, err := digest(f)
	if err != nil {
		return false, err
	}
	if got.Bytes != want.Bytes || got.SHA256 != want.SHA256 {
		return false, ErrTaken
	}
	return true, nil
}

func writeWhole(ctx context.Context, path string, r io.Reader, want Digest) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o640) //nolint:gosec // the switch's group reads it
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), io.LimitReader(until{ctx, r}, want.Bytes+1))
	if err != nil {
		return err
	}
	if n != want.Bytes || [sha256.Size]byte(sum.Sum(nil)) != want.SHA256 {
		return ErrDamaged
	}
	if t, err := readTrack(f, n); err != nil {
		return err
	} else if !t.closed() {
		return fmt.Errorf("%w: its length is not the one that its header says", ErrRecording)
	}
	return f.Sync()
}

// until is a reader that ends with its context.
type until struct {
	ctx context.Context
	r   io.Reader
}

func (u until) Read(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(b)
}

func syncDir(path string) error {
	dir, err := os.Open(path) //nolint:gosec // a directory of ours
	if err != nil {
		return fmt.Errorf("sync the recording's directory: %w", err)
	}
	defer func() { _ = dir.Close() }()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("sync the recording's directory: %w", err)
	}
	return nil
}

// remove removes a recording; one that is not there is well.
func (d folder) remove(name string) error {
	below, err := place(name)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(d.dir)
	if err != nil {
		return fmt.Errorf("open the recording directory: %w", err)
	}
	defer func() { _ = root.Close() }()
	if err := root.Remove(below); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the recording: %w", err)
	}
	return nil
}

// look reads a recording's header. ok is false while it is not there or not finished.
func (d folder) look(name string) (t track, changed time.Time, ok bool, err error) {
	f, err := d.open(name)
	if models.CodeOf(err) == models.RecordMissing {
		return track{}, time.Time{}, false, nil
	}
	if err != nil {
		return track{}, time.Time{}, false, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return track{}, time.Time{}, false, fmt.Errorf("look at the recording: %w", err)
	}
	t, err = readTrack(f, info.Size())
	return t, info.ModTime(), err == nil && t.closed(), err
}

// finish mends a recording that the switch left unfinished when it was killed. The caller knows that its call is over.
func (d folder) finish(name string) error {
	below, err := place(name)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(d.dir)
	if err != nil {
		return fmt.Errorf("open the recording directory: %w", err)
	}
	defer func() { _ = root.Close() }()
	f, err := root.OpenFile(below, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("open an unfinished recording: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("look at an unfinished recording: %w", err)
	}
	t, err := readTrack(f, info.Size())
	if err != nil || t.closed() {
		return err
	}
	return t.mend(f)
}
