package admin

import (
	"strings"
	"testing"

	"maskline/esl"
	"maskline/models"
	"maskline/models/store"
)

// sees writes what a daemon would tell of a switch.
func (l *lab) sees(name string, is models.SwitchSight) {
	l.t.Helper()
	if err := l.store.SeeSwitch(l.t.Context(), name, is); err != nil {
		l.t.Fatal(err)
	}
}

func TestSwitchDrain(t *testing.T) {
	l := newLab(t)
	l.sees("fs1", models.SwitchSight{State: models.SwitchServing, Daemon: "d1", Up: true, Sessions: 7})
	l.sees("fs2", models.SwitchSight{State: models.SwitchServing, Daemon: "d2", Up: true, Version: "1.11.1", Sessions: 9})
	var all List[Switch]
	l.do("GET", "/switches", "", 200, &all)
	one, two := all.Items[0], all.Items[1]
	if one.State != "serving" || one.Wanted != "serving" || one.Daemon != "d1" || one.Sessions != 4 {
		t.Errorf("our own %+v", one)
	}
	if !two.Up || two.Daemon != "d2" || two.Version != "1.11.1" || two.Sessions != 9 || two.Error != "" {
		t.Errorf("another daemon's %+v", two)
	}

	var s Switch
	l.do("PUT", "/switches/fs1/state", `{"state":"draining","shutdown":true}`, 200, &s)
	if s.Wanted != "draining" || !s.Shutdown || s.OrderedBy == "" || s.OrderedAt == nil || s.Warning != "" || s.State != "serving" {
		t.Errorf("drained %+v", s)
	}
	l.sees("fs1", models.SwitchSight{State: models.SwitchDraining, Daemon: "d1", Up: true, Sessions: 2})
	l.do("PUT", "/switches/fs2/state", `{"state":"draining"}`, 200, &s)
	if s.Wanted != "draining" || !strings.Contains(s.Warning, "no other switch takes calls") {
		t.Errorf("the last one %+v", s)
	}
	l.do("GET", "/switches", "", 200, &all)
	if one = all.Items[0]; one.State != "draining" || one.Sessions != 2 || one.StateSince == nil {
		t.Errorf("draining %+v", one)
	}
	s = Switch{}
	l.do("PUT", "/switches/fs1/state", `{"state":"serving"}`, 200, &s)
	if s.Wanted != "serving" || s.Shutdown || s.Warning != "" {
		t.Errorf("resumed %+v", s)
	}
	rows, _, err := l.store.AuditLines(t.Context(), store.AuditFilter{}, models.Page{})
	if err != nil || len(rows) != 3 || rows[0].Action != "switches.state" || rows[0].Object != "fs1" || !strings.Contains(rows[0].After, `"wanted":"serving"`) ||
		!strings.Contains(rows[0].Before, `"state":"draining"`) {
		t.Errorf("audit %+v, %v", rows, err)
	}
}

func TestSwitchDrainRefused(t *testing.T) {
	l := newLab(t)
	for _, tt := range []struct {
		path, body string
		status     int
		param, say string
	}{
		{"/switches/fs9/state", `{"state":"draining"}`, 404, "switch", `"fs9"; there is: fs1, fs2`},
		{"/switches/fs1/state", `{"state":"serving","shutdown":true}`, 400, "shutdown", "shutdown goes with draining"},
	} {
		var f Failure
		l.do("PUT", tt.path, tt.body, tt.status, &f)
		if f.Param != tt.param || !strings.Contains(f.Message, tt.say) {
			t.Errorf("%s %s: %+v", tt.path, tt.body, f)
		}
	}
	if rows, _, err := l.store.Switches(t.Context(), models.Page{}); err != nil || len(rows) != 0 {
		t.Errorf("rows %+v, %v", rows, err)
	}
	none := newLab(t, func(o *Options) { o.Switches = []esl.Switch{} })
	var f Failure
	none.do("PUT", "/switches/fs1/state", `{"state":"draining"}`, 404, &f)
	if !strings.Contains(f.Message, "there is: none") {
		t.Errorf("%+v", f)
	}
}

// A switch that nobody is connected to is ordered all the same, and whoever orders is told.
func TestSwitchDrainOfOneThatIsAway(t *testing.T) {
	l := newLab(t)
	var s Switch
	l.do("PUT", "/switches/fs2/state", `{"state":"draining"}`, 200, &s)
	if s.Up || s.Error != "connection refused" || !strings.Contains(s.Warning, "no daemon is connected to fs2") || strings.Contains(s.Warning, "no other switch") {
		t.Errorf("away %+v", s)
	}
}
