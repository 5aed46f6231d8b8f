//go:build !race

// The race detector multiplies memory, so `make test` runs this file in a pass of its own, without it.

package main

import (
	"fmt"
	"testing"

	"maskline/esl/sim"
	"maskline/models"
	"maskline/models/store"
)

// memoryFor is what is promised of a daemon with 500 calls up.
const memoryFor = 100 << 20

func TestFiveHundredCallsFitIntoMemory(t *testing.T) {
	p := openProcess(t, "log: {level: error}\nbinding: {cool_off: 0s}\n")
	st := p.open()
	callers, callees, x := bind(t, st, 500)
	p.begin()
	for i := range callers {
		if _, err := p.sw.Call(sim.Caller{From: callers[i], To: x[i], Callee: &sim.Phone{Number: callees[i]}}); err != nil {
			t.Fatal(err)
		}
	}
	p.await("500 talks", func() error {
		page, total, err := st.Sessions(t.Context(), store.SessionFilter{Live: true}, models.Page{Limit: models.PageMax})
		if err != nil {
			return err
		}
		talking := 0
		for _, s := range page {
			if s.Stage == models.StageTalking {
				talking++
			}
		}
		if talking < len(callers) {
			return fmt.Errorf("%d of %d talk", talking, total)
		}
		return nil
	})
	used := p.resident()
	t.Logf("%.1f MB resident with %d calls up", float64(used)/1e6, len(callers))
	if used > memoryFor {
		t.Errorf("%d bytes resident with %d calls up, more than %d", used, len(callers), memoryFor)
	}
}
