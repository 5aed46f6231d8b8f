package media

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"maskline/models"
	"maskline/models/store"
)

var errCrash = errors.New("the daemon died here")

// frailStore is a store after whose change the daemon dies: the change is committed and nothing is done after it.
type frailStore struct {
	*store.Store
	dies string // the name of the change
}

func (f *frailStore) AddPrompt(ctx context.Context, p *models.Prompt) error {
	err := f.Store.AddPrompt(ctx, p)
	if err == nil && f.dies == "add" {
		return errCrash
	}
	return err
}

func (f *frailStore) DecidePrompt(ctx context.Context, id int64, state models.ReviewState, by, reason string) (models.Prompt, *models.Prompt, error) {
	p, old, err := f.Store.DecidePrompt(ctx, id, state, by, reason)
	if err == nil && f.dies == "decide" {
		return p, old, errCrash
	}
	return p, old, err
}

func (f *frailStore) RemovePrompt(ctx context.Context, id int64, by, reason string) error {
	err := f.Store.RemovePrompt(ctx, id, by, reason)
	if err == nil && f.dies == "remove" {
		return errCrash
	}
	return err
}

// shelfHouse is a shelf over a real store, and the library that finds what it publishes.
type shelfHouse struct {
	t       *testing.T
	store   *frailStore
	now     time.Time
	shelf   *Shelf
	library *Library
	tenant  models.Tenant
	dir     string
}

func newShelfHouse(t *testing.T) *shelfHouse {
	t.Helper()
	h := &shelfHouse{t: t, now: time.Now().Add(-2 * time.Hour), dir: t.TempDir(), tenant: models.Tenant{Name: "acme", SpID: "sp_1", State: models.StateNormal}}
	st, err := store.Open(t.Context(), store.Config{Driver: store.SQLite, DSN: filepath.Join(h.dir, "test.db"), Clock: func() time.Time { return h.now },
		Keys: store.Keys{Current: "k", ByID: map[string][]byte{"k": make([]byte, 32)}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	if err := errors.Join(st.Migrate(t.Context()), st.CreateTenant(t.Context(), &h.tenant)); err != nil {
		t.Fatal(err)
	}
	h.store = &frailStore{Store: st}
	h.shelf, err = NewShelf(ShelfOptions{Store: h.store, Uploads: h.dir + "/uploads", Tenants: h.dir + "/tenants"})
	if err != nil {
		t.Fatal(err)
	}
	if h.library, err = New(h.dir + "/tenants"); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *shelfHouse) upload(name string, file []byte) models.Prompt {
	h.t.Helper()
	p, err := h.shelf.Upload(h.t.Context(), h.tenant, name, bytes.NewReader(file), "ann", false)
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

func (h *shelfHouse) approve(p models.Prompt) {
	h.t.Helper()
	if _, err := h.shelf.Approve(h.t.Context(), p.ID, "rob", ""); err != nil {
		h.t.Fatal(err)
	}
}

func (h *shelfHouse) repair() {
	h.t.Helper()
	h.store.dies = ""
	if err := h.shelf.Repair(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// plays is how long the tenant's prompt of this name is; 0 when there is none.
func (h *shelfHouse) plays(name string) time.Duration {
	h.t.Helper()
	p, err := h.library.Look(h.tenant.SpID, name)
	if err != nil && models.CodeOf(err) != models.PromptMissing {
		h.t.Fatal(err)
	}
	return p.Duration
}

// files are the names of all files, without the database's.
func (h *shelfHouse) files() string {
	var out []string
	for _, dir := range []string{"/uploads", "/tenants"} {
		_ = filepath.WalkDir(h.dir+dir, func(path string, e os.DirEntry, _ error) error {
			if e != nil && !e.IsDir() {
				out = append(out, strings.TrimPrefix(path, h.dir+"/"))
			}
			return nil
		})
	}
	return strings.Join(out, " ")
}

func (h *shelfHouse) state(id int64) models.ReviewState {
	h.t.Helper()
	p, err := h.store.Prompt(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return p.State
}

func TestUploadRefuses(t *testing.T) {
	h := newShelfHouse(t)
	lying := alaw(8000)
	copy(lying[40:], "\x00\x00\x01\x00") // more than there is
	boasting := alaw(8000)
	copy(boasting[4:], "\x00\x00\x01\x00")
	for name, c := range map[string]struct {
		tenant     models.Tenant
		name       string
		file       []byte
		says, lead string
	}{
		"another directory":  {h.tenant, "../x.wav", alaw(80), "file name", "name"},
		"no extension":       {h.tenant, "x", alaw(80), ".wav", "name"},
		"MP3 by name":        {h.tenant, "x.mp3", alaw(80), ".wav", "name"},
		"no name":            {h.tenant, "", alaw(80), ".wav", "name"},
		"only an extension":  {h.tenant, ".wav", alaw(80), "file name", "name"},
		"too large":          {h.tenant, "x.wav", alaw(models.PromptMax), "longer than 2097152", "file"},
		"empty":              {h.tenant, "x.wav", nil, "it ends in its header", "file"},
		"lying":              {h.tenant, "x.wav", lying, "promises 65536 bytes of sound and has 8000", "file"},
		"boasting":           {h.tenant, "x.wav", boasting, "promises to be 65544 bytes long and has 8044", "file"},
		"no sound":           {h.tenant, "x.wav", alaw(0), "at least one", "file"},
		"MP3":                {h.tenant, "x.wav", []byte("ID3\x04\x00 and so on"), "begins as an MP3 file does", "file"},
		"MP3 inside":         {h.tenant, "x.wav", wav(85, 1, 8000, 16, nil, make([]byte, 160)), "its samples are MP3", "file"},
		"stereo":             {h.tenant, "x.wav", wav(formatPCM, 2, 8000, 16, nil, make([]byte, 160)), "2 channels at 8000 Hz", "file"},
		"as from a CD":       {h.tenant, "x.wav", wav(formatPCM, 1, 44100, 16, nil, make([]byte, 160)), "1 channels at 44100 Hz", "file"},
		"8 bits":             {h.tenant, "x.wav", wav(formatPCM, 1, 8000, 8, nil, make([]byte, 160)), "PCM of 8 bits", "file"},
		"a tenant elsewhere": {models.Tenant{ID: h.tenant.ID, SpID: "../sp"}, "x.wav", alaw(80), "sp_id", "tenant"},
	} {
		_, err := h.shelf.Upload(t.Context(), c.tenant, c.name, bytes.NewReader(c.file), "ann", false)
		fail, ok := errors.AsType[*models.Error](err)
		if !ok || fail.Code != models.Invalid || fail.Param != c.lead || !strings.Contains(fail.Detail, c.says) {
			t.Errorf("%s: %v; want %s of %s", name, err, c.says, c.lead)
		}
	}
	if _, err := h.shelf.Upload(t.Context(), h.tenant, "x.wav", io.MultiReader(bytes.NewReader(alaw(80)), brokenReader{}), "ann", false); !errors.Is(err, errCrash) {
		t.Errorf("an upload that breaks off: %v", err)
	}
	if _, err := h.shelf.Upload(t.Context(), models.Tenant{ID: 999, SpID: "x"}, "x.wav", bytes.NewReader(alaw(80)), "ann", false); models.CodeOf(err) != models.NotFound {
		t.Errorf("a tenant that is none: %v", err)
	}
	if all, _, err := h.store.PromptsOf(t.Context(), store.PromptFilter{}, models.Page{}); err != nil || len(all) != 0 || h.files() != "" {
		t.Errorf("left %v and %q, %v", all, h.files(), err)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errCrash }

func TestReviewOfAPrompt(t *testing.T) {
	h := newShelfHouse(t)
	ctx := t.Context()
	file := alaw(8000)
	p := h.upload("wait_voice1.wav", file)
	if p.Bytes != int64(len(file)) || p.Encoding != "alaw" || p.Duration != time.Second || p.State != models.ReviewWaiting || len(p.Hash) != 64 {
		t.Errorf("uploaded %+v", p)
	}
	if h.plays("wait_voice1.wav") != 0 {
		t.Error("it is played before it is approved")
	}
	if _, err := h.shelf.Upload(ctx, h.tenant, "wait_voice1.wav", bytes.NewReader(file), "ann", false); models.CodeOf(err) != models.Conflict {
		t.Errorf("a second that waits: %v", err)
	}
	heard, _, err := h.shelf.Open(ctx, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(heard); err != nil || !bytes.Equal(b, file) {
		t.Errorf("heard %d bytes, %v", len(b), err)
	}
	_ = heard.Close()
	h.approve(p)
	if got := h.plays("wait_voice1.wav"); got != time.Second {
		t.Errorf("after the approval it plays %v", got)
	}
	if look, _ := h.library.Look("sp_1", "wait_voice1.wav"); look.Encoding != PCM16 {
		t.Errorf("it plays as %s", look.Encoding)
	}
	if _, err := h.shelf.Approve(ctx, p.ID, "rob", ""); models.CodeOf(err) != models.Conflict {
		t.Errorf("approved twice: %v", err)
	}

	// A replacement is reviewed while the old one goes on.
	second := h.upload("wait_voice1.wav", alaw(16000))
	if got := h.plays("wait_voice1.wav"); got != time.Second {
		t.Errorf("while the next waits it plays %v", got)
	}
	if _, err := h.shelf.Reject(ctx, second.ID, "rob", ""); models.CodeOf(err) != models.Invalid {
		t.Errorf("rejected for no reason: %v", err)
	}
	if got, err := h.shelf.Reject(ctx, second.ID, "rob", "too loud"); err != nil || got.Reason != "too loud" {
		t.Errorf("rejected: %+v, %v", got, err)
	}
	third := h.upload("wait_voice1.wav", alaw(24000))
	h.approve(third)
	if got := h.plays("wait_voice1.wav"); got != 3*time.Second {
		t.Errorf("after the replacement it plays %v", got)
	}
	if h.state(p.ID) != models.ReviewRemoved {
		t.Errorf("the replaced one is %s", h.state(p.ID))
	}
	if _, _, err := h.shelf.Open(ctx, p.ID); models.CodeOf(err) != models.NotFound {
		t.Errorf("the replaced one: %v", err)
	}

	app := models.App{TenantID: h.tenant.ID, Key: "k1", Name: "taxi", Mode: models.ModeAXB, State: models.StateNormal, PushScheme: models.PushAKSK,
		Prompts: map[string]string{models.PromptBusy: "wait_voice1.wav"}}
	if err := h.store.CreateApp(ctx, &app, "secret"); err != nil {
		t.Fatal(err)
	}
	if err := h.shelf.Remove(ctx, third.ID, "rob", "old"); models.CodeOf(err) != models.InUse || h.plays("wait_voice1.wav") == 0 {
		t.Errorf("removed while an app names it: %v", err)
	}
	if err := h.store.UpdateApp(ctx, app.ID, func(a *models.App) error { a.Prompts = nil; return nil }); err != nil {
		t.Fatal(err)
	}
	for _, id := range []int64{third.ID, second.ID} {
		if err := h.shelf.Remove(ctx, id, "rob", "old"); err != nil {
			t.Error(err)
		}
	}
	if h.plays("wait_voice1.wav") != 0 || h.files() != "" {
		t.Errorf("removed, and left %q", h.files())
	}
	if err := h.shelf.Remove(ctx, third.ID, "rob", "old"); models.CodeOf(err) != models.Conflict {
		t.Errorf("removed twice: %v", err)
	}
}

// Whatever the daemon was doing when it died, the next one makes files and database agree.
func TestShelfRepairs(t *testing.T) {
	t.Run("upload", func(t *testing.T) {
		h := newShelfHouse(t)
		h.store.dies = "add"
		if _, err := h.shelf.Upload(t.Context(), h.tenant, "a.wav", bytes.NewReader(alaw(80)), "ann", false); !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		h.repair()
		if h.state(1) != models.ReviewRemoved {
			t.Errorf("the row without a file is %s", h.state(1))
		}
		h.upload("a.wav", alaw(80))
		h.repair()
		if h.state(2) != models.ReviewWaiting {
			t.Errorf("the row with a file is %s", h.state(2))
		}
		// One that another daemon is just now taking.
		h.now = time.Now()
		young := h.upload("b.wav", alaw(80))
		if err := os.Remove(h.shelf.original(young.ID)); err != nil {
			t.Fatal(err)
		}
		h.repair()
		if h.state(young.ID) != models.ReviewWaiting {
			t.Errorf("the row of an upload that goes on is %s", h.state(young.ID))
		}
	})
	t.Run("approval", func(t *testing.T) {
		h := newShelfHouse(t)
		h.approve(h.upload("a.wav", alaw(8000)))
		second := h.upload("a.wav", alaw(16000))
		h.store.dies = "decide"
		if _, err := h.shelf.Approve(t.Context(), second.ID, "rob", ""); !errors.Is(err, errCrash) || h.plays("a.wav") != time.Second {
			t.Fatalf("it plays %v, %v", h.plays("a.wav"), err)
		}
		h.repair()
		if got := h.plays("a.wav"); got != 2*time.Second || h.files() != "uploads/2.wav tenants/sp_1/a.wav" {
			t.Errorf("repaired it plays %v: %s", got, h.files())
		}
	})
	t.Run("removal", func(t *testing.T) {
		h := newShelfHouse(t)
		p := h.upload("a.wav", alaw(8000))
		h.approve(p)
		h.store.dies = "remove"
		if err := h.shelf.Remove(t.Context(), p.ID, "rob", "old"); !errors.Is(err, errCrash) || h.plays("a.wav") == 0 {
			t.Fatal(err)
		}
		h.repair()
		if h.plays("a.wav") != 0 || h.files() != "" {
			t.Errorf("repaired, and left %q", h.files())
		}
	})
	t.Run("lost and found", func(t *testing.T) {
		h := newShelfHouse(t)
		p := h.upload("a.wav", alaw(8000))
		h.approve(p)
		write(t, h.dir+"/tenants/sp_1/by_hand.wav", alaw(80))
		write(t, h.dir+"/tenants/sp_9/other.wav", encodeWAV(make([]int16, 80), promptComment+"4711"))
		write(t, h.dir+"/uploads/4711.wav", alaw(80))
		write(t, h.dir+"/uploads/.part-1", nil)
		write(t, h.dir+"/tenants/sp_1/.part-2", nil)
		for _, part := range []string{"/uploads/.part-1", "/tenants/sp_1/.part-2"} {
			if err := os.Chtimes(h.dir+part, h.now, h.now); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Remove(h.dir + "/tenants/sp_1/a.wav"); err != nil {
			t.Fatal(err)
		}
		h.repair()
		if got := h.files(); got != "uploads/1.wav uploads/4711.wav tenants/sp_1/a.wav tenants/sp_1/by_hand.wav tenants/sp_9/other.wav" {
			t.Errorf("left %s", got)
		}
		// What has rotted is not published, and says so.
		write(t, h.shelf.original(p.ID), alaw(8001))
		if err := os.Remove(h.dir + "/tenants/sp_1/a.wav"); err != nil {
			t.Fatal(err)
		}
		if err := h.shelf.Repair(t.Context()); err == nil || !strings.Contains(err.Error(), "prompt 1") {
			t.Errorf("a file that is not the one that was uploaded: %v", err)
		}
	})
	t.Run("database", func(t *testing.T) {
		h := newShelfHouse(t)
		h.approve(h.upload("a.wav", alaw(8000)))
		_ = h.store.Close()
		if err := h.shelf.Repair(context.Background()); err == nil || h.plays("a.wav") == 0 || h.files() != "uploads/1.wav tenants/sp_1/a.wav" {
			t.Errorf("with a database that cannot be read: %v, left %s", err, h.files())
		}
	})
}

// More prompts than one page holds are all looked at.
func TestShelfRepairsMany(t *testing.T) {
	h := newShelfHouse(t)
	const many = models.PageMax + 20
	for i := range many {
		p := models.Prompt{TenantID: h.tenant.ID, Name: "p" + strconv.Itoa(i) + ".wav"}
		if err := h.store.AddPrompt(t.Context(), &p); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	h.shelf.o.Log = slog.New(slog.NewTextHandler(&log, nil))
	h.repair()
	if _, n, err := h.store.PromptsOf(t.Context(), store.PromptFilter{State: models.ReviewRemoved}, models.Page{}); err != nil || n != many || strings.Count(log.String(), "\n") != many {
		t.Errorf("%d removed, %v", n, err)
	}
}
