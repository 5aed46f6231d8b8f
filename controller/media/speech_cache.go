package media

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// speechCache keeps rendered speech in files, DIR/ab/abcd….wav. A file's time is when it was used last. Daemons may share the directory.
type speechCache struct {
	dir string
	max int64 // bytes

	mu    sync.Mutex
	bytes int64     // as far as this daemon knows; every sweep counts anew
	next  time.Time // no sweep before this
}

const (
	usedEvery = time.Minute // how exactly the last use is noted
	keepLeast = time.Hour   // a file that was used within it stays: a call that was just dialled may need it
	sweepGap  = time.Minute // between sweeps, when one could not free enough
)

var speechFile = regexp.MustCompile(`^[0-9a-f]{64}\.wav$`)

func openSpeechCache(dir string, most int64) (*speechCache, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("make the speech directory absolute: %w", err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make the speech directory: %w", err)
	}
	c := &speechCache{dir: dir, max: most}
	return c, c.sweep(time.Now())
}

// path is where the file of this name is, or would be. The name is one that speechFile matches.
func (c *speechCache) path(name string) string { return filepath.Join(c.dir, name[:2], name) }

// find gives the length of a text that has been rendered. A file that a power cut left broken is none.
func (c *speechCache) find(name string) (time.Duration, bool) {
	file := c.path(name)
	f, err := os.Open(file) //nolint:gosec // a hash below our directory
	if err != nil {
		return 0, false
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return 0, false
	}
	sound, err := ReadWAV(f, info.Size())
	if err != nil {
		return 0, false
	}
	if now := time.Now(); now.Sub(info.ModTime()) > usedEvery {
		_ = os.Chtimes(file, now, now) // swept between: find it gone the next time
	}
	return sound.Duration, true
}

// keep writes a file under its name, whole or not at all, and makes room for it.
func (c *speechCache) keep(name string, file []byte) (time.Duration, error) {
	part, err := stage(filepath.Dir(c.path(name)), file)
	if err == nil {
		err = putInPlace(part, c.path(name))
	}
	if err != nil {
		return 0, fmt.Errorf("keep the speech: %w", err)
	}
	c.mu.Lock()
	c.bytes += int64(len(file))
	full := c.bytes > c.max && !time.Now().Before(c.next)
	c.mu.Unlock()
	if full {
		if err := c.sweep(time.Now()); err != nil {
			return 0, err
		}
	}
	length, ok := c.find(name)
	if !ok {
		return 0, errors.New("the speech was written and cannot be read again")
	}
	return length, nil
}

func (c *speechCache) held() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}

// kept is one file of the cache.
type kept struct {
	path string
	size int64
	used time.Time
}

// sweep counts what is there and, when that is too much, removes what was used longest ago until a tenth of the room is free. It removes what an
// interrupted write left, too.
func (c *speechCache) sweep(now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var files []kept
	var broken []string
	total := int64(0)
	err := filepath.WalkDir(c.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return ignoreGone(err)
		}
		info, err := e.Info()
		if err != nil {
			return ignoreGone(err)
		}
		switch {
		case speechFile.MatchString(e.Name()):
			total += info.Size()
			files = append(files, kept{path, info.Size(), info.ModTime()})
		case strings.HasPrefix(e.Name(), partPrefix) && now.Sub(info.ModTime()) > keepLeast:
			broken = append(broken, path)
		}
		return nil
	})
	for _, path := range broken {
		err = errors.Join(err, ignoreGone(os.Remove(path)))
	}
	if err != nil {
		return fmt.Errorf("look through the speech directory: %w", err)
	}
	if total > c.max {
		slices.SortFunc(files, func(a, b kept) int { return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.path, b.path)) })
		for _, f := range files {
			if total <= c.max-c.max/10 || now.Sub(f.used) < keepLeast {
				break
			}
			if err := ignoreGone(os.Remove(f.path)); err != nil {
				return fmt.Errorf("make room for speech: %w", err)
			}
			total -= f.size
		}
	}
	c.bytes, c.next = total, now.Add(sweepGap)
	return nil
}

// ignoreGone forgives that a file went away: another daemon sweeps too.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
