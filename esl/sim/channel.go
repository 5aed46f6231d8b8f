package sim

import (
	"fmt"
	"strconv"
	"time"

	"maskline/esl"
)

// channel is one leg. Its fields are guarded by the switch's mutex. One goroutine a channel, its session thread, runs the applications;
// whoever changes something that it may wait for kicks it.
type channel struct {
	sw      *Switch
	uuid    string
	session int
	inbound bool
	vars    variables

	name, cidName, cidNumber, origName, origNumber string
	dest, ani, address, gateway                    string

	state                            string // CS_…
	hungUp, early, answered, rings   bool
	stranger                         bool // refused by the SIP profile: only its end is told
	lost                             bool // the switch crashed: no more events
	created, progress, progressMedia time.Time
	answeredAt, bridgedAt, ended     time.Time
	cause                            esl.Cause
	disposition                      string
	app, appArg                      string
	appLog                           []appRun
	private                          []*message // queued by sendmsg
	digits                           []byte
	broken                           int      // applications to break; -1 for all
	plays                            int      // files that play on it, nested
	collecting                       bool     // an application gathers digits
	listens                          bool     // for keys as tones (start_dtmf)
	other                            *channel // the other leg, as Other-Leg-… tells it
	bridged                          *channel // the leg it talks with
	originator                       *channel // the leg that dialled it
	line                             *Line
	recordings                       []*recording
	wake                             chan struct{}
	done                             chan struct{} // closed at the hang-up
	script                           []esl.App     // what a leg that the switch placed does once it is answered
	shownName, shownNumber           string        // what its party saw, once the script runs
	dozing                           bool          // it sleeps, and a key wakes it
	picked, ready                    bool          // the phone picked up; the leg is answered and its hooks have run
	up                               chan struct{} // closed at the answer
	heard                            chan struct{} // closed at the first sound, which the answer is at the latest
	over                             chan struct{} // closed when the leg is destroyed
	rungBack                         bool          // the caller hears the ringback of the bridge that dials
}

type appRun struct {
	name, arg string
	at        time.Time
}

// newChannel makes a channel and enters it into the tables; s.mu is held. An id that is taken or empty is replaced.
func (s *Switch) newChannel(id string, inbound bool) *channel {
	if id == "" || s.channels[id] != nil {
		id = newUUID()
	}
	s.sessions++
	c := &channel{
		sw: s, uuid: id, session: s.sessions, inbound: inbound, state: "CS_INIT", created: time.Now(),
		wake: make(chan struct{}, 1), done: make(chan struct{}), up: make(chan struct{}), heard: make(chan struct{}), over: make(chan struct{}),
	}
	s.channels[id] = c
	s.order = append(s.order, c)
	c.vars.set("direction", c.direction())
	if !inbound {
		c.vars.set("is_outbound", "true")
	}
	c.vars.set("uuid", id)
	c.vars.set("session_id", strconv.Itoa(c.session))
	return c
}

func (c *channel) direction() string {
	if c.inbound {
		return "inbound"
	}
	return "outbound"
}

// kick wakes the session thread.
func (c *channel) kick() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// hangup ends the leg with a cause; s.mu is held. The session thread does the rest. Disposition is sofia's word for who did it:
// recv_bye, recv_cancel, recv_refuse; empty if the switch did.
func (c *channel) hangup(cause esl.Cause, disposition string) {
	if c.hungUp {
		return
	}
	c.hungUp, c.cause, c.ended = true, cause, time.Now()
	c.disposition = disposition
	if disposition == "" {
		c.disposition = c.farewell()
		if c.disposition == "send_cancel" {
			c.vars.set("sip_invite_failure_status", "487")
			c.vars.set("sip_invite_failure_phrase", "CANCEL")
		}
	}
	c.journal("end", c.ended)
	c.fire("CHANNEL_HANGUP")
	if disposition != "" { // what the party did is known at once; what the switch does about it only when the leg is taken down
		c.vars.set("sip_hangup_disposition", disposition)
	}
	close(c.done)
	c.kick()
	for _, peer := range []*channel{c.bridged, c.originator} {
		if peer != nil {
			if !peer.hungUp {
				peer.vars.set("last_bridge_hangup_cause", string(cause))
			}
			peer.kick()
		}
	}
	c.sw.dropTasks(c.uuid)
	c.line.end(c)
}

// farewell is how the switch itself ends the leg (sofia_on_hangup).
func (c *channel) farewell() string {
	switch {
	case c.answered:
		return "send_bye"
	case c.inbound:
		return "send_refuse"
	default:
		return "send_cancel"
	}
}

// ring marks the leg as ringing (180); s.mu is held.
func (c *channel) ring() {
	if c.hungUp || c.rings || c.early || c.answered {
		return
	}
	c.rings = true
	c.progress = time.Now()
	c.fire("CHANNEL_PROGRESS")
	if c.inbound {
		c.line.told(180, "")
	}
	c.queueHooks("ring")
	c.tellOriginator()
}

// preAnswer opens early media (183); s.mu is held.
func (c *channel) preAnswer() {
	if c.hungUp || c.early || c.answered {
		return
	}
	c.early = true
	close(c.heard)
	c.progressMedia = time.Now()
	c.vars.set("endpoint_disposition", "EARLY MEDIA")
	c.fire("CHANNEL_PROGRESS_MEDIA")
	if c.inbound {
		c.line.told(183, "")
	}
	c.queueHooks("media")
	c.tellOriginator()
}

// pickUp answers the leg and runs what hangs on its answer; on the session thread, without s.mu.
func (c *channel) pickUp() {
	c.sw.mu.Lock()
	if c.hungUp || c.answered {
		c.sw.mu.Unlock()
		return
	}
	c.answered = true
	close(c.up)
	if !c.early {
		close(c.heard)
	}
	c.answeredAt = time.Now()
	c.vars.set("endpoint_disposition", "ANSWER")
	c.journal("answer", c.answeredAt)
	c.fire("CHANNEL_ANSWER")
	if c.inbound {
		c.line.told(200, "")
	}
	hooks := c.hooks("answer")
	c.sw.mu.Unlock()
	for _, h := range hooks {
		c.obey(h)
	}
	c.sw.mu.Lock()
	c.ready = true
	c.tellOriginator()
	c.sw.mu.Unlock()
}

func (c *channel) tellOriginator() {
	if c.originator != nil {
		c.originator.kick()
	}
}

// await waits until check, which is called with s.mu held, is true, the leg has hung up, or d has passed; it tells whether check
// became true. A negative d means for ever. Messages that sendmsg queued are obeyed meanwhile if events is set.
func (c *channel) await(d time.Duration, events bool, check func() bool) bool {
	var timeout <-chan time.Time
	if d >= 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timeout = t.C
	}
	for expired := false; ; {
		c.sw.mu.Lock()
		if met := check(); met || c.hungUp {
			c.sw.mu.Unlock()
			return met
		}
		var m *message
		if events && len(c.private) > 0 {
			m, c.private = c.private[0], c.private[1:]
		}
		c.sw.mu.Unlock()
		if m != nil {
			c.obey(m)
			continue
		}
		if expired {
			return false
		}
		select {
		case <-c.wake:
		case <-timeout:
			expired = true
		}
	}
}

// settle waits until a leg that has hung up is over, but no longer than the 20 ms between two looks of FreeSWITCH's originate and park
// loops: mostly the last event of B's leg comes before the next one of A's, and when its CDR is slow it does not.
func (c *channel) settle() {
	t := time.NewTimer(20 * time.Millisecond)
	defer t.Stop()
	select {
	case <-c.over:
	case <-t.C:
	}
}

// gone tells whether the leg has hung up.
func (c *channel) gone() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// finish is the end of the session thread: the last words about the leg.
func (c *channel) finish() {
	s := c.sw
	s.mu.Lock()
	if c.lost {
		s.mu.Unlock()
		close(c.over)
		return
	}
	c.hangup(esl.NormalClearing, "")
	c.bridged = nil
	for _, r := range c.recordings {
		c.stopRecording(r)
	}
	c.state = "CS_REPORTING"
	c.setTotals()
	cdr := c.cdr()
	s.mu.Unlock()

	s.deliverCDR(c.uuid, cdr) // mod_json_cdr has a thread for it; here the leg waits, so that its record is there when it is over

	s.mu.Lock()
	defer s.mu.Unlock()
	if !c.lost {
		c.fire("CHANNEL_HANGUP_COMPLETE")
		c.fire("CHANNEL_DESTROY")
		s.forget(c)
	}
	close(c.over)
}

// forget takes a channel out of the tables; s.mu is held.
func (s *Switch) forget(c *channel) {
	delete(s.channels, c.uuid)
	for i, x := range s.order {
		if x == c {
			s.order = append(s.order[:i:i], s.order[i+1:]...)
			return
		}
	}
}

// setTotals sets the variables that the core sets at the end of a leg (switch_channel_set_timestamps).
func (c *channel) setTotals() {
	v := &c.vars
	v.set("hangup_cause", string(c.cause))
	v.set("hangup_cause_q850", strconv.Itoa(q850(c.cause)))
	stamps := []struct {
		name string
		at   time.Time
	}{
		{"start", c.created}, {"profile_start", c.created}, {"answer", c.answeredAt}, {"bridge", c.bridgedAt},
		{"progress", c.progress}, {"progress_media", c.progressMedia}, {"end", c.ended},
	}
	for _, x := range stamps {
		if !x.at.IsZero() {
			v.set(x.name+"_stamp", x.at.Format(time.DateTime))
		}
	}
	for _, x := range stamps {
		v.set(x.name+"_epoch", strconv.FormatInt(micros(x.at)/1e6, 10))
		v.set(x.name+"_uepoch", strconv.FormatInt(micros(x.at), 10))
	}
	v.set("last_app", c.app)
	v.set("last_arg", c.appArg)
	v.set("caller_id", fmt.Sprintf("%q <%s>", c.cidName, c.cidNumber))
	spans := []struct {
		name string
		from time.Time
	}{{"duration", c.created}, {"billsec", c.answeredAt}}
	for _, x := range spans {
		var d time.Duration
		if !x.from.IsZero() {
			d = c.ended.Sub(x.from)
		}
		v.set(x.name, strconv.FormatInt(int64(d.Round(time.Second)/time.Second), 10))
		stem := map[string]string{"duration": "duration", "billsec": "bill"}[x.name]
		if stem == "bill" {
			v.set("billmsec", strconv.FormatInt(d.Milliseconds(), 10))
			v.set("billusec", strconv.FormatInt(d.Microseconds(), 10))
		} else {
			v.set("mduration", strconv.FormatInt(d.Milliseconds(), 10))
			v.set("uduration", strconv.FormatInt(d.Microseconds(), 10))
		}
	}
	if c.stranger {
		v.unset("sip_network_ip")
		v.unset("sip_network_port")
		return
	}
	v.set("sip_hangup_disposition", c.disposition)
}

// micros is a time as FreeSWITCH tells it: microseconds since 1970, 0 for never.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
