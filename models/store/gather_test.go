package store

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"maskline/models"
)

// Steps that nobody waits for share a commit, and are written at the latest after Config.Gather; one that somebody waits for goes at once and takes
// them along.
func TestPatientChangesWaitForEachOther(t *testing.T) {
	cfg := sqliteConfig(t)
	synctest.Test(t, func(t *testing.T) {
		cfg.Gather = time.Second
		h := newHouse(t, cfg)
		began := time.Now()
		var wg sync.WaitGroup
		took := map[string]time.Duration{}
		var mu sync.Mutex
		record := func(id string, after time.Duration, patient bool) {
			wg.Go(func() {
				time.Sleep(after)
				if _, err := h.Record(t.Context(), models.Change{Session: h.session(id), Patient: patient}); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				took[id] = time.Since(began)
			})
		}
		record("first", 0, true)
		record("second", 300*time.Millisecond, true)
		record("urgent", 400*time.Millisecond, false)
		record("alone", 2*time.Second, true)
		record("urgent alone", 5*time.Second, false)
		wg.Wait()
		for id, want := range map[string]time.Duration{
			"first": 400 * time.Millisecond, "second": 400 * time.Millisecond, "urgent": 400 * time.Millisecond, "alone": 3 * time.Second, "urgent alone": 5 * time.Second,
		} {
			if took[id] != want {
				t.Errorf("%s was committed after %s, want %s", id, took[id], want)
			}
		}
	})
}

// A store that closes keeps nobody waiting, and loses nothing that it took.
func TestPatientChangesAreWrittenWhenTheStoreCloses(t *testing.T) {
	cfg := sqliteConfig(t)
	synctest.Test(t, func(t *testing.T) {
		cfg.Gather = time.Hour
		h := newHouse(t, cfg)
		began := time.Now()
		done := make(chan error, 1)
		go func() {
			_, err := h.Record(t.Context(), models.Change{Session: h.session("s"), Patient: true})
			done <- err
		}()
		synctest.Wait()
		h.commits.close()
		if err := <-done; err != nil || time.Since(began) != 0 {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}
