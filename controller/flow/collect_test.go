package flow

import (
	"slices"
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/models"
)

// Keys reach us whichever way they take, and are listened for as tones only where they can come so.
func TestCollectWays(t *testing.T) {
	for _, c := range []struct {
		name   string
		caller sim.Caller
		again  int
		keyed  []string
	}{
		{"telephone-event", sim.Caller{Digits: "12"}, 0, []string{"12"}},
		{"SIP INFO", sim.Caller{Digits: "12", KeysAs: sim.AsInfo}, 0, []string{"12"}},
		{"tones", sim.Caller{Digits: "12", KeysAs: sim.AsTones}, 0, []string{"12"}},
		{"# late, then another input", sim.Caller{Digits: "99#12", DigitGap: 700 * time.Millisecond}, 1, []string{"99", "12"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, sim.Options{}, func(l *lab) {
				l.mode(models.ModeAXE, models.AppSettings{Extension: models.ExtensionSettings{Digits: 2, Repeats: c.again}})
				l.bindAXE(ann, "12", models.BindingSettings{})
				l.daemon()
				l.sw.SetPhone(talks(ann))
				c.caller.From, c.caller.To, c.caller.DigitsEarly, c.caller.DigitsAfter = eve, l.x, true, time.Second
				a, r := l.call(c.caller)
				var keyed []string
				for _, ev := range l.events(r.SessionID) {
					if ev.Type == models.EventCollect {
						keyed = append(keyed, ev.Digits)
					}
				}
				if r.Fail != models.Hungup || r.Callee.Reveal() != ann || !slices.Equal(keyed, c.keyed) {
					t.Errorf("state %d, reached %s, told of %q, want %q; %q\n%s", r.Fail, r.Callee, keyed, c.keyed, a.Ladder(), l.logs)
				}
			})
		})
	}
}
