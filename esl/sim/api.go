package sim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"maskline/esl/sim/dialstring"
	"maskline/esl/wire"
)

// noChannel is the answer of every uuid_… command to a leg that is not there.
const noChannel = "-ERR No such channel!\n"

// api runs an api command and gives its answer's text. s.mu is not held.
func (s *Switch) api(name, arg string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch name = strings.ToLower(name); name {
	case "status":
		return s.status()
	case "version":
		return "FreeSWITCH Version " + version + " (simulated)\n"
	case "create_uuid":
		return newUUID()
	case "reloadxml":
		return "+OK [Success]\n"
	case "show":
		return s.show(arg)
	case "global_getvar":
		return s.globals[arg]
	case "global_setvar":
		n, v := cutVar(arg)
		if len(s.globals) < maxPrivate {
			s.globals[n] = v
		}
		return "+OK"
	case "eval":
		return s.expand(arg, func(string) (string, bool) { return "", false })
	case "expand":
		n, rest, _ := strings.Cut(s.expand(arg, func(string) (string, bool) { return "", false }), " ")
		s.mu.Unlock()
		text := s.api(n, rest)
		s.mu.Lock()
		return text
	case "hupall":
		return s.hangupAll(arg)
	case "sched_del":
		return fmt.Sprintf("+OK Deleted: %d\n", s.dropTasks(arg))
	case "sched_hangup", "sched_broadcast":
		return s.schedFor(name, arg)
	case "sched_api":
		return s.schedAPI(arg)
	case "sofia":
		return s.sofia(arg)
	case "originate":
		return s.originateAPI(arg)
	case "fsctl":
		return s.fsctl(arg)
	case "module_exists":
		return "true"
	case "uuid_exists":
		return strconv.FormatBool(s.channels[arg] != nil)
	}
	if strings.HasPrefix(name, "uuid_") {
		return s.legAPI(name, arg)
	}
	return "-ERR " + name + " Command not found!\n"
}

func (s *Switch) status() string {
	n := len(s.channels)
	return fmt.Sprintf("UP %s\nFreeSWITCH (Version %s) is ready\n%d session(s) since startup\n%d session(s) - peak %d, last 5min %d \n"+
		"0 session(s) per Sec out of max 30, peak 0, last 5min 0 \n%d session(s) max\nmin idle cpu 0.00/99.00\n"+
		"Current Stack Size/Max 240K/8192K\n", upTime(time.Since(s.born)), version, s.sessions, n, n, n, 2*s.opt.MaxCalls)
}

func (s *Switch) hangupAll(arg string) string {
	cause, rest, _ := strings.Cut(arg, " ")
	c := causeOf(orElse(cause, "MANAGER_REQUEST"))
	name, value, one := strings.Cut(rest, " ")
	for _, x := range slices.Clone(s.order) {
		if !one || x.vars.get(name) == value {
			x.hangup(c, "")
		}
	}
	return "+OK hangup all channels with cause " + string(c) + "\n"
}

// schedFor is sched_hangup and sched_broadcast: "+N uuid …".
func (s *Switch) schedFor(name, arg string) string {
	f := strings.Fields(arg)
	if len(f) < 2 {
		return "-USAGE: [+]<time> <uuid> …\n"
	}
	c := s.channels[f[1]]
	if c == nil {
		return noChannel
	}
	rest := strings.Join(append(f[:1:1], f[2:]...), " ")
	if name == "sched_hangup" {
		s.schedHangup(c, rest)
	} else {
		s.schedBroadcast(c, rest)
	}
	return "+OK\n"
}

// schedAPI is "[+]N group command args".
func (s *Switch) schedAPI(arg string) string {
	f := strings.SplitN(strings.TrimPrefix(arg, "@"), " ", 3)
	if len(f) < 3 {
		return "-ERR Invalid syntax. USAGE: [+@]<time> <group_name> <command_string>\n"
	}
	name, rest, _ := strings.Cut(f[2], " ")
	id := s.schedule(f[1], seconds(f[0]), func() { s.spawn(func() { s.api(name, rest) }) })
	return fmt.Sprintf("+OK Added: %d\n", id)
}

// sofia answers what a check of the trunks asks.
func (s *Switch) sofia(arg string) string {
	f := strings.Fields(arg)
	rule := strings.Repeat("=", 97) + "\n"
	switch {
	case len(f) == 3 && f[0] == "status" && f[1] == "gateway":
		if !s.knows(f[2]) {
			return "Invalid Gateway!\n"
		}
		state := "UP"
		if s.down[f[2]] {
			state = "DOWN"
		}
		return rule + fmt.Sprintf("Name    \t%s\nProfile \tcarrier\nScheme  \tDigest\nPing    \t0\nState   \tNOREG\nStatus  \t%s\nUptime  \t%ds\n"+
			"CallsIN \t0\nCallsOUT\t0\nFailedCallsIN\t0\nFailedCallsOUT\t0\n", f[2], state, int(time.Since(s.born).Seconds())) + rule
	case len(f) == 1 && f[0] == "status":
		var text strings.Builder
		text.WriteString("                     Name\t   Type\t                                      Data\tState\n" + rule +
			"                  carrier\tprofile\t             sip:mod_sofia@127.0.0.1:5080\tRUNNING (0)\n")
		for _, g := range s.opt.Gateways {
			fmt.Fprintf(&text, "%25s\tgateway\t%42s\tNOREG\n", "carrier::"+g, "sip:"+g+"@127.0.0.1")
		}
		return text.String() + rule + "1 profile 0 aliases\n"
	case len(f) >= 3 && f[0] == "status" && f[1] == "profile":
		return rule + "Name             \tcarrier\n"
	case len(f) >= 1 && f[0] == "profile":
		return "+OK\n"
	}
	return "-USAGE: sofia status|profile\n"
}

// columns are those of `show channels`, in FreeSWITCH's order (switch_core_sqldb.c).
var columns = strings.Fields(`uuid direction created created_epoch name state cid_name cid_num ip_addr dest application application_data
	dialplan context read_codec read_rate read_bit_rate write_codec write_rate write_bit_rate secure hostname presence_id presence_data
	accountcode callstate callee_name callee_num callee_direction call_uuid sent_callee_name sent_callee_num initial_cid_name
	initial_cid_num initial_ip_addr initial_dest initial_dialplan initial_context`)

// show answers `channels`, `calls` and `registrations`, counted, as json, or as comma-separated lines.
func (s *Switch) show(arg string) string {
	f := strings.Fields(arg)
	if len(f) == 0 || !slices.Contains([]string{"channels", "calls", "registrations"}, f[0]) {
		return "-USAGE: channels|calls [as json|count]\n"
	}
	var rows []map[string]string
	for _, c := range s.order {
		if f[0] == "channels" || f[0] == "calls" && c.inbound && c.bridged != nil {
			rows = append(rows, c.row())
		}
	}
	switch {
	case slices.Contains(f, "count"):
		return fmt.Sprintf("\n%d total.\n", len(rows))
	case slices.Contains(f, "json"):
		return rowsJSON(rows)
	case len(rows) == 0:
		return "\n0 total.\n"
	}
	lines := []string{strings.Join(columns, ",")}
	for _, r := range rows {
		values := make([]string, len(columns))
		for i, name := range columns {
			values[i] = r[name]
		}
		lines = append(lines, strings.Join(values, ","))
	}
	return strings.Join(lines, "\n") + fmt.Sprintf("\n\n%d total.\n", len(rows))
}

// rowsJSON writes rows with their columns in order; an empty table has no rows, as FreeSWITCH writes it.
func rowsJSON(rows []map[string]string) string {
	if len(rows) == 0 {
		return `{"row_count": 0}` + "\n"
	}
	b := []byte(fmt.Sprintf(`{"row_count":%d,"rows":[`, len(rows)))
	for i, r := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		for j, name := range columns {
			if j > 0 {
				b = append(b, ',')
			}
			value, _ := json.Marshal(r[name]) // a string always marshals
			b = strconv.AppendQuote(b, name)
			b = append(append(b, ':'), value...)
		}
		b = append(b, '}')
	}
	return string(append(b, "]}"...))
}

// row is the leg's line in `show channels`.
func (c *channel) row() map[string]string {
	r := map[string]string{
		"uuid": c.uuid, "direction": c.direction(), "created": c.created.Format(time.DateTime),
		"created_epoch": strconv.FormatInt(c.created.Unix(), 10), "name": c.name, "state": c.state, "cid_name": c.cidName,
		"cid_num": c.cidNumber, "ip_addr": c.address, "dest": c.dest, "application": c.app, "application_data": c.appArg,
		"dialplan": "XML", "context": "maskline", "hostname": c.sw.opt.Hostname, "presence_data": c.vars.get("presence_data"),
		"accountcode": c.vars.get("accountcode"), "callstate": c.callState(), "callee_name": c.calleeName(), "callee_num": c.calleeNumber(),
		"call_uuid": c.vars.get("call_uuid"), "initial_cid_name": c.cidName, "initial_cid_num": c.cidNumber, "initial_ip_addr": c.address,
		"initial_dest": c.dest, "initial_dialplan": "XML", "initial_context": "maskline",
	}
	if c.inbound || c.early || c.answered {
		for _, way := range []string{"read", "write"} {
			r[way+"_codec"], r[way+"_rate"], r[way+"_bit_rate"] = "PCMA", "8000", "64000"
		}
	}
	return r
}

// legAPI runs the commands whose first word is a leg.
func (s *Switch) legAPI(name, arg string) string {
	leg, rest, _ := strings.Cut(arg, " ")
	usage := map[string]string{
		"uuid_kill": "<uuid> [cause]", "uuid_dump": "<uuid> [format]", "uuid_setvar": "<uuid> <var> [value]",
		"uuid_setvar_multi": "<uuid> <var>=<value>;<var>=<value>...", "uuid_getvar": "<uuid> <var>", "uuid_break": "<uuid> [all]",
		"uuid_broadcast": "<uuid> <path> [aleg|bleg|holdb|both]", "uuid_answer": "<uuid>", "uuid_pre_answer": "<uuid>", "uuid_park": "<uuid>",
		"uuid_ring_ready": "<uuid> [queued]",
	}[name]
	if usage == "" {
		return "-ERR " + name + " Command not found!\n"
	}
	c := s.channels[leg]
	switch {
	case leg == "":
		return "-USAGE: " + usage + "\n"
	case c == nil && name == "uuid_broadcast":
		return "-ERR invalid uuid\n"
	case c == nil && name == "uuid_ring_ready":
		return "-ERROR\n"
	case c == nil && name == "uuid_setvar_multi":
		return noChannel + "-USAGE: " + usage + "\n"
	case c == nil:
		return noChannel
	}
	switch name {
	case "uuid_kill":
		c.hangup(causeOf(orElse(rest, "NORMAL_CLEARING")), "")
	case "uuid_dump":
		return c.dump()
	case "uuid_setvar":
		n, v, _ := strings.Cut(rest, " ")
		c.vars.set(n, v)
	case "uuid_setvar_multi":
		for _, item := range dialstring.Separate(rest, ';', 64) {
			c.vars.set(cutVar(item))
		}
	case "uuid_getvar":
		return orElse(c.vars.get(rest), "_undef_")
	case "uuid_break":
		c.breakApp(rest == "all")
	case "uuid_broadcast":
		what, who, _ := strings.Cut(rest, " ")
		c.broadcast(what, orElse(who, "aleg"))
		return "+OK Message sent\n"
	case "uuid_answer":
		c.private = append(c.private, &message{app: "answer"})
		c.kick()
	case "uuid_pre_answer":
		c.preAnswer()
	case "uuid_ring_ready":
		c.ring()
	}
	return "+OK\n"
}

// dump is the CHANNEL_DATA event of a leg as text.
func (c *channel) dump() string {
	e := c.sw.event("CHANNEL_DATA")
	c.describe(e)
	return string(wire.AppendPlain(nil, c.vars.fields(e.fields), ""))
}
