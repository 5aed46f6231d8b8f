package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	parties = 1000                   // bindings that the calls go round
	ring    = 100 * time.Millisecond // how long the callee rings
	talk    = time.Second
)

// numberX is the number that caller i dials; each app has its own.
func numberX(i int, record bool) string {
	first := 170100
	if record {
		first = 170200
	}
	return fmt.Sprintf("86%d%05d", first, i%20)
}

// caller is the number of caller i, without plus.
func caller(i int) string { return fmt.Sprintf("86138%08d", i+1) }

// writePhones writes the scenarios, who calls whom, and a second of sound: 600 Hz in µ-law.
func (b *bench) writePhones() error {
	for _, name := range []string{"caller.xml", "callee.xml"} {
		text, err := scenarios.ReadFile("scenarios/" + name)
		if err != nil {
			return fmt.Errorf("read a scenario: %w", err)
		}
		if err := os.WriteFile(filepath.Join(b.dir, name), text, 0o600); err != nil {
			return fmt.Errorf("write a scenario: %w", err)
		}
	}
	for _, record := range []bool{false, true} {
		var list bytes.Buffer
		list.WriteString("SEQUENTIAL\n")
		for i := range parties {
			fmt.Fprintf(&list, "%s;%s;\n", caller(i), numberX(i, record))
		}
		if err := os.WriteFile(filepath.Join(b.dir, callersFile(record)), list.Bytes(), 0o600); err != nil {
			return fmt.Errorf("write who calls whom: %w", err)
		}
	}
	sound := make([]byte, 8000)
	for i := range sound {
		sound[i] = muLaw(int(8000 * math.Sin(2*math.Pi*600*float64(i)/8000)))
	}
	if err := os.WriteFile(filepath.Join(b.dir, "talk.ulaw"), sound, 0o600); err != nil {
		return fmt.Errorf("write what is said: %w", err)
	}
	return nil
}

func callersFile(record bool) string { return "callers-" + strconv.FormatBool(record) + ".csv" }

// muLaw is one sample as G.711 codes it.
func muLaw(sample int) byte {
	sign := byte(0)
	if sample < 0 {
		sign, sample = 0x80, -sample
	}
	sample = min(sample, 32635) + 132
	exponent := 7
	for mask := 0x4000; exponent > 0 && sample&mask == 0; mask >>= 1 {
		exponent--
	}
	return ^(sign | byte(exponent<<4) | byte(sample>>(exponent+3)&0x0f)) //nolint:gosec // seven bits
}

// answerPhones starts the called phones: one SIPp that takes every call.
func (b *bench) answerPhones(ctx context.Context) (*child, error) {
	c, err := b.start("callee", b.dir, nil, "sipp", "-sf", "callee.xml", "-i", "127.0.0.1", "-p", strconv.Itoa(b.facts.Phone), "-mi", "127.0.0.1", "-mp", strconv.Itoa(b.facts.PhoneMedia),
		"-rtp_echo", "-nostdin", "-d", strconv.FormatInt(ring.Milliseconds(), 10))
	if err != nil {
		return nil, err
	}
	want := fmt.Sprintf(":%04X ", b.facts.Phone)
	for range 100 {
		if text, err := os.ReadFile("/proc/net/udp"); err == nil && strings.Contains(string(text), want) {
			return c, nil
		}
		if err := b.pause(ctx, 50*time.Millisecond, c); err != nil {
			return nil, fmt.Errorf("the called phones: %w: %s", err, c.said())
		}
	}
	return nil, fmt.Errorf("the called phones do not listen: %s", c.said())
}

// volley is what came of a number of calls.
type volley struct {
	calls, failed int
	setup         []time.Duration // of each answered call: INVITE to 200 less the ring, sorted
}

// shoot makes calls at a rate (a second) and waits until the last has ended.
func (b *bench) shoot(ctx context.Context, calls, rate int, record bool) (volley, error) {
	dir, err := os.MkdirTemp(b.dir, "volley-")
	if err != nil {
		return volley{}, fmt.Errorf("make a directory for the callers: %w", err)
	}
	for _, name := range []string{"caller.xml", "talk.ulaw", callersFile(record)} {
		if err := os.Link(filepath.Join(b.dir, name), filepath.Join(dir, name)); err != nil {
			return volley{}, fmt.Errorf("lay out the callers: %w", err)
		}
	}
	most := time.Duration(calls)*time.Second/time.Duration(rate) + 40*time.Second
	c, err := b.start("caller", dir, nil, "sipp", "127.0.0.1:"+strconv.Itoa(b.facts.SIP), "-sf", "caller.xml", "-inf", callersFile(record), "-i", "127.0.0.1", "-p", strconv.Itoa(b.facts.Caller),
		"-mi", "127.0.0.1", "-mp", strconv.Itoa(b.facts.CallerMedia), "-m", strconv.Itoa(calls), "-r", strconv.Itoa(rate), "-l", strconv.Itoa(20*rate), "-d", strconv.FormatInt(talk.Milliseconds(), 10),
		"-nostdin", "-recv_timeout", "20000", "-timeout", strconv.Itoa(int(most.Seconds())), "-trace_rtt", "-rtt_freq", "1")
	if err != nil {
		return volley{}, err
	}
	select {
	case <-c.ended:
	case <-ctx.Done():
		c.stop(2 * time.Second)
		return volley{}, ctx.Err()
	case <-time.After(most + 10*time.Second):
		c.stop(2 * time.Second)
		return volley{}, fmt.Errorf("the callers do not end: %s", c.said())
	}
	files, err := filepath.Glob(filepath.Join(dir, "*_rtt.csv"))
	if err != nil || len(files) != 1 {
		return volley{}, fmt.Errorf("the callers left %d files of response times: %s", len(files), c.said())
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		return volley{}, fmt.Errorf("read the response times: %w", err)
	}
	took, err := responseTimes(string(text))
	if err != nil {
		return volley{}, err
	}
	// A call that was answered has a response time. SIPp's exit code tells whether one failed later.
	v := volley{calls: calls, failed: calls - len(took)}
	if v.failed == 0 && c.code() != 0 {
		v.failed = 1
	}
	for _, d := range took {
		v.setup = append(v.setup, d-ring)
	}
	slices.Sort(v.setup)
	return v, nil
}

// responseTimes reads what -trace_rtt wrote: date;milliseconds;which, with a line of titles.
func responseTimes(text string) ([]time.Duration, error) {
	var all []time.Duration
	for i, line := range slices.Collect(strings.Lines(text)) {
		f := strings.Split(strings.TrimSpace(line), ";")
		if i == 0 || len(f) < 2 {
			continue
		}
		ms, err := strconv.ParseFloat(strings.TrimSpace(f[1]), 64)
		if err != nil {
			return nil, fmt.Errorf("line %d of the response times: %w", i+1, err)
		}
		all = append(all, time.Duration(ms*float64(time.Millisecond)))
	}
	return all, nil
}
