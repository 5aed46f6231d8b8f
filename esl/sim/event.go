package sim

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	"maskline/esl/wire"
)

// Event is an event about to be sent, as the hooks of Faults see it. They must not change it.
type Event struct {
	Name     string // CHANNEL_PARK …
	Leg      string // Unique-ID; "" for an event of no channel
	Sequence int64
	fields   []wire.Field
	body     string
}

// Get gives a header's value, "" if the event has none of that name.
func (e *Event) Get(name string) string {
	for _, f := range e.fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// newUUID makes a random uuid of version 4.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// event makes an event with the headers that every event has; s.mu is held.
func (s *Switch) event(name string) *Event {
	now := time.Now()
	s.sequence++
	return &Event{Name: name, Sequence: s.sequence, fields: []wire.Field{
		{Name: "Event-Name", Value: name},
		{Name: "Core-UUID", Value: s.core},
		{Name: "FreeSWITCH-Hostname", Value: s.opt.Hostname},
		{Name: "FreeSWITCH-Switchname", Value: s.opt.Hostname},
		{Name: "FreeSWITCH-IPv4", Value: "127.0.0.1"},
		{Name: "FreeSWITCH-IPv6", Value: "::1"},
		{Name: "Event-Date-Local", Value: now.Format(time.DateTime)},
		{Name: "Event-Date-GMT", Value: now.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")},
		{Name: "Event-Date-Timestamp", Value: strconv.FormatInt(now.UnixMicro(), 10)},
		{Name: "Event-Calling-File", Value: "sim.go"},
		{Name: "Event-Calling-Function", Value: "sim"},
		{Name: "Event-Calling-Line-Number", Value: "1"},
		{Name: "Event-Sequence", Value: strconv.FormatInt(s.sequence, 10)},
	}}
}

func (e *Event) add(name, value string) {
	e.fields = append(e.fields, wire.Field{Name: name, Value: value})
}

// addSome adds a header unless its value is empty.
func (e *Event) addSome(name, value string) {
	if value != "" {
		e.add(name, value)
	}
}

// fire sends an event of this channel with more headers, given as names and values; s.mu is held.
func (c *channel) fire(name string, more ...string) {
	if c.lost || c.stranger && name != "CHANNEL_HANGUP_COMPLETE" {
		return
	}
	if !c.sw.wanted(name) {
		c.sw.sequence++
		return
	}
	e := c.sw.event(name)
	c.describe(e)
	e.fields = c.vars.fields(e.fields)
	for i := 0; i+1 < len(more); i += 2 {
		e.add(more[i], more[i+1])
	}
	c.sw.send(e)
}

// describe adds the headers of switch_channel_event_set_basic_data.
func (c *channel) describe(e *Event) {
	e.Leg = c.uuid
	e.add("Channel-State", c.state)
	e.add("Channel-Call-State", c.callState())
	e.add("Channel-State-Number", strconv.Itoa(stateNumbers[c.state]))
	e.add("Channel-Name", c.name)
	e.add("Unique-ID", c.uuid)
	e.add("Call-Direction", c.direction())
	e.add("Presence-Call-Direction", c.direction())
	e.add("Channel-HIT-Dialplan", strconv.FormatBool(c.inbound || c.script != nil))
	e.addSome("Channel-Presence-Data", c.vars.get("presence_data"))
	e.add("Channel-Call-UUID", orElse(c.vars.get("call_uuid"), c.uuid))
	e.add("Answer-State", c.answerState())
	e.addSome("Hangup-Cause", string(c.cause))
	if c.inbound || c.early || c.answered {
		for _, way := range []string{"Read", "Write"} {
			e.add("Channel-"+way+"-Codec-Name", "PCMA")
			e.add("Channel-"+way+"-Codec-Rate", "8000")
			e.add("Channel-"+way+"-Codec-Bit-Rate", "64000")
		}
	}
	c.profile(e, "Caller")
	e.add("Caller-Profile-Index", "1")
	c.times(e, "Caller")
	if c.other != nil {
		e.add("Other-Type", map[bool]string{true: "originator", false: "originatee"}[c.other == c.originator])
		c.other.profile(e, "Other-Leg")
		c.other.times(e, "Other-Leg")
	}
}

var stateNumbers = map[string]int{
	"CS_INIT": 2, "CS_ROUTING": 3, "CS_EXECUTE": 4, "CS_EXCHANGE_MEDIA": 5, "CS_PARK": 6, "CS_CONSUME_MEDIA": 7, "CS_HANGUP": 10,
	"CS_REPORTING": 11, "CS_DESTROY": 12,
}

func (c *channel) callState() string {
	switch {
	case c.hungUp:
		return "HANGUP"
	case c.answered:
		return "ACTIVE"
	case c.early:
		return "EARLY"
	case c.rings, c.inbound:
		return "RINGING"
	}
	return "DOWN"
}

func (c *channel) answerState() string {
	switch {
	case c.hungUp:
		return "hangup"
	case c.answered:
		return "answered"
	case c.early:
		return "early"
	}
	return "ringing"
}

// profile adds the headers of switch_caller_profile_event_set_data.
func (c *channel) profile(e *Event, prefix string) {
	for _, f := range [...][2]string{
		{"Direction", c.direction()}, {"Logical-Direction", c.direction()}, {"Username", c.ani}, {"Dialplan", "XML"},
		{"Caller-ID-Name", c.cidName}, {"Caller-ID-Number", c.cidNumber},
		{"Orig-Caller-ID-Name", c.origName}, {"Orig-Caller-ID-Number", c.origNumber},
		{"Callee-ID-Name", c.calleeName()}, {"Callee-ID-Number", c.calleeNumber()},
		{"Network-Addr", c.address}, {"ANI", c.ani}, {"Destination-Number", c.dest}, {"Unique-ID", c.uuid},
		{"Source", "mod_sofia"}, {"Context", "maskline"}, {"Channel-Name", c.name},
	} {
		e.addSome(prefix+"-"+f[0], f[1])
	}
	e.add(prefix+"-Screen-Bit", "true")
	hides := c.vars.get("sip_Privacy") != "" && c.inbound
	e.add(prefix+"-Privacy-Hide-Name", strconv.FormatBool(hides))
	e.add(prefix+"-Privacy-Hide-Number", strconv.FormatBool(hides))
}

func (c *channel) calleeName() string {
	switch {
	case c.inbound:
		return ""
	case c.shownName != "":
		return c.shownName
	}
	return "Outbound Call"
}

func (c *channel) calleeNumber() string {
	switch {
	case c.inbound:
		return ""
	case c.shownNumber != "":
		return c.shownNumber
	}
	return c.dest
}

func (c *channel) times(e *Event, prefix string) {
	for _, f := range [...]struct {
		name string
		at   time.Time
	}{
		{"Profile-Created", c.created}, {"Channel-Created", c.created}, {"Channel-Answered", c.answeredAt}, {"Channel-Progress", c.progress},
		{"Channel-Progress-Media", c.progressMedia}, {"Channel-Hangup", c.ended}, {"Channel-Transfer", time.Time{}},
		{"Channel-Resurrect", time.Time{}}, {"Channel-Bridged", c.bridgedAt},
	} {
		e.add(prefix+"-"+f.name+"-Time", strconv.FormatInt(micros(f.at), 10))
	}
	e.add(prefix+"-Channel-Last-Hold", "0")
	e.add(prefix+"-Channel-Hold-Accum", "0")
}

// beat sends HEARTBEAT every 20 s.
func (s *Switch) beat() {
	t := time.NewTicker(20 * time.Second)
	defer t.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-t.C:
			s.mu.Lock()
			s.heartbeat()
			s.mu.Unlock()
		}
	}
}

func (s *Switch) heartbeat() {
	e := s.event("HEARTBEAT")
	up := time.Since(s.born)
	e.add("Event-Info", "System Ready")
	e.add("Up-Time", upTime(up))
	e.add("FreeSWITCH-Version", version)
	e.add("Uptime-msec", strconv.FormatInt(up.Milliseconds(), 10))
	e.add("Session-Count", strconv.Itoa(len(s.channels)))
	e.add("Max-Sessions", strconv.Itoa(2*s.opt.MaxCalls))
	e.add("Session-Per-Sec", "30")
	e.add("Session-Per-Sec-Last", "0")
	e.add("Session-Since-Startup", strconv.Itoa(s.sessions))
	e.add("Idle-CPU", "99.000000")
	s.send(e)
}

func upTime(d time.Duration) string {
	part := func(unit, of time.Duration) int64 {
		if of == 0 {
			return int64(d / unit)
		}
		return int64(d % of / unit)
	}
	const day = 24 * time.Hour
	return fmt.Sprintf("0 years, %d days, %d hours, %d minutes, %d seconds, %d milliseconds, %d microseconds", part(day, 0),
		part(time.Hour, day), part(time.Minute, time.Hour), part(time.Second, time.Minute), part(time.Millisecond, time.Second),
		part(time.Microsecond, time.Millisecond))
}

// version is what the switch says of itself.
const version = "1.11.1-sim"
