package sim

import (
	"slices"
	"strings"
	"time"

	"maskline/esl/wire"
)

// obey carries out one request and answers it; false ends the connection.
func (c *conn) obey(q wire.Request) bool {
	s := c.sw
	if fate := s.Faults.command(s, q); fate != nil {
		if fate.After > 0 && !s.nap(fate.After, c.gone) {
			return false
		}
		if fate.Cut {
			c.close()
			return false
		}
		if fate.Reply != "" {
			s.mu.Lock()
			defer s.mu.Unlock()
			c.answer(q.Verb, fate.Reply)
			return true
		}
		if fate.Swallow {
			c.obeySilently(q)
			return true
		}
	}
	return c.run(q)
}

// answer sends a made-up answer in the frame that belongs to the verb.
func (c *conn) answer(verb, text string) {
	if verb == "api" {
		c.reply(wire.AppendAPI(nil, text))
		return
	}
	c.reply(wire.AppendReply(nil, text))
}

// obeySilently carries a request out whose answer gets lost.
func (c *conn) obeySilently(q wire.Request) {
	ghost := &conn{sw: c.sw, nc: c.nc, authed: c.authed, events: map[string]bool{}, wake: make(chan struct{}, 1), gone: c.gone}
	ghost.run(q)
}

func (c *conn) run(q wire.Request) bool {
	switch {
	case q.Verb == "exit" || strings.HasPrefix(q.Verb, "..."):
		c.say("+OK bye")
		c.sw.mu.Lock()
		c.reply(wire.AppendDisconnect(nil))
		c.sw.mu.Unlock()
		return false
	case !c.authed:
		return c.auth(q)
	case q.Verb == "api":
		name, arg, _ := strings.Cut(q.Args, " ")
		text := c.sw.api(name, arg)
		c.sw.mu.Lock()
		c.reply(wire.AppendAPI(nil, text))
		c.sw.mu.Unlock()
	case q.Verb == "bgapi":
		c.background(q)
	case q.Verb == "sendmsg":
		c.say(c.sw.sendmsg(q))
	default:
		c.say(c.setting(q))
	}
	return true
}

func (c *conn) say(text string) {
	c.sw.mu.Lock()
	defer c.sw.mu.Unlock()
	c.reply(wire.AppendReply(nil, text))
}

func (c *conn) auth(q wire.Request) bool {
	switch {
	case q.Verb != "auth":
		c.say("-ERR command not found") // FreeSWITCH goes on waiting for the password
		return true
	case q.Args != c.sw.opt.Password:
		c.say("-ERR invalid")
		c.sw.mu.Lock()
		c.reply(wire.AppendDisconnect(nil))
		c.sw.mu.Unlock()
		return false
	}
	c.sw.mu.Lock()
	c.authed = true
	_ = c.nc.SetReadDeadline(time.Time{})
	c.sw.mu.Unlock()
	c.say("+OK accepted")
	return true
}

// background runs an api command in a goroutine of its own; its answer comes as BACKGROUND_JOB, always after the reply.
func (c *conn) background(q wire.Request) {
	s := c.sw
	name, arg, _ := strings.Cut(q.Args, " ")
	job := orElse(q.Get("job-uuid"), newUUID())
	s.mu.Lock()
	defer s.mu.Unlock()
	c.reply(wire.AppendReply(nil, "+OK Job-UUID: "+job, wire.Field{Name: "Job-UUID", Value: job}))
	core := s.core
	s.spawn(func() {
		text := s.api(name, arg)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.core != core { // the switch restarted: its jobs are over like its calls
			return
		}
		e := s.event("BACKGROUND_JOB")
		e.add("Job-UUID", job)
		e.add("Job-Owner-UUID", "")
		e.add("Job-Command", name)
		e.addSome("Job-Command-Arg", arg)
		e.body = text
		s.send(e)
	})
}

// setting carries out a command about this connection itself and gives the reply's text.
func (c *conn) setting(q wire.Request) string {
	c.sw.mu.Lock()
	defer c.sw.mu.Unlock()
	words := strings.Fields(q.Args)
	switch q.Verb {
	case "event":
		return c.subscribe(words)
	case "nixevent":
		return c.unsubscribe(words)
	case "noevents":
		if len(c.events) == 0 {
			return "-ERR not listening for events"
		}
		clear(c.events)
		return "+OK no longer listening for events"
	case "filter":
		return c.filter(words)
	case "linger", "nolinger":
		return "-ERR not controlling a session"
	case "nolog":
		return "-ERR not loging"
	case "log":
		return "+OK log level " + strings.Join(words, " ") + " [7]"
	case "sendevent":
		return "+OK " + newUUID()
	}
	return "-ERR command not found"
}

func (c *conn) subscribe(words []string) string {
	format := "plain"
	if len(words) > 0 && slices.Contains([]string{"plain", "json", "xml"}, strings.ToLower(words[0])) {
		if format, words = strings.ToLower(words[0]), words[1:]; format != "plain" {
			return "-ERR the simulated switch speaks plain events only"
		}
	}
	known := false
	for _, w := range words {
		w = strings.ToUpper(w)
		if !knownEvents[w] {
			continue
		}
		known = true
		c.events[w] = true
		if w == "CUSTOM" { // subclasses follow; no call brings one
			break
		}
	}
	if !known {
		return "-ERR no keywords supplied"
	}
	return "+OK event listener enabled " + format
}

func (c *conn) unsubscribe(words []string) string {
	known := false
	for _, w := range words {
		w = strings.ToUpper(w)
		if !knownEvents[w] {
			continue
		}
		known = true
		switch {
		case w == "ALL":
			clear(c.events)
		case c.events["ALL"]:
			delete(c.events, "ALL")
			for name := range knownEvents {
				c.events[name] = name != "ALL"
			}
			delete(c.events, w)
		default:
			delete(c.events, w)
		}
	}
	if !known {
		return "-ERR no keywords supplied"
	}
	return "+OK events nixed"
}

func (c *conn) filter(words []string) string {
	if len(words) < 2 {
		return "-ERR invalid syntax"
	}
	name, value := words[0], strings.Join(words[1:], " ")
	switch strings.ToLower(name) {
	case "delete":
		name, value, _ = strings.Cut(value, " ")
		c.filters = slices.DeleteFunc(c.filters, func(f wire.Field) bool {
			return strings.EqualFold(name, "all") || strings.EqualFold(f.Name, name) && (value == "" || f.Value == value)
		})
		return "+OK filter deleted. [" + name + "][" + value + "]"
	case "add":
		name, value, _ = strings.Cut(value, " ")
	}
	if len(c.filters) < 1000 {
		c.filters = append(c.filters, wire.Field{Name: name, Value: value})
	}
	return "+OK filter added. [" + name + "]=[" + value + "]"
}

// knownEvents are the event names that FreeSWITCH takes and a call can bring.
var knownEvents = func() map[string]bool {
	m := map[string]bool{}
	for n := range strings.FieldsSeq(`ALL CUSTOM CLONE CHANNEL_CREATE CHANNEL_DESTROY CHANNEL_STATE CHANNEL_CALLSTATE CHANNEL_ANSWER
		CHANNEL_HANGUP CHANNEL_HANGUP_COMPLETE CHANNEL_EXECUTE CHANNEL_EXECUTE_COMPLETE CHANNEL_HOLD CHANNEL_UNHOLD CHANNEL_BRIDGE
		CHANNEL_UNBRIDGE CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_OUTGOING CHANNEL_PARK CHANNEL_UNPARK CHANNEL_APPLICATION
		CHANNEL_ORIGINATE CHANNEL_UUID API LOG INBOUND_CHAN OUTBOUND_CHAN STARTUP SHUTDOWN PUBLISH UNPUBLISH TALK NOTALK SESSION_CRASH
		MODULE_LOAD MODULE_UNLOAD DTMF MESSAGE PRESENCE_IN PRESENCE_OUT PRESENCE_PROBE ROSTER CODEC BACKGROUND_JOB DETECTED_SPEECH
		HEARTBEAT ADD_SCHEDULE DEL_SCHEDULE EXE_SCHEDULE RE_SCHEDULE RELOADXML NOTIFY PHONE_FEATURE RECORD_START RECORD_STOP
		PLAYBACK_START PLAYBACK_STOP CALL_UPDATE FAILURE MEDIA_BUG_START MEDIA_BUG_STOP SESSION_HEARTBEAT`) {
		m[n] = true
	}
	return m
}()

// sendmsg queues a message for a leg. +OK says queued: nobody looks at the application's name yet.
func (s *Switch) sendmsg(q wire.Request) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	leg := orElse(q.Args, q.Get("session-id"))
	c := s.channels[leg]
	if c == nil {
		return "-ERR invalid session id [" + leg + "]"
	}
	m := &message{app: q.Get("execute-app-name"), arg: q.Arg(), token: q.Get("event-uuid"), lock: truth(q.Get("event-lock"))}
	switch strings.ToLower(q.Get("call-command")) {
	case "execute":
		m.loops = atoi(q.Get("loops"))
	case "hangup":
		m.hangup = causeOf(orElse(q.Get("hangup-cause"), "NORMAL_CLEARING"))
	default:
		return "+OK" // as FreeSWITCH: it complains in its log only
	}
	if len(c.private) >= maxPrivate {
		return "-ERR memory error"
	}
	c.private = append(c.private, m)
	c.kick()
	return "+OK"
}
