package media

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"maskline/models"
)

// playedMax is how many bytes a prompt that is played may have: one of models.PromptMax, uploaded as A-law, is twice as long as 16-bit PCM.
const playedMax = 2*models.PromptMax + 4096

// Library finds prompts by name. A tenant's own file goes before the platform's of the same name.
type Library struct {
	tenants   string   // a directory for each sp_id; "" is none
	platforms []string // searched in order
	sounds    *Sounds  // nil: the switch reads the directories itself
}

// Prompt is a file that the switch can play.
type Prompt struct {
	Path string // absolute, on this machine
	Sound
	tenant  bool // it is the tenant's own
	version string
}

// New makes a library of the directory that holds a directory of prompts for each sp_id ("" is none), and of the platform's own
// directories, searched in order. They may appear later: a missing directory holds no prompt.
func New(tenants string, platforms ...string) (*Library, error) {
	l := &Library{}
	var err error
	if tenants != "" {
		if l.tenants, err = filepath.Abs(tenants); err != nil {
			return nil, fmt.Errorf("make the tenants' prompt directory absolute: %w", err)
		}
	}
	for _, dir := range platforms {
		if dir, err = filepath.Abs(dir); err != nil {
			return nil, fmt.Errorf("make the prompt directory absolute: %w", err)
		}
		l.platforms = append(l.platforms, dir)
	}
	return l, nil
}

// Over has Find give addresses of s, for switches that fetch what they play. It is called before the library is used.
func (l *Library) Over(s *Sounds) { l.sounds = s }

// Find gives the path of a prompt that can be played, as the switch reads it: a file name or, after Over, an address. spID "" asks for the
// platform's own only.
func (l *Library) Find(spID, name string) (path string, ok bool) {
	p, err := l.Look(spID, name)
	switch {
	case err != nil:
		return "", false
	case l.sounds == nil:
		return p.Path, true
	case p.tenant:
		return l.sounds.address(p.version, kindTenant+"/"+spID+"/"+name), true
	default:
		return l.sounds.address(p.version, kindPlatform+"/"+name), true
	}
}

// Look is Find that says more: the file on this machine and its length, or why the prompt cannot be played. A name that nobody has is PromptMissing; a file
// that is no good is an error that wraps ErrSound.
func (l *Library) Look(spID, name string) (Prompt, error) {
	if err := models.ValidPromptName("prompt", name); err != nil {
		return Prompt{}, err
	}
	missing := models.Fail(models.PromptMissing, name, "%s does not exist", name)
	if !strings.EqualFold(filepath.Ext(name), ".wav") {
		return Prompt{}, missing
	}
	if own, ok := tenantDir(l.tenants, spID); ok {
		p, err := look(own, name)
		if !errors.Is(err, fs.ErrNotExist) {
			p.tenant = true
			return p, err
		}
	}
	for _, dir := range l.platforms {
		p, err := look(dir, name)
		if !errors.Is(err, fs.ErrNotExist) {
			return p, err
		}
	}
	return Prompt{}, missing
}

// tenantDir is where a tenant's prompts are. One whose sp_id could not be a file name has none.
func tenantDir(tenants, spID string) (string, bool) {
	if tenants == "" || spID == "" || models.ValidPromptName("sp_id", spID) != nil {
		return "", false
	}
	return filepath.Join(tenants, spID), true
}

func look(dir, name string) (Prompt, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Prompt{}, fmt.Errorf("open the prompt directory: %w", err)
	}
	defer func() { _ = root.Close() }()
	info, err := root.Stat(name) // before opening, which would wait on a named pipe
	if err != nil {
		return Prompt{}, fmt.Errorf("look for prompt %s: %w", name, err)
	}
	if !info.Mode().IsRegular() || info.Size() > playedMax {
		return Prompt{}, fmt.Errorf("prompt %s: %w: it is no file of at most %d bytes", name, ErrSound, playedMax)
	}
	f, err := root.Open(name)
	if err != nil {
		return Prompt{}, fmt.Errorf("open prompt %s: %w", name, err)
	}
	defer func() { _ = f.Close() }()
	sound, err := ReadWAV(f, info.Size())
	if err != nil {
		return Prompt{}, fmt.Errorf("prompt %s: %w", name, err)
	}
	return Prompt{Path: filepath.Join(dir, name), Sound: sound, version: version(info)}, nil
}

// Unpack writes the files of src that dir lacks, so that the prompts that ship inside the program have paths the switch can read. Files
// that are there stay: the operator may have put better ones.
func Unpack(src fs.FS, dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("make the prompt directory: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open the prompt directory: %w", err)
	}
	defer func() { _ = root.Close() }()
	entries, err := fs.ReadDir(src, ".")
	if err != nil {
		return fmt.Errorf("list the prompts that ship: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() || filepath.Ext(e.Name()) != ".wav" {
			continue
		}
		if _, err := root.Stat(e.Name()); err == nil {
			continue
		}
		if err := unpack(src, root, e.Name()); err != nil {
			return fmt.Errorf("write prompt %s: %w", e.Name(), err)
		}
	}
	return nil
}

// unpack writes under another name first: a switch that looks at the same moment sees a whole prompt or none.
func unpack(src fs.FS, root *os.Root, name string) error {
	b, err := fs.ReadFile(src, name)
	if err != nil {
		return err
	}
	part := name + ".part"
	if err := root.WriteFile(part, b, 0o640); err != nil {
		return err
	}
	return root.Rename(part, name)
}
