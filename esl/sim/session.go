package sim

import (
	"strconv"
	"strings"
	"time"

	"maskline/esl"
)

// maxPrivate bounds the messages that wait for one leg.
const maxPrivate = 1000

// message is a command queued for a leg's session thread.
type message struct {
	app, arg, token string
	loops           int
	lock            bool
	hangup          esl.Cause // hang up instead
	on              *channel  // the leg it is for, where that is not plain
}

func atoi(s string) int {
	n, _ := strconv.Atoi(strings.TrimSpace(s)) // C's atoi: nothing readable is 0
	return n
}

// handOff is the dialplan of conf/freeswitch, on the session thread of a caller's leg.
func (c *channel) handOff() {
	defer c.finish()
	c.sw.mu.Lock()
	c.state = "CS_EXECUTE"
	c.sw.mu.Unlock()
	c.execute("multiset", "^^;maskline_role=a;maskline_call=${uuid};presence_data=maskline:${uuid};sip_copy_custom_headers=false"+
		";sip_copy_multipart=false;ignore_display_updates=true;sip_ignore_remote_cause=true;disable_q850_reason=true"+
		";media_timeout=300000;media_hold_timeout=1800000;hangup_after_bridge=true;park_timeout=240:NORMAL_TEMPORARY_FAILURE", "")
	c.execute("sched_hangup", "+10 NORMAL_TEMPORARY_FAILURE", "")
	c.execute("park", "", "")
}

// serve is the session thread of a leg that was dialled.
func (c *channel) serve() {
	defer c.finish()
	c.await(-1, true, func() bool { return c.picked || c.script != nil })
	if c.taken() {
		c.pickUp()
	}
	if c.await(-1, true, func() bool { return c.script != nil }) {
		c.perform()
	}
}

// taken tells whether the phone has picked up.
func (c *channel) taken() bool {
	c.sw.mu.Lock()
	defer c.sw.mu.Unlock()
	return c.picked
}

// obey carries out a queued message on the session thread.
func (c *channel) obey(m *message) {
	if m.hangup != "" {
		c.sw.mu.Lock()
		c.hangup(m.hangup, "")
		c.sw.mu.Unlock()
		return
	}
	for n := 0; ; {
		from := time.Now()
		c.execute(m.app, m.arg, m.token)
		// FreeSWITCH itself stops a loop whose round was shorter than half a second (switch_ivr_parse_event).
		if n++; m.loops >= 0 && n >= m.loops || c.gone() || time.Since(from) < 500*time.Millisecond {
			return
		}
	}
}

// execute runs an application on the session thread. An unknown one costs the leg its life, without any event of its own
// (switch_core_session_execute_application_get_flags).
func (c *channel) execute(name, arg, token string) {
	s := c.sw
	s.mu.Lock()
	if c.hungUp {
		s.mu.Unlock()
		return
	}
	app, known := s.apps[strings.ToLower(name)]
	if !known {
		c.hangup(esl.DestinationOutOfOrder, "")
		s.mu.Unlock()
		return
	}
	if app.media && c.inbound {
		c.preAnswer()
	}
	arg = c.expand(arg)
	token = orElse(token, newUUID())
	c.app, c.appArg = name, arg
	c.vars.set("current_application_data", arg)
	c.vars.set("current_application", name)
	c.vars.unset("current_application_response")
	if len(c.appLog) < maxPrivate {
		c.appLog = append(c.appLog, appRun{name, arg, time.Now()})
	}
	c.fire("CHANNEL_EXECUTE", "Application", name, "Application-Data", arg, "Application-UUID", token)
	s.mu.Unlock()

	app.run(c, arg)

	s.mu.Lock()
	defer s.mu.Unlock()
	response := orElse(c.vars.get("current_application_response"), "_none_")
	c.fire("CHANNEL_EXECUTE_COMPLETE", "Application", name, "Application-Data", arg, "Application-Response", response, "Application-UUID", token)
}

// hooks gives what hangs on an occasion (execute_on_X, execute_on_X_N, api_on_X…), in the order of its names; s.mu is held.
func (c *channel) hooks(occasion string) []*message {
	var all []*message
	for _, n := range c.vars.names {
		if rest, ok := strings.CutPrefix(n, "execute_on_"+occasion); ok && (rest == "" || rest[0] == '_') {
			m := onOccasion(c.vars.get(n))
			m.on = c
			all = append(all, m)
		}
	}
	for _, n := range c.vars.names {
		if rest, ok := strings.CutPrefix(n, "api_on_"+occasion); ok && (rest == "" || rest[0] == '_') {
			command, arg, _ := strings.Cut(c.expand(c.vars.get(n)), " ")
			c.sw.spawn(func() { c.sw.api(command, arg) })
		}
	}
	return all
}

// onOccasion reads a hook's value: the first blank or colon parts application and argument (switch_channel_execute_on_value).
func onOccasion(value string) *message {
	i := strings.IndexAny(value, " :")
	if i < 0 {
		return &message{app: value}
	}
	return &message{app: value[:i], arg: strings.TrimPrefix(value[i+1:], ":")}
}

func (c *channel) queueHooks(occasion string) {
	c.private = append(c.private, c.hooks(occasion)...)
	c.kick()
}

// expand replaces ${name} by a channel's or the switch's variable; s.mu is held.
func (c *channel) expand(text string) string {
	return c.sw.expand(text, func(name string) (string, bool) {
		if name == "uuid" {
			return c.uuid, true
		}
		v, ok := c.vars.values[name]
		return v, ok
	})
}

// expand replaces ${name} and $${name}; unknown names become nothing, ${api(args)} is not called.
func (s *Switch) expand(text string, of func(string) (string, bool)) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(strings.TrimSuffix(before, "$"))
		if v, ok := of(name); ok {
			b.WriteString(v)
		} else {
			b.WriteString(s.globals[name])
		}
		text = after
	}
}

// nap waits; false if the switch or the other party ended first.
func (s *Switch) nap(d time.Duration, gone <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-gone:
	case <-s.stop:
	}
	return false
}
