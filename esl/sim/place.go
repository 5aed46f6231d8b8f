package sim

import (
	"strings"

	"maskline/esl"
	"maskline/esl/sim/dialstring"
)

const originateUsage = "-USAGE: <call url> <exten>|&<application_name>(<app_args>) [<dialplan>] [<context>] [<cid_name>] [<cid_num>] [<timeout_sec>]\n"

// originateAPI places a call of the switch's own: `DIALSTRING SCRIPT inline` or `DIALSTRING &app(arg)`. It answers when a leg has answered (or
// sends early media that counts), or none will. s.mu is held, but not while it rings.
func (s *Switch) originateAPI(arg string) string {
	words := dialstring.Words(arg)
	if len(words) < 2 || len(words) > 7 {
		return originateUsage
	}
	d, err := dialstring.Parse(words[0])
	if err != nil {
		return "-ERR " + string(esl.DestinationOutOfOrder) + "\n"
	}
	ghost := &channel{sw: s, wake: make(chan struct{}, 1), done: make(chan struct{}), lost: true}
	s.placing[ghost] = struct{}{}
	s.mu.Unlock()
	b, cause := ghost.originate(d)
	s.mu.Lock()
	delete(s.placing, ghost)
	if b == nil {
		return "-ERR " + string(cause) + "\n"
	}
	b.originator = nil
	b.script = scriptOf(words[1:])
	b.kick()
	return "+OK " + b.uuid + "\n"
}

// scriptOf reads what the leg shall do: one application, a script of the inline dialplan, or an extension, of which the dialplan knows none.
func scriptOf(words []string) []esl.App {
	if text, ok := strings.CutPrefix(words[0], "&"); ok && text != "" {
		text, _, _ = strings.Cut(text, ")")
		name, arg, _ := strings.Cut(text, "(")
		return []esl.App{{Name: name, Arg: arg}}
	}
	if len(words) > 1 && words[1] == "inline" {
		return dialstring.Inline(words[0])
	}
	return []esl.App{{Name: "hangup", Arg: string(esl.NoRouteDestination)}}
}

// perform carries out the leg's script on its session thread, and hangs up after it (switch_core_standard_on_execute). The move to the
// dialplan turns the leg's numbers round: its own party becomes the caller (switch_ivr_session_transfer).
func (c *channel) perform() {
	s := c.sw
	s.mu.Lock()
	script := c.script
	c.state = "CS_EXECUTE"
	c.vars.set("call_uuid", c.uuid)
	c.shownName, c.shownNumber = c.cidName, c.cidNumber
	c.cidName, c.cidNumber = "Outbound Call", c.dest
	s.mu.Unlock()
	for _, a := range script {
		if c.gone() {
			return
		}
		c.execute(a.Name, a.Arg, "")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.hangup(esl.NormalClearing, "")
}

// doze is the application sleep: a key ends it and stays for whoever asks for digits next, unless sleep_eat_digits has it dropped.
func (c *channel) doze(arg string) {
	c.sw.mu.Lock()
	eats := c.vars.yes("sleep_eat_digits")
	c.dozing = !eats
	c.sw.mu.Unlock()
	c.await(milliseconds(arg), true, func() bool { return !eats && len(c.digits) > 0 })
	c.sw.mu.Lock()
	defer c.sw.mu.Unlock()
	c.dozing = false
}
