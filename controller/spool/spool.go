// Package spool keeps the records of ended legs on disk until the calls they belong to are settled: those that switches post, and those
// that switches could not post and wrote to a directory of their own. What lies on the host of a switch that no daemon sees, a Forwarder there sends. A record is handed over once while this process lives; a restart hands
// over what is left. Goroutine: Run's caller; Take may be called from any.
package spool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"maskline/controller/cdr"
	"maskline/models"
)

// Options of a Spool. All but Others and Count are required.
type Options struct {
	Dir    string   // our own: what switches post
	Hosts  []string // of the session ids of our switches
	Others []Other
	// Report takes a leg's record; done is called once when it is needed no more. It is false when there is no room: the record stays.
	Report func(l cdr.Leg, host string, done func()) bool
	// Later takes a record unread, if the call is being watched: its events will most likely have told all that the record does. read reads it.
	// False: it is to be read and reported now. Nil is always false.
	Later func(call, host string, read func() (cdr.Leg, error), done func()) bool
	Count func(way string) // a record came by "post", "forward" or "spool"
	Log   *slog.Logger
}

// Other is a switch's own directory.
type Other struct{ Dir, Host string }

// Spool is the records on disk. Make it with Open.
type Spool struct {
	Options
	mu   sync.Mutex
	held map[string]bool // files whose records have been handed over and are not settled
}

const (
	recordSuffix = ".json"
	badSuffix    = ".bad"
	partSuffix   = ".part"         // being written
	rescanEvery  = 5 * time.Second // less than a flow waits for the record of a leg that nobody saw end
	// A switch writes its files in place: one that cannot be read is given this long to be finished before it is put aside.
	unfinished = time.Minute
	readAtOnce = 256 // directory entries
)

// Open makes a Spool, and its directory where that is missing.
func Open(o Options) (*Spool, error) {
	if err := os.MkdirAll(o.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("make spool directory: %w", err)
	}
	if o.Count == nil {
		o.Count = func(string) {}
	}
	return &Spool{Options: o, held: map[string]bool{}}, nil
}

// Take keeps one posted record and hands it over. The record is on disk, if not yet past a power cut, when Take returns: the events of
// the same leg are the first source, this is the second.
func (s *Spool) Take(record []byte) error { return s.take(record, "post", os.WriteFile) }

// TakeDurably is Take for one who removes what he sends: the record is past a power cut when it returns.
func (s *Spool) TakeDurably(record []byte) error { return s.take(record, "forward", writeDurably) }

func (s *Spool) take(record []byte, way string, write func(string, []byte, os.FileMode) error) error {
	name := filepath.Join(s.Dir, models.NewID()+recordSuffix)
	part := strings.TrimSuffix(name, recordSuffix) + partSuffix
	if err := write(part, record, 0o600); err != nil {
		_ = os.Remove(part) // a full disk leaves half a file
		return fmt.Errorf("keep posted record: %w", err)
	}
	s.hold(name)
	err := os.Rename(part, name)
	if err == nil && way == "forward" {
		err = syncDir(s.Dir)
	}
	if err != nil {
		s.letGo(name)
		return fmt.Errorf("keep posted record: %w", err)
	}
	s.Count(way)
	s.handOver(name, record, "")
	return nil
}

// writeDurably is os.WriteFile that returns when the content is on the disk itself.
func writeDurably(name string, content []byte, mode os.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode) //nolint:gosec // a file of the spool
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncDir puts the names in a directory on the disk.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the spool
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Run looks again and again at what lies in the directories.
func (s *Spool) Run(ctx context.Context) {
	tick := time.NewTicker(rescanEvery)
	defer tick.Stop()
	for {
		s.scan(ctx, Other{Dir: s.Dir})
		for _, o := range s.Others {
			s.scan(ctx, o)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Spool) scan(ctx context.Context, o Other) {
	dir, err := os.Open(o.Dir)
	if err != nil {
		s.Log.WarnContext(ctx, "spool directory cannot be read", "dir", o.Dir, "error", err)
		return
	}
	defer func() { _ = dir.Close() }()
	for ctx.Err() == nil {
		entries, err := dir.ReadDir(readAtOnce)
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), partSuffix) && o.Dir == s.Dir {
				s.sweep(filepath.Join(o.Dir, e.Name()))
			}
			if e.Type().IsRegular() && strings.HasSuffix(e.Name(), recordSuffix) && !s.pick(ctx, filepath.Join(o.Dir, e.Name()), o.Host) {
				return // the engine holds as many as it may; the rest waits
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				s.Log.WarnContext(ctx, "spool directory cannot be read", "dir", o.Dir, "error", err)
			}
			return
		}
	}
}

// sweep removes what a daemon had begun to write when it died: the switch got no answer, and keeps the record itself.
func (s *Spool) sweep(part string) {
	if young(part) {
		return
	}
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Log.Warn("half a record could not be removed", "error", err)
	}
}

// pick hands a file's record over unless that has been done. It is false when there is no room.
func (s *Spool) pick(ctx context.Context, name, host string) bool {
	if !s.hold(name) {
		return true
	}
	record, err := readBounded(name, cdr.MaxPost)
	if err != nil {
		s.letGo(name)
		if !errors.Is(err, fs.ErrNotExist) {
			s.Log.WarnContext(ctx, "spooled record cannot be read", "error", err)
		}
		return true
	}
	if host != "" {
		s.Count("spool")
	}
	return s.handOver(name, record, host)
}

// handOver gives a held file's record to the engine. It is false when the engine has no room; then the file waits for a later scan.
func (s *Spool) handOver(name string, record []byte, host string) bool {
	if s.unread(name, record, host) {
		return true
	}
	leg, writer, err := cdr.FromPost(record)
	switch {
	case errors.Is(err, cdr.ErrForeign):
		s.settle(name)
		return true
	case err != nil:
		s.putAside(name, err)
		return true
	}
	if host == "" {
		host = s.hostOf(writer)
	}
	if !s.Report(leg, host, func() { s.settle(name) }) {
		s.letGo(name)
		return false
	}
	return true
}

// unread hands a record over without reading it, where that is enough.
func (s *Spool) unread(name string, record []byte, host string) bool {
	if s.Later == nil {
		return false
	}
	call, own, writer, ok := cdr.Peek(record)
	if !ok {
		return false
	}
	if host = cmp.Or(own, host); host == "" {
		host = s.hostOf(writer)
	}
	read := func() (cdr.Leg, error) {
		record, err := readBounded(name, cdr.MaxPost)
		if err != nil {
			return cdr.Leg{}, err
		}
		leg, _, err := cdr.FromPost(record)
		return leg, err
	}
	return s.Later(call, host, read, func() { s.settle(name) })
}

// hostOf is the host of session ids of the switch that calls itself writer. With one switch it is that one's, whatever it says.
func (s *Spool) hostOf(writer string) string {
	if len(s.Hosts) == 1 {
		return s.Hosts[0]
	}
	return writer
}

// putAside renames a record that makes no sense, so that it is looked at by a person and not again by us.
func (s *Spool) putAside(name string, why error) {
	defer s.letGo(name)
	if _, err := os.Stat(name); err != nil || young(name) && filepath.Dir(name) != filepath.Clean(s.Dir) {
		return
	}
	s.Log.Error("record of a leg makes no sense and is put aside", "file", filepath.Base(name)+badSuffix, "error", why)
	if err := os.Rename(name, name+badSuffix); err != nil {
		s.Log.Error("record could not be put aside", "error", err)
	}
}

// settle removes a file whose record is needed no more.
func (s *Spool) settle(name string) {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Log.Warn("settled record could not be removed", "error", err)
	}
	s.letGo(name)
}

func (s *Spool) hold(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[name] {
		return false
	}
	s.held[name] = true
	return true
}

func (s *Spool) letGo(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.held, name)
}

// Holding is how many records have been handed over and are not settled.
func (s *Spool) Holding() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.held)
}

func readBounded(name string, most int64) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec // a file of the spool
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, most+1))
}
