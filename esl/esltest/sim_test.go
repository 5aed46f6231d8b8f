package esltest_test

import (
	"context"
	"net"
	"net/netip"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"maskline/esl"
	"maskline/esl/esltest"
	"maskline/esl/freeswitch"
	"maskline/esl/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSim(t *testing.T) { esltest.Run(t, &simLab{}) }

// simLab is the simulated switch in a bubble of synthetic time, a fresh one a case.
type simLab struct {
	sw  *sim.Switch
	dir string
}

func (l *simLab) Case(t *testing.T, name string, f func(t *testing.T)) {
	t.Run(name, func(t *testing.T) {
		l.dir = t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			l.sw = sim.New(sim.Options{
				Password: "secret", Playback: -1, Gateways: []string{l.Gateway(0), l.Gateway(1)},
				Trunks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
			})
			t.Cleanup(func() { _ = l.sw.Close() })
			f(t)
		})
	})
}

func (l *simLab) Adapter(*testing.T) esl.Switch {
	return freeswitch.New(freeswitch.Options{Name: "sim", Password: "secret", Dial: func(context.Context) (net.Conn, error) { return l.sw.Dial() }})
}

func (l *simLab) Gateway(n int) string { return []string{"carrier-a", "carrier-b"}[n] }

func (l *simLab) Phone(_ *testing.T, gateway int, p esltest.Phone) {
	s := sim.Phone{Gateway: l.Gateway(gateway), Rings: p.Rings, Digits: p.Keys, DigitsAfter: p.KeysAfter, DigitGap: 400 * time.Millisecond}
	switch p.Does {
	case esltest.HangsUp:
		s.HangsUpAfter = p.Talk
	case esltest.Busy:
		s.Busy = true
	case esltest.NotFound:
		s.NotExist, s.Silent = true, true
	case esltest.Unavailable:
		s.PoweredOff, s.Silent = true, true
	case esltest.Rejects:
		s.Rejects, s.Silent = true, true
	case esltest.NoAnswer:
		s.NoAnswer = true
	case esltest.EarlyMedia:
		s.EarlyMedia = true
	case esltest.EarlyBusy:
		s.EarlyMedia, s.Busy = true, true
	case esltest.Redirects:
		s.Status, s.Silent = 302, true
	case esltest.Answers:
	}
	l.sw.SetPhone(s)
}

func (l *simLab) Call(t *testing.T, number string, c esltest.Caller) esltest.Line {
	t.Helper()
	script := sim.Caller{From: "8613800000001", To: number, CancelsAfter: c.Cancels, HangsUpAfter: c.HangsUp,
		Digits: c.Keys, DigitsEarly: true, DigitsAfter: 500 * time.Millisecond, KeysAs: sim.Keying(c.KeysAs)}
	if c.Stranger {
		script.Address = netip.MustParseAddrPort("127.0.0.2:5060")
	}
	line, err := l.sw.Call(script)
	if err != nil {
		t.Fatal(err)
	}
	return simLine{line}
}

func (l *simLab) Sound() string { return "silence_stream://1000" }

func (l *simLab) Dir(*testing.T) string { return filepath.Clean(l.dir) }

type simLine struct{ *sim.Line }

func (l simLine) Outcome(t *testing.T) esltest.Outcome {
	t.Helper()
	if err := l.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	var o esltest.Outcome
	for _, m := range l.Heard() {
		switch {
		case m.What == "180":
			o.Rang = append(o.Rang, 180)
		case m.What == "183":
			o.Rang = append(o.Rang, 183)
		case m.What == "200" && !m.Sent:
			o.Final = 200
		case m.Sent && m.What == "CANCEL":
			o.Final = 487
		}
	}
	if s := l.Status(); s != 0 {
		o.Final = s
	}
	return o
}
