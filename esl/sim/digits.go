package sim

import (
	"regexp"
	"strings"
	"time"
)

// press is a key that the far end of the leg pressed; s.mu is held. A bridged leg's goes through to the other party; one that is only
// parked loses it; one that sleeps keeps it.
func (c *channel) press(key byte) {
	if c.hungUp {
		return
	}
	as := AsEvents
	if c.line != nil {
		as = c.line.script.KeysAs
	}
	if as == AsTones && !c.listens {
		return
	}
	c.fire("DTMF", "DTMF-Digit", string(key), "DTMF-Duration", "2000", "DTMF-Source", as.source())
	switch {
	case c.bridged != nil && c.bridged.line != nil:
		c.bridged.line.hears("digit", string(key))
	case c.plays > 0 || c.collecting || c.dozing:
		if len(c.digits) < 64 {
			c.digits = append(c.digits, key)
		}
		c.kick()
	}
}

// collect is how digits are asked for.
type collect struct {
	least, most int
	first, next time.Duration // wait for the first digit after the prompt, and between two
	ends        string        // terminators
}

// playAndGetDigits is "min max tries timeout terminators file invalid_file variable regexp [digit_timeout]".
func (c *channel) playAndGetDigits(arg string) {
	f := strings.Fields(arg)
	if len(f) < 9 {
		return
	}
	q := collect{least: atoi(f[0]), most: atoi(f[1]), first: milliseconds(f[3]), next: milliseconds(f[3]), ends: f[4]}
	if len(f) > 9 {
		q.next = milliseconds(f[9])
	}
	pattern, err := regexp.Compile(f[8])
	for range max(1, atoi(f[2])) {
		if c.gone() {
			return
		}
		got, used := c.ask(q, f[5])
		c.setVar("read_terminator_used", used)
		if len(got) >= q.least && (err != nil || pattern.MatchString(got)) && (len(got) > 0 || q.least == 0) {
			c.setVar(f[7], got)
			return
		}
		c.setVar(f[7]+"_invalid", got)
		if f[6] != "" && f[6] != "silence" {
			c.playback(f[6])
		}
	}
	c.setVar(f[7], "")
}

// readDigits is "min max file variable timeout terminators [digit_timeout]".
func (c *channel) readDigits(arg string) {
	f := strings.Fields(arg)
	if len(f) < 6 {
		return
	}
	q := collect{least: atoi(f[0]), most: atoi(f[1]), first: milliseconds(f[4]), next: milliseconds(f[4]), ends: f[5]}
	if len(f) > 6 {
		q.next = milliseconds(f[6])
	}
	got, used := c.ask(q, f[2])
	result := "success"
	switch {
	case len(got) < q.least:
		result = "failure"
	case len(got) < q.most && used == "":
		result = "timeout"
	}
	if used != "" { // else an earlier one stays
		c.setVar("read_terminator_used", used)
	}
	c.setVar("read_result", result)
	c.setVar(f[3], got)
}

func milliseconds(s string) time.Duration { return time.Duration(max(0, atoi(s))) * time.Millisecond }

func (c *channel) setVar(name, value string) {
	c.sw.mu.Lock()
	defer c.sw.mu.Unlock()
	c.vars.set(name, value)
}

// ask plays a prompt, which the first digit breaks off, and gathers digits until there are enough, a terminator or a timeout.
func (c *channel) ask(q collect, prompt string) (got, terminator string) {
	s := c.sw
	s.mu.Lock()
	c.collecting = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		c.collecting, c.digits = false, nil
		s.mu.Unlock()
	}()
	if prompt != "silence" && prompt != "" {
		c.playback(prompt)
	}
	for wait := q.first; len(got) < q.most; wait = q.next {
		var key byte
		if !c.await(wait, true, func() bool {
			if len(c.digits) > 0 && key == 0 {
				key, c.digits = c.digits[0], c.digits[1:]
			}
			return key != 0
		}) || key == 0 {
			break
		}
		if strings.IndexByte(q.ends, key) >= 0 {
			return got, string(key)
		}
		got += string(key)
	}
	return got, ""
}
