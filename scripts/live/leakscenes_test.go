package main

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// Whatever the seed, a run has every end, every mode, every act of either side; and the same seed gives the same run.
func TestLeakScenesCoverAll(t *testing.T) {
	for seed := range uint64(40) {
		seen := map[string]bool{}
		var texts []string
		for _, sc := range leakScenes(rand.New(rand.NewPCG(seed, 0))) {
			mode, end, _ := strings.Cut(strings.TrimPrefix(sc.name, "leak: "), ", ")
			seen[mode], seen[end] = true, true
			for _, side := range strings.Split(sc.expect, "; ")[1:] {
				who, what, _ := strings.Cut(side, ": ")
				for act := range strings.SplitSeq(what, ", ") {
					seen[who+" "+act] = true
				}
			}
			texts = append(texts, sc.caller.script("13812345678"))
			if strings.Contains(sc.want.events, "%") {
				t.Errorf("seed %d, %s: events %q", seed, sc.name, sc.want.events)
			}
		}
		for _, m := range leakModes {
			if !seen[m.name] {
				t.Errorf("seed %d has no %s", seed, m.name)
			}
		}
		for _, e := range leakEnds {
			if !seen[e.name] {
				t.Errorf("seed %d has no %s", seed, e.name)
			}
		}
		for _, a := range acts {
			if !seen["A "+a] && !seen["B "+a] {
				t.Errorf("seed %d: nobody does %s", seed, a)
			}
		}
		for i, sc := range leakScenes(rand.New(rand.NewPCG(seed, 0))) {
			if sc.caller.script("13812345678") != texts[i] {
				t.Errorf("seed %d is another the second time", seed)
			}
		}
	}
}

// The number stands in everything a loud phone sends, in more than one spelling, so that a search that misses one is found out.
func TestLoudPhonesAreLoud(t *testing.T) {
	s := newSecret("13812345678")
	for _, caller := range []bool{true, false} {
		p := plot{final: 200, forwarded: true, early: true, press: "1", acts: acts, mixed: true}
		ways := map[string]int{}
		for message := range strings.SplitSeq(p.script(7, "13812345678", caller), "<send") {
			for line := range strings.Lines(message) {
				ways[s.in(newText(line))]++
			}
		}
		for _, how := range []string{"as it is", "%-escaped", "with separators", "in hex", "in Base64"} {
			if ways[how] == 0 {
				t.Errorf("caller %t never says it %s: %v", caller, how, ways)
			}
		}
	}
}
