package flow

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"maskline/controller/cdr"
	"maskline/esl/sim"
	"maskline/models"
)

// What lies in the spool and is no record of ours goes away or aside, and stops nobody.
func TestSpoolSortsOut(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		write := func(name, text string) {
			l.must(os.MkdirAll(l.spool, 0o750))
			l.must(os.WriteFile(filepath.Join(l.spool, name), []byte(text), 0o600))
		}
		write("foreign.cdr.json", `{"variables":{"uuid":"x"}}`)
		write("broken.cdr.json", `{"variables":`)
		write("note.txt", "not a record")
		l.must(os.Chtimes(filepath.Join(l.spool, "broken.cdr.json"), time.Now().Add(-time.Hour), time.Now().Add(-time.Hour)))
		l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ben, HangsUpAfter: time.Second})
		l.call(sim.Caller{From: ann, To: xLine})
		time.Sleep(2 * time.Minute)
		l.spoolIsEmpty()
		for name, there := range map[string]bool{"bad/broken.cdr.json": true, "foreign.cdr.json": false, "note.txt": true} {
			if _, err := os.Stat(filepath.Join(l.spool, name)); (err == nil) != there {
				t.Errorf("%s: there %v, want %v", name, err == nil, there)
			}
		}
	})
}

func TestSpoolPut(t *testing.T) {
	dir := t.TempDir()
	s, err := NewSpool(dir, New(Options{}))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(make([]byte, cdr.MaxPost+1)); models.CodeOf(err) != models.Invalid {
		t.Errorf("a record without end: %v", err)
	}
	if err := s.Put([]byte("{}")); err != nil {
		t.Error(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := s.Put([]byte("{}")); err == nil {
		t.Error("a record was kept nowhere")
	}
}
