package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCPUIsReadBehindAnyName(t *testing.T) {
	for _, c := range []struct {
		stat string
		want time.Duration
		bad  bool
	}{
		{stat: "12 (freeswitch) S 1 12 12 0 -1 4194560 9 0 0 0 150 25 0 0 20 0 30 0 100 1 2", want: 1750 * time.Millisecond},
		{stat: "12 (a) b (c) S 1 12 12 0 -1 4194560 9 0 0 0 7 0 0 0 20 0 30 0 100 1 2", want: 70 * time.Millisecond},
		{stat: "12 (short) S 1", bad: true},
		{stat: "12 (x) S 1 12 12 0 -1 4194560 9 0 0 0 many 0 0 0", bad: true},
		{stat: "", bad: true},
	} {
		got, err := cpuOf(c.stat)
		if got != c.want || (err != nil) != c.bad {
			t.Errorf("%q: %s, %v; want %s", c.stat, got, err, c.want)
		}
	}
}

func TestResponseTimes(t *testing.T) {
	got, err := responseTimes("Date_ms;response_time_ms;rtd_no\n100.5;128.25;1\n101;140;1\n")
	if want := []time.Duration{128250 * time.Microsecond, 140 * time.Millisecond}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	if got, err := responseTimes("titles\n"); err != nil || got != nil {
		t.Errorf("titles alone: %v, %v", got, err)
	}
	if _, err := responseTimes("titles\n1;soon;1\n"); err == nil {
		t.Error("a time that is none was taken")
	}
}

func TestMediansAreOfEachColumn(t *testing.T) {
	got := medians([]round{{Switch: 30, Setup: 1, Calls: 10, Failed: 1}, {Switch: 10, Setup: 3, Calls: 10}, {Switch: 20, Setup: 2, Calls: 10}})
	if want := (round{Switch: 20, Setup: 2, Calls: 30, Failed: 1}); got != want {
		t.Errorf("%+v; want %+v", got, want)
	}
	if got := median([]ms{4, 1}); got != 2.5 {
		t.Errorf("between two: %v", got)
	}
}

func TestTargetsJudgeWhatWasMeasured(t *testing.T) {
	r := results{Variants: []outcome{
		{variant: variant{Key: "a"}, Rounds: []round{{Switch: 10, Setup: 20}}},
		{variant: variant{Key: "c"}, Rounds: []round{{Switch: 10, Daemon: 0.9, Database: 2, Setup: 45}}},
	}}
	r.settle()
	want := map[string]bool{"(c) switch + daemon + database, to (a)": false, "(c) daemon, to its switch": true, "(c) set-up, ms beyond (a)": true}
	if len(r.Targets) != len(want) {
		t.Fatalf("%+v", r.Targets)
	}
	for _, p := range r.Targets {
		if p.Met != want[p.What] {
			t.Errorf("%+v", p)
		}
	}
	for _, text := range []string{r.table(), r.plot()} {
		if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
			t.Errorf("a number that is none in %s", text)
		}
	}
}

func TestOnlyWhatIsBetweenTheMarkersIsReplaced(t *testing.T) {
	got, err := between("before <a> old <b> after", "<a>", "<b>", "new ")
	if want := "before <a>\nnew <b> after"; err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	for _, text := range []string{"", "<a>", "<b> <a>"} {
		if _, err := between(text, "<a>", "<b>", "new"); err == nil {
			t.Errorf("%q has no place for the block", text)
		}
	}
}

func TestSoundIsMuLaw(t *testing.T) {
	// Values of G.711, table 2a.
	for sample, want := range map[int]byte{0: 0xff, 32767: 0x80, -32767: 0x00, 1000: 0xce, -1000: 0x4e} {
		if got := muLaw(sample); got != want {
			t.Errorf("%d: %#x, want %#x", sample, got, want)
		}
	}
}

func TestScriptIsLeftOutWithoutItsModules(t *testing.T) {
	chosen, why := choose([]string{"a", "b"}, softswitch{modules: t.TempDir()})
	if len(chosen) != 1 || chosen[0].Key != "a" || len(why) != 2 {
		t.Errorf("%+v, %v", chosen, why)
	}
}
