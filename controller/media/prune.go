package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"time"
)

var (
	dayName = regexp.MustCompile(`^20[0-9]{6}$`)
	// scrapName is what was not kept: a file that did not arrive whole, one that a drain put aside.
	scrapName = regexp.MustCompile(`^[0-9]{12}[0-9]{1,32}\.wav(\.[A-Z2-7]{8}\.part|\.aside)$`)
)

// listPart is how many directory entries are read at once.
const listPart = 512

// Prune removes the recordings of days that are over for longer than they are kept, then, oldest day first, those that exceed the
// bound of all; today's and yesterday's stay in any case. It gives how many files it removed, also beside an error. What is not a
// recording stays where it is. It is for files that no row in the database stands for; Keeper.Expire removes the others and notes it.
func (r *Recordings) Prune(ctx context.Context, now time.Time) (int, error) {
	return r.prune(ctx, now, func(string) {})
}

// prune tells the name of each recording that it removed.
func (r *Recordings) prune(ctx context.Context, now time.Time, note func(name string)) (int, error) {
	// The day of a recording is the call's; a whole day is added so that its last call is kept for as long as its first.
	oldest := now.In(beijing).AddDate(0, 0, -r.keepDays).Format("20060102")
	removed, err := r.pruneFolder(ctx, now, oldest, note)
	if err != nil || r.s3 == nil {
		return removed, err
	}
	n, err := r.s3.prune(ctx, oldest, note)
	return removed + n, err
}

func (r *Recordings) pruneFolder(ctx context.Context, now time.Time, oldest string, note func(name string)) (int, error) {
	root, err := os.OpenRoot(r.dir)
	if err != nil {
		return 0, fmt.Errorf("open the recording directory: %w", err)
	}
	defer func() { _ = root.Close() }()
	all, err := days(root)
	if err != nil {
		return 0, err
	}
	old := len(all)
	for i, d := range all {
		if d >= oldest {
			old = i
			break
		}
	}
	removed, err := clearDays(ctx, root, all[:old], note)
	if err != nil || r.totalMax == 0 {
		return removed, err
	}
	yesterday := now.In(beijing).AddDate(0, 0, -1).Format("20060102")
	heavy, err := r.beyondBound(ctx, root, all[old:], yesterday)
	if err != nil {
		return removed, err
	}
	n, err := clearDays(ctx, root, heavy, note)
	return removed + n, err
}

// beyondBound are the first of days that must go for the rest to keep the bound; never one that is not before spare.
func (r *Recordings) beyondBound(ctx context.Context, root *os.Root, days []string, spare string) ([]string, error) {
	weights, total := make([]int64, len(days)), int64(0)
	for i, d := range days {
		w, err := weigh(ctx, root, d)
		if err != nil {
			return nil, err
		}
		weights[i], total = w, total+w
	}
	n := 0
	for n < len(days) && total > r.totalMax && days[n] < spare {
		total -= weights[n]
		n++
	}
	return days[:n], nil
}

func clearDays(ctx context.Context, root *os.Root, days []string, note func(name string)) (removed int, err error) {
	for _, d := range days {
		n, err := clearDay(ctx, root, d, note)
		removed += n
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// days lists the directories of recordings, oldest first.
func days(root *os.Root) ([]string, error) {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("list the days of recordings: %w", err)
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() && dayName.MatchString(e.Name()) {
			out = append(out, e.Name())
		}
	}
	return out, nil
}

// clearDay removes a day's recordings, and the directory when nothing else is in it.
func clearDay(ctx context.Context, root *os.Root, name string, note func(name string)) (removed int, err error) {
	err = eachFile(ctx, root, name, func(path string, e fs.DirEntry) error {
		if scrapName.MatchString(e.Name()) {
			_ = root.Remove(path) // people talk in it too
		}
		if !recordingName.MatchString(e.Name()) {
			return nil
		}
		if err := root.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a recording: %w", err)
		}
		note(e.Name())
		removed++
		return nil
	})
	if err == nil {
		_ = root.Remove(name) // fails when something else lies there, which is not ours to remove
	}
	return removed, err
}

func weigh(ctx context.Context, root *os.Root, name string) (bytes int64, err error) {
	err = eachRecording(ctx, root, name, func(_ string, e fs.DirEntry) error {
		if info, err := e.Info(); err == nil { // one removed meanwhile weighs nothing
			bytes += info.Size()
		}
		return nil
	})
	return bytes, err
}

// eachRecording calls do with each recording of a day.
func eachRecording(ctx context.Context, root *os.Root, name string, do func(path string, e fs.DirEntry) error) error {
	return eachFile(ctx, root, name, func(path string, e fs.DirEntry) error {
		if !recordingName.MatchString(e.Name()) {
			return nil
		}
		return do(path, e)
	})
}

// eachFile calls do with each file of a day, reading the directory in parts: a day may hold a million.
func eachFile(ctx context.Context, root *os.Root, name string, do func(path string, e fs.DirEntry) error) error {
	dir, err := root.Open(name)
	if err != nil {
		return fmt.Errorf("open a day of recordings: %w", err)
	}
	defer func() { _ = dir.Close() }()
	for {
		entries, err := dir.ReadDir(listPart)
		for _, e := range entries {
			if !e.Type().IsRegular() {
				continue
			}
			if err := do(name+"/"+e.Name(), e); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return ctx.Err()
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return fmt.Errorf("list a day of recordings: %w", err)
		}
	}
}
