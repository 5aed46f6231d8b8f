package sim

import (
	"strconv"
	"strings"
	"time"

	"maskline/esl"
)

// application is one of the dialplan's. Run is called on the session thread without s.mu.
type application struct {
	media bool // needs media: an unanswered caller's leg gets 183 first
	run   func(c *channel, arg string)
}

// applications are those that the simulated switch knows.
func applications() map[string]application {
	locked := func(f func(c *channel, arg string)) application {
		return application{run: func(c *channel, arg string) {
			c.sw.mu.Lock()
			defer c.sw.mu.Unlock()
			f(c, arg)
		}}
	}
	nothing := application{run: func(*channel, string) {}}
	return map[string]application{
		"set":      locked(func(c *channel, arg string) { c.vars.set(cutVar(arg)) }),
		"export":   locked((*channel).export),
		"unset":    locked(func(c *channel, arg string) { c.vars.unset(arg) }),
		"multiset": locked((*channel).multiset),
		"hangup": locked(func(c *channel, arg string) {
			c.hangup(causeOf(orElse(arg, "NORMAL_CLEARING")), "")
		}),
		"respond":    locked((*channel).respond),
		"ring_ready": locked(func(c *channel, _ string) { c.ring() }),
		"pre_answer": locked(func(c *channel, _ string) { c.preAnswer() }),
		"answer":     {run: func(c *channel, _ string) { c.pickUp() }},
		"park":       {run: (*channel).park},
		"bridge":     {run: (*channel).bridge},
		"sleep":      {run: (*channel).doze},
		"playback":   {media: true, run: (*channel).playback},
		"endless_playback": {media: true, run: func(c *channel, arg string) {
			for !c.gone() {
				c.playback(arg)
			}
		}},
		"play_and_get_digits": {media: true, run: (*channel).playAndGetDigits},
		"read":                {media: true, run: (*channel).readDigits},
		"flush_dtmf":          locked(func(c *channel, _ string) { c.digits = nil }),
		"record_session":      {run: (*channel).recordSession},
		"stop_record_session": {run: (*channel).stopRecordSession},
		"sched_hangup":        locked(func(c *channel, arg string) { c.sw.schedHangup(c, arg) }),
		"sched_broadcast":     locked(func(c *channel, arg string) { c.sw.schedBroadcast(c, arg) }),
		"displace_session":    {run: (*channel).displace},
		"sched_cancel":        locked(func(c *channel, arg string) { c.sw.dropTasks(orElse(arg, c.uuid)) }),
		"log":                 nothing,
		"info":                nothing,
		"start_dtmf":          {media: true, run: locked(func(c *channel, _ string) { c.listens = true }).run},
		"stop_dtmf":           locked(func(c *channel, _ string) { c.listens = false }),
		"set_audio_level":     nothing,
		"set_user":            nothing,
		"event":               nothing,
		"system":              nothing,
	}
}

func never() bool { return false }

// cutVar reads name=value.
func cutVar(s string) (name, value string) {
	name, value, _ = strings.Cut(s, "=")
	return strings.TrimSpace(name), value
}

func (c *channel) multiset(arg string) {
	sep := byte(' ')
	if strings.HasPrefix(arg, "^^") && len(arg) > 3 {
		sep, arg = arg[2], arg[3:]
	}
	for item := range strings.SplitSeq(arg, string(sep)) {
		if strings.Contains(item, "=") {
			c.vars.set(cutVar(item))
		}
	}
}

func (c *channel) export(arg string) {
	arg, onlyB := strings.CutPrefix(arg, "nolocal:")
	name, value := cutVar(arg)
	if !onlyB {
		c.vars.set(name, value)
	} else {
		c.vars.set("nolocal:"+name, value)
		name = "nolocal:" + name
	}
	list := c.vars.get("export_vars")
	if list != "" {
		list += ","
	}
	c.vars.set("export_vars", list+name)
}

// respond sends a final answer of the dialplan's choice.
func (c *channel) respond(arg string) {
	status := atoi(strings.SplitN(arg, " ", 2)[0])
	c.line.refusal = status
	c.hangup(fromSIP(status), "")
}

// park holds the leg and obeys whoever commands it, for at most park_timeout.
func (c *channel) park(string) {
	s := c.sw
	s.mu.Lock()
	limit, cause := time.Duration(-1), esl.NormalClearing
	if to := c.vars.get("park_timeout"); to != "" {
		seconds, name, named := strings.Cut(to, ":")
		limit = time.Duration(atoi(seconds)) * time.Second
		if named {
			cause = causeOf(name)
		}
		c.vars.unset("park_timeout")
	}
	c.digits = nil
	c.fire("CHANNEL_PARK")
	s.mu.Unlock()

	start := time.Now()
	for !c.gone() {
		left := limit
		if limit >= 0 {
			left = max(0, limit-time.Since(start))
		}
		if !c.await(left, true, never) && !c.gone() {
			s.mu.Lock()
			c.hangup(cause, "")
			s.mu.Unlock()
		}
	}
	s.mu.Lock()
	c.fire("CHANNEL_UNPARK")
	s.mu.Unlock()
}

// breakApp ends the application that runs, or all of them.
func (c *channel) breakApp(all bool) {
	if all {
		c.private = nil
	}
	if c.plays > 0 {
		c.broken = 1
		if all {
			c.broken = -1
		}
	}
	c.kick()
}

// seconds reads "+N" or an epoch as a wait from now, as the scheduler's commands do.
func seconds(s string) time.Duration {
	if n, relative := strings.CutPrefix(s, "+"); relative {
		return time.Duration(atoi(n)) * time.Second
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return max(0, time.Until(time.Unix(n, 0)))
}
