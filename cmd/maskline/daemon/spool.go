package daemon

import (
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

// spool keeps the records of ended legs on disk until the calls they belong to are settled. The daemon's own directory takes what
// switches post; the switches' directories hold what they could not post. Its one goroutine is Run's caller.
type spool struct {
	dir    string   // our own
	hosts  []string // of the session ids of our switches
	others []otherSpool
	report func(l cdr.Leg, host string, done func()) bool
	count  func(way string)
	log    *slog.Logger

	mu   sync.Mutex
	held map[string]bool // files whose records have been handed over and are not settled
}

// otherSpool is a switch's own directory.
type otherSpool struct{ dir, host string }

const (
	recordSuffix = ".json"
	badSuffix    = ".bad"
	rescanEvery  = 30 * time.Second
	// A switch writes its files in place: one that cannot be read is given this long to be finished before it is put aside.
	unfinished = time.Minute
	readAtOnce = 256 // directory entries
)

func (s *spool) open() error {
	s.held = map[string]bool{}
	if err := os.MkdirAll(s.dir, 0o750); err != nil {
		return fmt.Errorf("make spool directory: %w", err)
	}
	return nil
}

// take keeps one posted record and hands it over. The record is on disk, if not yet past a power cut, when take returns: the events of
// the same leg are the first source, this is the second.
func (s *spool) take(record []byte) error {
	name := filepath.Join(s.dir, models.NewID()+recordSuffix)
	part := strings.TrimSuffix(name, recordSuffix) + ".part"
	if err := os.WriteFile(part, record, 0o600); err != nil {
		return fmt.Errorf("keep posted record: %w", err)
	}
	s.hold(name)
	if err := os.Rename(part, name); err != nil {
		s.letGo(name)
		return fmt.Errorf("keep posted record: %w", err)
	}
	s.count("post")
	s.handOver(name, record, "")
	return nil
}

// run looks again and again at what lies in the directories.
func (s *spool) run(ctx context.Context) {
	tick := time.NewTicker(rescanEvery)
	defer tick.Stop()
	for {
		s.scan(ctx, otherSpool{dir: s.dir})
		for _, o := range s.others {
			s.scan(ctx, o)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *spool) scan(ctx context.Context, o otherSpool) {
	dir, err := os.Open(o.dir)
	if err != nil {
		s.log.WarnContext(ctx, "spool directory cannot be read", "dir", o.dir, "error", err)
		return
	}
	defer func() { _ = dir.Close() }()
	for ctx.Err() == nil {
		entries, err := dir.ReadDir(readAtOnce)
		for _, e := range entries {
			if e.Type().IsRegular() && strings.HasSuffix(e.Name(), recordSuffix) && !s.pick(ctx, filepath.Join(o.dir, e.Name()), o.host) {
				return // the engine holds as many as it may; the rest waits
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				s.log.WarnContext(ctx, "spool directory cannot be read", "dir", o.dir, "error", err)
			}
			return
		}
	}
}

// pick hands a file's record over unless that has been done. It is false when there is no room.
func (s *spool) pick(ctx context.Context, name, host string) bool {
	if !s.hold(name) {
		return true
	}
	record, err := readBounded(name, cdr.MaxPost)
	if err != nil {
		s.letGo(name)
		if !errors.Is(err, fs.ErrNotExist) {
			s.log.WarnContext(ctx, "spooled record cannot be read", "error", err)
		}
		return true
	}
	if host != "" {
		s.count("spool")
	}
	return s.handOver(name, record, host)
}

// handOver gives a held file's record to the engine. It is false when the engine has no room; then the file waits for a later scan.
func (s *spool) handOver(name string, record []byte, host string) bool {
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
	if !s.report(leg, host, func() { s.settle(name) }) {
		s.letGo(name)
		return false
	}
	return true
}

// hostOf is the host of session ids of the switch that calls itself writer. With one switch it is that one's, whatever it says.
func (s *spool) hostOf(writer string) string {
	if len(s.hosts) == 1 {
		return s.hosts[0]
	}
	return writer
}

// putAside renames a record that makes no sense, so that it is looked at by a person and not again by us.
func (s *spool) putAside(name string, why error) {
	defer s.letGo(name)
	st, err := os.Stat(name)
	if err != nil || time.Since(st.ModTime()) < unfinished && filepath.Dir(name) != filepath.Clean(s.dir) {
		return
	}
	s.log.Error("record of a leg makes no sense and is put aside", "file", filepath.Base(name)+badSuffix, "error", why)
	if err := os.Rename(name, name+badSuffix); err != nil {
		s.log.Error("record could not be put aside", "error", err)
	}
}

// settle removes a file whose record is needed no more.
func (s *spool) settle(name string) {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("settled record could not be removed", "error", err)
	}
	s.letGo(name)
}

func (s *spool) hold(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[name] {
		return false
	}
	s.held[name] = true
	return true
}

func (s *spool) letGo(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.held, name)
}

func (s *spool) holding() int {
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
