package sim

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestJournalTellsOfEachLeg(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		s := New(Options{Hostname: "fs1", Journal: func(e Entry) { told = append(told, e.Role+" "+e.What+" "+string(e.Cause)) }})
		defer func() { _ = s.Close() }()
		c := dialSwitch(t, s)
		line, err := s.Call(Caller{From: "1", To: "2", Callee: &Phone{HangsUpAfter: 5 * time.Second}})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		c.execute(line.Leg, "bridge", "{maskline_call="+line.Leg+",maskline_role=b}[origination_uuid=b1]sofia/gateway/t1/3", "tok")
		<-line.Done()
		synctest.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		// A's leg begins before the dialplan has given it its role.
		want := []string{" begin ", "b begin ", "b answer ", "a answer ", "b end NORMAL_CLEARING", "a end NORMAL_CLEARING"}
		if !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}
