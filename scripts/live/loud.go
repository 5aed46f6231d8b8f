package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
)

// loud is a phone that names its number wherever a SIP message can carry one, in spellings drawn at random, and does what it is told to.
type loud struct {
	rnd    *rand.Rand
	number string // national
	caller bool
	out    strings.Builder
	cseq   int
}

// plot is what a loud phone does.
type plot struct {
	// A caller's.
	press  string // keys, by INFO, once he hears something
	leaves bool   // CANCEL while it rings
	// A callee's.
	forwarded bool // 181 first
	early     bool // 183 with sound
	final     int  // his answer; 0 for none
	away      string
	// Either's, once they talk.
	acts  []string // of acts
	waits bool     // for the other side's BYE; else he hangs up
	mixed bool     // a caller's offer comes with another part that names him (FreeSWITCH takes no answer with two)
}

// acts are what either party may do in the middle of a call.
var acts = []string{"reinvite", "update", "info", "message", "options", "notify", "subscribe", "refer"}

// script is the scenario for one phone of this number. seed makes it the same again.
func (p plot) script(seed uint64, number string, caller bool) string {
	l := &loud{rnd: rand.New(rand.NewPCG(seed, 1)), number: number, caller: caller, cseq: 1} //nolint:gosec // not a secret
	l.line(`<?xml version="1.0" encoding="UTF-8" ?>`, `<!DOCTYPE scenario SYSTEM "sipp.dtd">`, `<scenario name="loud">`)
	if caller {
		l.call(p)
	} else {
		l.take(p)
	}
	l.line(`</scenario>`)
	return l.out.String()
}

func (l *loud) line(lines ...string) {
	for _, s := range lines {
		l.out.WriteString(s)
		l.out.WriteByte('\n')
	}
}

// say is the number in one of the spellings that a URI takes.
func (l *loud) say() string {
	n := l.number
	grouped := n[:3] + "-" + n[3:7] + "-" + n[7:]
	all := []string{"86" + n, "+86" + n, "0086" + n, n, "%2B86" + n, grouped, "+86-" + grouped, escapedDigits(n)}
	return all[l.rnd.IntN(len(all))]
}

// encoded is the number in one of the spellings that hide it.
func (l *loud) encoded() string {
	n := []byte(`{"tn":"86` + l.number + `"}`)
	all := []string{base64.StdEncoding.EncodeToString(n), base64.RawURLEncoding.EncodeToString(n[1:]), base64.RawURLEncoding.EncodeToString(n[2:]), hex.EncodeToString(n)}
	return all[l.rnd.IntN(len(all))]
}

func escapedDigits(n string) string {
	var b strings.Builder
	for _, c := range []byte(n) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// carriers are the headers that can carry a number, each with it.
func (l *loud) carriers() []string {
	uri := func() string { return "<sip:" + l.say() + "@[local_ip]>" }
	return []string{
		`P-Asserted-Identity: "` + l.say() + `" ` + uri(), "P-Asserted-Identity: <tel:" + l.say() + ">", `P-Preferred-Identity: "` + l.say() + `" ` + uri(),
		`Remote-Party-ID: "` + l.say() + `" ` + uri() + ";party=calling;screen=yes;privacy=off",
		"Identity: " + shakenToken("86"+l.number) + ";info=<https://[local_ip]/" + l.say() + ".cer>;alg=ES256;ppt=shaken",
		"Diversion: " + uri() + ";reason=unconditional;counter=1", "History-Info: " + uri() + ";index=1, " + uri() + ";index=1.1;mp=1",
		"User-to-User: " + hex.EncodeToString([]byte("86"+l.number)) + ";encoding=hex", "User-to-User: " + l.encoded() + ";encoding=hex;purpose=isdn-uui",
		"Call-Info: <http://[local_ip]/" + l.say() + ".vcf>;purpose=info", "Alert-Info: <http://[local_ip]/" + l.say() + ".wav>", "Error-Info: " + uri(),
		"Referred-By: " + uri(), "Reply-To: " + uri(), "Subject: " + l.say(), "Organization: " + l.say(), "In-Reply-To: " + l.say() + "@[local_ip]",
		`Reason: SIP;cause=200;text="` + l.say() + `"`, `Warning: 399 [local_ip] "` + l.say() + `"`,
		"P-Charging-Vector: icid-value=" + l.say() + ";orig-ioi=" + l.say(), "P-Charging-Function-Addresses: ccf=" + l.say(),
		"P-Access-Network-Info: 3GPP-E-UTRAN-FDD; utran-cell-id-3gpp=" + l.number, "P-Called-Party-ID: " + uri(), "P-Associated-URI: " + uri(), "P-Served-User: " + uri(),
		"Session-ID: " + hex.EncodeToString([]byte("86" + l.number + "00000"))[:32], "Geolocation: <cid:" + l.say() + "@[local_ip]>", `Accept-Contact: *;name="` + l.say() + `"`,
		"Geolocation-Routing: no", "Feature-Caps: *;+g.x.name=\"<" + l.say() + ">\"",
		"X-Caller: " + l.say(), "X-Token: " + l.encoded(), "P-X-Number: " + l.say(), "X-Auth-IP: " + l.say(), "X-Accountcode: " + l.say(),
		"X-FS-Display-Number: " + l.say(), "X-FS-Display-Name: " + l.say(), "X-FS-Support: update_display,send_info",
		map[bool]string{true: "User-Agent: phone-", false: "Server: phone-"}[l.caller] + l.say(),
	}
}

// sdp is a session description that names the phone.
func (l *loud) sdp(direction string) []string {
	l.cseq++ // a new version
	return []string{"v=0", fmt.Sprintf("o=%s %d %d IN IP[local_ip_type] [local_ip]", l.say(), l.cseq, l.cseq), "s=" + l.say(), "i=" + l.say(), "u=http://[local_ip]/" + l.say(),
		"e=" + l.say() + "@x.example", "p=" + l.say(), "c=IN IP[media_ip_type] [media_ip]", "t=0 0", "a=x-name:" + l.say(), "m=audio [media_port] RTP/AVP 8 101", "i=" + l.say(),
		"a=rtpmap:8 PCMA/8000", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15", "a=label:" + l.number, "a=ssrc:77 cname:" + l.say(), "a=ptime:20", "a=" + direction}
}

// withSDP is a body of a description, alone or beside a part that names the phone.
func (l *loud) withSDP(mixed bool, direction string) []string {
	if !mixed {
		return append([]string{"Content-Type: application/sdp", "Content-Length: [len]", ""}, l.sdp(direction)...)
	}
	body := []string{"MIME-Version: 1.0", "Content-Type: multipart/mixed;boundary=edge", "Content-Length: [len]", "", "--edge", "Content-Type: application/sdp", ""}
	body = append(body, l.sdp(direction)...)
	return append(body, "--edge", "Content-Type: application/isup;version=itu-t92+;base=itu-t92+", "Content-ID: <"+l.number+"@x>", "", l.encoded(), "--edge", "Content-Type: text/plain", "", "I am "+l.say(), "--edge--")
}

// send writes a message. A request that is sent again until it is answered has retrans.
func (l *loud) send(retrans bool, first string, head []string, body []string) {
	attr := ""
	if retrans {
		attr = ` retrans="500"`
	}
	l.line("<send" + attr + "><![CDATA[")
	l.line("", first)
	l.line(head...)
	if body == nil {
		body = []string{"Content-Length: 0"}
	}
	l.line(body...)
	l.line("", "]]></send>")
}

// request is one within the dialog, or, for a caller, the one that begins it.
func (l *loud) request(method string, cseq int, early bool, body []string, more ...string) {
	from, to, target := `"`+l.number+`" <sip:86`+l.number+`@[local_ip]:[local_port]>;tag=`+l.number+`-[pid]a[call_number]`, "<sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]", "[next_url]"
	if !l.caller {
		from, to = "[$btag]", "[$atag]"
	}
	if early {
		target = "sip:[service]@[remote_ip]:[remote_port]"
	}
	if method == "INVITE" && early {
		to = "<sip:[service]@[remote_ip]:[remote_port]>"
	}
	head := []string{"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]", "From: " + from, "To: " + to}
	if !early {
		head = append(head, "[routes]")
	}
	head = append(head, "Call-ID: [call_id]", fmt.Sprintf("CSeq: %d %s", cseq, method), "Max-Forwards: 70", `Contact: "`+l.say()+`" <sip:86`+l.number+`@[local_ip]:[local_port]>`)
	if method != "ACK" {
		head = append(head, "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, MESSAGE, REFER, NOTIFY, SUBSCRIBE", "Supported: replaces, from-change, histinfo, timer, norefersub")
		head = append(head, l.carriers()...)
	}
	l.send(method != "ACK", method+" "+target+" SIP/2.0", append(head, more...), body)
}

// act does one thing in the middle of the call, and takes any answer to it.
func (l *loud) act(name string, cseq int) (next int) {
	said := []string{"Content-Type: text/plain", "Content-Length: [len]", "", "I am " + l.say() + ", " + l.encoded()}
	switch name {
	case "reinvite":
		for _, direction := range []string{"sendonly", "sendrecv"} {
			l.request("INVITE", cseq, false, l.withSDP(false, direction))
			l.line(`<recv response="100" optional="true"/>`, `<recv response="200"/>`)
			l.request("ACK", cseq, false, nil)
			l.line(`<pause milliseconds="200"/>`)
			cseq++
		}
		return cseq
	case "update":
		l.request("UPDATE", cseq, false, nil)
	case "info":
		l.request("INFO", cseq, false, []string{"Content-Type: message/update_display", "Content-Length: [len]", "", "from:", l.say()})
	case "message":
		l.request("MESSAGE", cseq, false, said)
	case "options":
		l.request("OPTIONS", cseq, false, nil)
	case "notify":
		l.request("NOTIFY", cseq, false, said, "Event: refer", "Subscription-State: active")
	case "subscribe":
		l.request("SUBSCRIBE", cseq, false, nil, "Event: dialog", "Expires: 60", "Accept: application/dialog-info+xml")
	case "refer":
		l.request("REFER", cseq, false, nil, "Refer-To: <sip:9999@[remote_ip]:[remote_port]?P-Asserted-Identity="+l.say()+">")
	}
	over := fmt.Sprintf("over%d", cseq)
	l.refusals(over, "202")
	l.line(`<recv response="200"/>`, `<label id="`+over+`"/>`, `<pause milliseconds="200"/>`)
	return cseq + 1
}

// refusals goes on at a label when the answer is one of these.
func (l *loud) refusals(label string, more ...string) {
	known := strings.Fields("400 403 404 405 406 408 415 420 480 481 486 487 488 489 491 500 501 503 580 600 603")
	for _, code := range append(known, more...) {
		l.line(`<recv response="` + code + `" optional="true" next="` + label + `"/>`)
	}
}

// end is what comes once they talk.
func (l *loud) end(p plot, cseq int) {
	l.line(`<pause milliseconds="400"/>`)
	for _, a := range p.acts {
		cseq = l.act(a, cseq)
	}
	if p.waits {
		l.line(`<recv request="BYE"/>`)
		l.answer("200 OK", "", nil)
		return
	}
	l.line("<pause/>")
	l.request("BYE", cseq, false, nil)
	l.line(`<recv response="200"/>`)
}

// answer answers the last request.
func (l *loud) answer(status, tag string, body []string) {
	head := []string{"[last_Via:]", "[last_From:]", "[last_To:]" + tag, "[last_Call-ID:]", "[last_CSeq:]", "[last_Record-Route:]"}
	if !strings.HasPrefix(status, "100") {
		head = append(head, `Contact: "`+l.say()+`" <sip:86`+l.number+`@[local_ip]:[local_port]>`)
		head = append(head, l.carriers()...)
	}
	l.send(body != nil && strings.HasPrefix(status, "200"), "SIP/2.0 "+status, head, body)
}

// call is a caller's script.
func (l *loud) call(p plot) {
	l.request("INVITE", 1, true, l.withSDP(p.mixed, "sendrecv"))
	l.line(`<recv response="100" optional="true"/>`)
	cseq := 2
	switch {
	case p.press != "":
		l.line(`<recv response="183" rrs="true"/>`, `<pause milliseconds="1000"/>`)
		for _, key := range p.press {
			l.request("INFO", cseq, true, []string{"Content-Type: application/dtmf-relay", "Content-Length: [len]", "", "Signal=" + string(key), "Duration=160"})
			l.line(`<recv response="200"/>`)
			cseq++
		}
	case p.leaves:
		l.line(`<recv response="183" optional="true" next="rings"/>`, `<recv response="180" next="rings"/>`, `<label id="rings"/>`, `<pause milliseconds="3000"/>`)
		l.send(true, "CANCEL sip:[service]@[remote_ip]:[remote_port] SIP/2.0", append([]string{"[last_Via:]", `From: "` + l.number + `" <sip:86` + l.number + `@[local_ip]:[local_port]>;tag=` + l.number + `-[pid]a[call_number]`,
			"To: <sip:[service]@[remote_ip]:[remote_port]>", "Call-ID: [call_id]", "CSeq: 1 CANCEL", "Max-Forwards: 70"}, l.carriers()...), nil)
		l.line(`<recv response="180" optional="true"/>`, `<recv response="183" optional="true"/>`, `<recv response="200"/>`, `<recv response="487"/>`)
		l.ackRefusal()
		return
	}
	l.line(`<recv response="180" optional="true"/>`, `<recv response="183" optional="true"/>`)
	l.refusals("refused")
	l.line(`<recv response="200" rrs="true"/>`)
	l.request("ACK", 1, false, nil)
	l.end(p, cseq)
	l.line(`<nop next="over"/>`, `<label id="refused"/>`)
	l.ackRefusal()
	l.line(`<label id="over"/>`)
}

func (l *loud) ackRefusal() {
	l.send(false, "ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0", []string{"[last_Via:]", `From: "` + l.number + `" <sip:86` + l.number + `@[local_ip]:[local_port]>;tag=` + l.number + `-[pid]a[call_number]`,
		"[last_To:]", "Call-ID: [call_id]", "CSeq: 1 ACK", "Max-Forwards: 70"}, nil)
}

// phrase is a status whose reason is the number.
func (l *loud) phrase(status int) string { return fmt.Sprintf("%d %s", status, l.say()) }

// take is a callee's script.
func (l *loud) take(p plot) {
	tag := ";tag=" + l.number + "-[pid]b[call_number]"
	l.line(`<recv request="INVITE" rrs="true" crlf="true"><action>`, `<ereg regexp="[^ ].*" search_in="hdr" header="From:" assign_to="atag"/>`, `<ereg regexp="[^ ].*" search_in="hdr" header="To:" assign_to="to"/>`,
		`<ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="cseq"/>`, `</action></recv>`, `<nop><action><assignstr assign_to="btag" value="[$to]`+tag+`"/></action></nop>`)
	l.line(`<Reference variables="atag,to,btag,cseq"/>`)
	l.answer("100 Trying", "", nil)
	if p.forwarded {
		l.answer(l.phrase(181), tag, nil)
		l.line(`<pause milliseconds="300"/>`)
	}
	rings := p.final < 300 || p.final == 486
	switch {
	case p.early:
		l.answer(l.phrase(183), tag, l.withSDP(false, "sendrecv"))
		l.line(`<pause milliseconds="1500"/>`)
	case rings:
		l.answer(l.phrase(180), tag, nil)
		l.line(`<pause milliseconds="1500"/>`)
	}
	switch {
	case p.final == 0:
		l.line(`<recv request="CANCEL"/>`)
		l.answer("200 OK", "", nil)
		l.send(false, "SIP/2.0 "+l.phrase(487), append([]string{"[last_Via:]", "[last_From:]", "[last_To:]" + tag, "[last_Call-ID:]", "CSeq: [$cseq] INVITE"}, l.carriers()...), nil)
		l.line(`<recv request="ACK"/>`)
	case p.final >= 300:
		head := []string{"[last_Via:]", "[last_From:]", "[last_To:]" + tag, "[last_Call-ID:]", "[last_CSeq:]"}
		if p.away != "" {
			head = append(head, `Contact: "`+l.say()+`" <sip:`+p.away+`?Diversion=`+l.say()+`>`)
		}
		l.send(true, "SIP/2.0 "+l.phrase(p.final), append(head, l.carriers()...), nil)
		l.line(`<recv request="ACK"/>`)
	default:
		l.answer("200 "+l.say(), tag, l.withSDP(false, "sendrecv"))
		l.line(`<recv request="ACK"/>`)
		l.end(p, 1)
	}
}
