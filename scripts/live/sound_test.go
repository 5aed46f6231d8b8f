package main

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// tone makes a second of sine at a frequency.
func tone(hz, loud float64) []float64 {
	out := make([]float64, sampleRate)
	for i := range out {
		out[i] = loud * math.Sin(2*math.Pi*hz*float64(i)/sampleRate)
	}
	return out
}

func TestTones(t *testing.T) {
	mixed := tone(toneA, 8000)
	for i, x := range tone(toneB, 8000) {
		mixed[i] += x
	}
	for name, c := range map[string]struct {
		samples []float64
		hz      float64
		want    float64
	}{
		"its own": {tone(toneA, 8000), toneA, 1}, "another": {tone(toneA, 8000), toneB, 0}, "silence": {make([]float64, sampleRate), toneA, 0},
		"two at once": {mixed, toneA, 0}, "ring-back": {tone(ringTone, 3000), ringTone, 1}, "half": {append(tone(toneA, 8000), make([]float64, sampleRate)...), toneA, 1},
	} {
		if got := seconds(c.samples, c.hz); math.Abs(got-c.want) > 0.05 {
			t.Errorf("%s: %.2f s, want %.2f", name, got, c.want)
		}
	}
}

// The tones that the phones send are what the checks look for.
func TestPhonesTones(t *testing.T) {
	for file, hz := range map[string]float64{"tone-a.alaw": toneA, "tone-b.alaw": toneB} {
		b, err := os.ReadFile(filepath.Join("../sipp", file))
		if err != nil {
			t.Fatal(err)
		}
		if s := seconds(linear(b), hz); s < 0.9*float64(len(b))/sampleRate {
			t.Errorf("%s has %.1f s of %.0f Hz", file, s, hz)
		}
	}
}

func TestPromptIsHeard(t *testing.T) {
	busy, err := readWAV("../../conf/prompts/zh/busy.wav")
	if err != nil {
		t.Fatal(err)
	}
	other, err := readWAV("../../conf/prompts/zh/no_answer.wav")
	if err != nil {
		t.Fatal(err)
	}
	before := slices.Repeat([]byte{0xd5}, 333)
	if !(sound{law: slices.Concat(before, busy.data, before)}).plays(busy.data) {
		t.Error("a prompt that is played whole is not heard")
	}
	for name, law := range map[string][]byte{"another prompt": other.data, "the beginning": busy.data[:len(busy.data)/3], "nothing": nil} {
		if (sound{law: law}).plays(busy.data) {
			t.Errorf("%s is taken for the prompt", name)
		}
	}
}
