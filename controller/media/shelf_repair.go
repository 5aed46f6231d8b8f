package media

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// uploadIn is how long an upload may take from its row to its file; Repair leaves younger ones alone, which may be another daemon's.
const uploadIn = time.Minute

// Repair makes the files agree with the database, as a crash may have left them: it is called when the daemon starts. Waiting prompts that have
// no file are removed, approved ones that are not published are published, files of removed ones are removed. A file whose id the database does
// not know is left where it is: it may be the wrong database. What cannot be mended does not keep the rest from being mended.
func (s *Shelf) Repair(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	live := map[int64]bool{}
	var errs []error
	mend := func(state models.ReviewState, each func(context.Context, models.Prompt) error) {
		errs = append(errs, s.each(ctx, state, func(p models.Prompt) error {
			live[p.ID] = true
			return each(ctx, p)
		}))
	}
	mend(models.ReviewWaiting, s.repairWaiting)
	mend(models.ReviewApproved, s.repairApproved)
	mend(models.ReviewRejected, func(context.Context, models.Prompt) error { return nil })
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("repair prompts: %w", err)
	}
	if err := errors.Join(s.clearUploads(ctx, live), s.clearPublished(ctx, live)); err != nil {
		return fmt.Errorf("repair prompts: %w", err)
	}
	return nil
}

// each calls f for every prompt of a state, page by page; a prompt that f changed is gone from the list, so the pages are read before.
func (s *Shelf) each(ctx context.Context, state models.ReviewState, f func(models.Prompt) error) error {
	var all []models.Prompt
	for {
		page, _, err := s.o.Store.PromptsOf(ctx, store.PromptFilter{State: state}, models.Page{Offset: len(all), Limit: models.PageMax})
		if err != nil {
			return err
		}
		all = append(all, page...)
		if len(page) < models.PageMax {
			break
		}
	}
	var errs []error
	for _, p := range all {
		errs = append(errs, f(p))
	}
	return errors.Join(errs...)
}

func (s *Shelf) repairWaiting(ctx context.Context, p models.Prompt) error {
	if _, err := os.Stat(s.original(p.ID)); ignoreGone(err) != nil || err == nil || time.Since(p.UploadedAt) < uploadIn {
		return ignoreGone(err)
	}
	s.o.Log.Warn("a prompt whose upload broke off is removed", "prompt", p.ID, "tenant", p.TenantID)
	return s.o.Store.RemovePrompt(ctx, p.ID, "maskline", "the upload broke off; upload it again")
}

func (s *Shelf) repairApproved(ctx context.Context, p models.Prompt) error {
	path, err := s.published(ctx, p)
	if err != nil || publishedID(path) == p.ID {
		return err
	}
	part, path, err := s.prepare(ctx, p)
	if err == nil {
		err = putInPlace(part, path)
	}
	if err == nil {
		s.o.Log.Warn("an approved prompt was not in its place and is now", "prompt", p.ID, "tenant", p.TenantID)
	}
	return err
}

// clearUploads removes originals of removed prompts and what broken uploads left.
func (s *Shelf) clearUploads(ctx context.Context, live map[int64]bool) error {
	entries, err := os.ReadDir(s.o.Uploads)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		path := filepath.Join(s.o.Uploads, e.Name())
		id, err := strconv.ParseInt(strings.TrimSuffix(e.Name(), ".wav"), 10, 64)
		if err != nil {
			errs = append(errs, clearPart(path, e))
			continue
		}
		errs = append(errs, s.clear(ctx, path, id, live))
	}
	return errors.Join(errs...)
}

// clearPublished removes the published files of removed prompts.
func (s *Shelf) clearPublished(ctx context.Context, live map[int64]bool) error {
	tenants, err := os.ReadDir(s.o.Tenants)
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range tenants {
		if !t.IsDir() {
			continue
		}
		dir := filepath.Join(s.o.Tenants, t.Name())
		entries, err := os.ReadDir(dir)
		errs = append(errs, ignoreGone(err))
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			errs = append(errs, clearPart(path, e))
			if id := publishedID(path); id != 0 {
				errs = append(errs, s.clear(ctx, path, id, live))
			}
		}
	}
	return errors.Join(errs...)
}

// clear removes a file of a prompt that is removed.
func (s *Shelf) clear(ctx context.Context, path string, id int64, live map[int64]bool) error {
	if live[id] {
		return nil
	}
	switch p, err := s.o.Store.Prompt(ctx, id); {
	case models.CodeOf(err) == models.NotFound:
		s.o.Log.Warn("a file of a prompt that the database does not know is left alone", "prompt", id)
		return nil
	case err != nil:
		return err
	case p.State != models.ReviewRemoved:
		return nil
	}
	s.o.Log.Warn("a file of a removed prompt is removed", "prompt", id)
	return ignoreGone(os.Remove(path))
}

// clearPart removes what an interrupted write left an hour ago.
func clearPart(path string, e os.DirEntry) error {
	info, err := e.Info()
	if err != nil || !strings.HasPrefix(e.Name(), partPrefix) || time.Since(info.ModTime()) < keepLeast {
		return ignoreGone(err)
	}
	return ignoreGone(os.Remove(path))
}
