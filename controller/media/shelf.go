package media

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"maskline/models"
	"maskline/models/store"
)

// PromptStore is what the shelf needs of the database. models/store implements it.
type PromptStore interface {
	Tenant(ctx context.Context, id int64) (models.Tenant, error)
	AddPrompt(ctx context.Context, p *models.Prompt) error
	Prompt(ctx context.Context, id int64) (models.Prompt, error)
	PromptsOf(ctx context.Context, f store.PromptFilter, page models.Page) ([]models.Prompt, int, error)
	DecidePrompt(ctx context.Context, id int64, state models.ReviewState, by, reason string) (models.Prompt, *models.Prompt, error)
	RemovePrompt(ctx context.Context, id int64, by, reason string) error
}

// ShelfOptions are a shelf's.
type ShelfOptions struct {
	Store   PromptStore
	Uploads string       // files as they were uploaded, ID.wav; the daemon's alone
	Tenants string       // approved prompts as the switch plays them, SP_ID/NAME.wav: what Library finds
	Log     *slog.Logger // nil: no log
}

// Shelf keeps the files of tenants' prompts beside what the database says of them. The database leads: a prompt is what its row says, and
// files follow. What a crash leaves between the two, Repair mends.
//
//	Upload  a file of another name is written, the row added, the file renamed to ID.wav. Crash: a row without file, removed by Repair.
//	Approve what will be played is written under another name, the row decided, the file renamed. Crash: Repair puts it in place.
//	Remove  the row is decided, the files removed. Crash: Repair removes them.
//
// The original stays until the prompt is removed or replaced: it is what the reviewer hears and the tenant downloads. A published file
// carries its prompt's id in a comment, so that files that the operator put there by hand are told apart and left alone.
type Shelf struct {
	o  ShelfOptions
	mu sync.Mutex // one change of files at a time
}

// NewShelf makes the directories where they are missing.
func NewShelf(o ShelfOptions) (*Shelf, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	for _, dir := range []*string{&o.Uploads, &o.Tenants} {
		abs, err := filepath.Abs(*dir)
		if err != nil {
			return nil, fmt.Errorf("make the prompt directory absolute: %w", err)
		}
		if err := os.MkdirAll(abs, 0o750); err != nil {
			return nil, fmt.Errorf("make the prompt directory: %w", err)
		}
		*dir = abs
	}
	return &Shelf{o: o}, nil
}

// Upload takes a tenant's file, of at most models.PromptMax bytes, for review. The name ends with .wav; the file is WAV, 8 kHz, mono, A-law, µ-law
// or 16-bit PCM (spec/privatenumber.md §6 asks for A-law). Invalid names "name", "file" or "tenant" and says what it is and what would be
// right; Conflict, when one of that name waits already.
func (s *Shelf) Upload(ctx context.Context, tenant models.Tenant, name string, r io.Reader, by string, urgent bool) (models.Prompt, error) {
	p := models.Prompt{TenantID: tenant.ID, Name: name, Review: models.Review{Urgent: urgent, UploadedBy: by}}
	if err := validUpload(tenant, name); err != nil {
		return models.Prompt{}, err
	}
	file, err := io.ReadAll(io.LimitReader(r, models.PromptMax+1))
	if err != nil {
		return models.Prompt{}, fmt.Errorf("read the upload: %w", err)
	}
	if err := examine(&p, file); err != nil {
		return models.Prompt{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	part, err := stage(s.o.Uploads, file)
	if err != nil {
		return models.Prompt{}, fmt.Errorf("keep the upload: %w", err)
	}
	defer func() { _ = os.Remove(part) }() // gone already when all went well
	if err := s.o.Store.AddPrompt(ctx, &p); err != nil {
		return models.Prompt{}, err
	}
	if err := putInPlace(part, s.original(p.ID)); err != nil {
		undone := s.o.Store.RemovePrompt(context.WithoutCancel(ctx), p.ID, by, "its file could not be kept")
		return models.Prompt{}, errors.Join(fmt.Errorf("keep the upload: %w", err), undone)
	}
	return p, nil
}

func validUpload(tenant models.Tenant, name string) error {
	if err := models.ValidPromptName("name", name); err != nil {
		return err
	}
	if len(name) < 5 || !strings.EqualFold(filepath.Ext(name), ".wav") {
		return models.Fail(models.Invalid, "name", "name is a file name that ends with .wav, such as wait_voice1.wav")
	}
	if _, ok := tenantDir(".", tenant.SpID); !ok {
		return models.Fail(models.Invalid, "tenant", "the tenant's sp_id is no name of digits, letters and - _ . @, so it can have no directory of prompts")
	}
	return nil
}

// examine checks an uploaded file and notes what it is.
func examine(p *models.Prompt, file []byte) error {
	if len(file) > models.PromptMax {
		return models.Fail(models.Invalid, "file", "the file is longer than %d bytes", models.PromptMax)
	}
	sound, err := ReadWAV(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return models.Fail(models.Invalid, "file", "%v%s", err, guess(file))
	}
	p.Bytes, p.Encoding, p.Duration, p.Hash = int64(len(file)), string(sound.Encoding), sound.Duration, hashed(file)
	return nil
}

func hashed(file []byte) string {
	sum := sha256.Sum256(file)
	return hex.EncodeToString(sum[:])
}

// guess says what a file is that is no WAV.
func guess(file []byte) string {
	for _, known := range []struct{ begins, is string }{
		{"ID3", "an MP3"}, {"\xff\xfb", "an MP3"}, {"\xff\xf3", "an MP3"}, {"OggS", "an Ogg"}, {"fLaC", "a FLAC"}, {"#!AMR", "an AMR"}, {"FORM", "an AIFF"},
		{".snd", "an AU"}, {"\x1aE\xdf\xa3", "a WebM"}, {"PK", "a ZIP"},
	} {
		if bytes.HasPrefix(file, []byte(known.begins)) {
			return "; it begins as " + known.is + " file does"
		}
	}
	if len(file) > 8 && string(file[4:8]) == "ftyp" {
		return "; it begins as an MP4 file does"
	}
	return ""
}

// Open gives a prompt as it was uploaded, to be heard or downloaded; the caller closes it. NotFound, when it is removed or lost.
func (s *Shelf) Open(ctx context.Context, id int64) (io.ReadCloser, models.Prompt, error) {
	p, err := s.o.Store.Prompt(ctx, id)
	if err != nil {
		return nil, models.Prompt{}, err
	}
	if p.State == models.ReviewRemoved {
		return nil, p, models.Fail(models.NotFound, "id", "the prompt is removed, and its file with it")
	}
	f, err := os.Open(s.original(id)) //nolint:gosec // a number below our directory
	if errors.Is(err, fs.ErrNotExist) {
		return nil, p, models.Fail(models.NotFound, "id", "the prompt's file is lost; upload it again")
	}
	if err != nil {
		return nil, p, fmt.Errorf("open prompt %d: %w", id, err)
	}
	return f, p, nil
}

// Approve lets a prompt be played from now on, in place of an approved one of the same name. The errors are those of the store's DecidePrompt.
func (s *Shelf) Approve(ctx context.Context, id int64, by, reason string) (models.Prompt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.o.Store.Prompt(ctx, id)
	if err != nil {
		return models.Prompt{}, err
	}
	var part, path string
	if p.State == models.ReviewWaiting { // else DecidePrompt knows what to say
		if part, path, err = s.prepare(ctx, p); err != nil {
			return models.Prompt{}, err
		}
		defer func() { _ = os.Remove(part) }()
	}
	p, replaced, err := s.o.Store.DecidePrompt(ctx, id, models.ReviewApproved, by, reason)
	if err != nil {
		return models.Prompt{}, err
	}
	if err := putInPlace(part, path); err != nil {
		return p, fmt.Errorf("prompt %d is approved, but its file is not in its place; the daemon's next start puts it there: %w", id, err)
	}
	if replaced != nil {
		s.forget(replaced.ID)
	}
	return p, nil
}

// Reject refuses a prompt, for a reason that its tenant is told. The file stays to be heard until the prompt is removed.
func (s *Shelf) Reject(ctx context.Context, id int64, by, reason string) (models.Prompt, error) {
	p, _, err := s.o.Store.DecidePrompt(ctx, id, models.ReviewRejected, by, reason)
	return p, err
}

// Remove takes a prompt out of use and removes its files; refused with InUse while a live binding or an app names it.
func (s *Shelf) Remove(ctx context.Context, id int64, by, reason string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.o.Store.Prompt(ctx, id)
	if err != nil {
		return err
	}
	if err := s.o.Store.RemovePrompt(ctx, id, by, reason); err != nil {
		return err
	}
	if p.State == models.ReviewApproved {
		s.unpublish(ctx, p)
	}
	s.forget(id)
	return nil
}

// original is where a prompt's file is as it was uploaded.
func (s *Shelf) original(id int64) string {
	return filepath.Join(s.o.Uploads, strconv.FormatInt(id, 10)+".wav")
}

// published is where a prompt's file is as it is played.
func (s *Shelf) published(ctx context.Context, p models.Prompt) (string, error) {
	tenant, err := s.o.Store.Tenant(ctx, p.TenantID)
	if err != nil {
		return "", err
	}
	dir, ok := tenantDir(s.o.Tenants, tenant.SpID)
	if !ok {
		return "", validUpload(tenant, p.Name)
	}
	return filepath.Join(dir, p.Name), nil
}

// prepare writes what will be played under another name, and gives that and the name it is for.
func (s *Shelf) prepare(ctx context.Context, p models.Prompt) (part, path string, err error) {
	if path, err = s.published(ctx, p); err != nil {
		return "", "", err
	}
	file, err := os.ReadFile(s.original(p.ID)) //nolint:gosec // a number below our directory
	if err != nil {
		return "", "", fmt.Errorf("read prompt %d: %w", p.ID, err)
	}
	if hashed(file) != p.Hash {
		return "", "", fmt.Errorf("read prompt %d: its file is not the one that was uploaded", p.ID)
	}
	samples, _, err := decodeWAV(file)
	if err != nil {
		return "", "", fmt.Errorf("convert prompt %d: %w", p.ID, err)
	}
	part, err = stage(filepath.Dir(path), encodeWAV(samples, promptComment+strconv.FormatInt(p.ID, 10)))
	if err != nil {
		return "", "", fmt.Errorf("write prompt %d: %w", p.ID, err)
	}
	return part, path, nil
}

// promptComment begins the comment of a published file; the prompt's id follows.
const promptComment = "maskline prompt "

// publishedID is the id of the prompt that a published file holds; 0 for a file that is none or not ours.
func publishedID(path string) int64 {
	f, err := os.Open(path) //nolint:gosec // below the tenants' directory
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	h, err := readHeader(f, info.Size())
	if err != nil {
		return 0
	}
	text, ok := strings.CutPrefix(h.comment, promptComment)
	id, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if !ok || err != nil {
		return 0
	}
	return id
}

// unpublish removes a prompt's published file, unless it holds another prompt by now. What fails is left to Repair.
func (s *Shelf) unpublish(ctx context.Context, p models.Prompt) {
	path, err := s.published(ctx, p)
	if err == nil && publishedID(path) == p.ID {
		err = os.Remove(path)
	}
	if err = ignoreGone(err); err != nil {
		s.o.Log.Error("a removed prompt's file stays until the next start", "prompt", p.ID, "error", err)
	}
}

// forget removes a prompt's original.
func (s *Shelf) forget(id int64) {
	if err := ignoreGone(os.Remove(s.original(id))); err != nil {
		s.o.Log.Error("a removed prompt's upload stays until the next start", "prompt", id, "error", err)
	}
}
