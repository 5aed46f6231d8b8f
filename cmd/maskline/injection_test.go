package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/web/admin"
)

// evil stands in every payload. It has no business on the wire to a switch, escaped or not.
const evil = "evilmark"

// payloads are what ends a command, a header, a variable, a dial string, an application's argument or a path, on the Event Socket or in FreeSWITCH's
// own languages.
var payloads = []string{
	"\r\n\r\nbgapi " + evil, "\nexecute-app-name: " + evil, "\x00" + evil, "{" + evil + "=1}", "[" + evil + "=1]", "<" + evil + "=1>", "," + evil + "=1", "^^:" + evil + "=1:",
	"${" + evil + "()}", "$${" + evil + "}", "`" + evil + "`", "'" + evil + "'", "\"" + evil + "\"", "\\n" + evil, "\\s" + evil, ";" + evil, "|" + evil, "!" + evil, "&park() " + evil,
	"%0d%0a%0d%0abgapi%20" + evil, "../../" + evil + ".wav", evil + ".wav\x00.wav", "\u2028" + evil, "\u0085" + evil, "｛" + evil + "＝1｝", "＋86138" + evil, "$\u200b{" + evil + "}",
}

// tap is a line between daemon and switch that keeps what the daemon says.
type tap struct {
	net.Listener
	wg   sync.WaitGroup
	mu   sync.Mutex
	said map[int]*bytes.Buffer // of each connection
}

func newTap(t *testing.T, to string) *tap {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &tap{Listener: l, said: map[int]*bytes.Buffer{}}
	p.wg.Go(func() {
		for n := 0; ; n++ {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			p.wg.Go(func() { _, _ = io.Copy(near, far); _ = near.Close(); _ = far.Close() })
			p.wg.Go(func() { _, _ = io.Copy(far, io.TeeReader(near, p.of(n))); _ = near.Close(); _ = far.Close() })
		}
	})
	t.Cleanup(func() { _ = l.Close(); p.wg.Wait() })
	return p
}

// heard is the writer of one connection.
type heard struct {
	p *tap
	n int
}

func (p *tap) of(n int) io.Writer { return heard{p, n} }

func (h heard) Write(b []byte) (int, error) {
	h.p.mu.Lock()
	defer h.p.mu.Unlock()
	if h.p.said[h.n] == nil {
		h.p.said[h.n] = &bytes.Buffer{}
	}
	return h.p.said[h.n].Write(b)
}

// commands are the first lines of all that was said, as the switch takes it apart: headers to an empty line, then so many bytes as they name.
func (p *tap) commands() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range p.said {
		r := bufio.NewReader(bytes.NewReader(b.Bytes()))
		for first, length := "", 0; ; {
			line, err := r.ReadString('\n')
			if err != nil {
				break
			}
			line = strings.TrimRight(line, "\r\n")
			if n, ok := strings.CutPrefix(strings.ToLower(line), "content-length:"); ok {
				length, _ = strconv.Atoi(strings.TrimSpace(n))
			}
			if first == "" {
				first = line
			}
			if line == "" && first != "" {
				all = append(all, first)
				_, _ = r.Discard(length)
				first, length = "", 0
			}
		}
	}
	return all
}

func (p *tap) says(word string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range p.said {
		if i := bytes.Index(bytes.ToLower(b.Bytes()), []byte(word)); i >= 0 {
			return fmt.Sprintf("%q", b.Bytes()[max(0, i-200):min(b.Len(), i+100)])
		}
	}
	return ""
}

// known are all first lines that the daemon has to say to a switch.
var known = regexp.MustCompile(`^(auth |event plain |events? |filter |nixevent |sendmsg [0-9a-f-]{36}$|bgapi (originate|uuid_|sched_|show |fsctl |sofia |reloadxml)|` +
	`api (uuid_|sched_|show |status|fsctl |sofia |strftime|hostname|global_getvar|create_uuid|eval |version|expand |module_exists|switchname)|linger|exit|log |myevents)`)

// tenantCase is one endpoint of the tenant API with a body that works. Where it makes a binding, x is the number that it is on and id the member
// of the answer that names it.
type tenantCase struct {
	mode, method, path, body string
	x                        string
	query                    bool
}

func tenantCases(b64 func(string) string) []tenantCase {
	const axb, ax, axe, axyb = "+8617000000001", "+8617000000011", "+8617000000021", "+8617000000031"
	tones := `"recordFlag":true,"recordHintTone":"busy.wav","maxDuration":5,"lastMinVoice":"busy.wav","preVoice":{"callerHintTone":"busy.wav","calleeHintTone":"busy.wav"},"userData":"u"`
	link := b64("http://127.0.0.1:1/x")
	return []tenantCase{
		{"axb", "POST", "/rest/caas/relationnumber/partners/v1.0", `{"relationNum":"` + axb + `","callerNum":"+8613800000001","calleeNum":"+8613800000002","areaCode":"0755","callDirection":0,"duration":600,"privateSms":false,` + tones + `}`, axb, false},
		{"axb", "PUT", "/rest/caas/relationnumber/partners/v1.0", `{"subscriptionId":"SUBSCRIPTION","callerNum":"+8613800000001","calleeNum":"+8613800000002","duration":600,` + tones + `}`, "+8617000000002", false},
		{"axb", "DELETE", "/rest/caas/relationnumber/partners/v1.0", `{"subscriptionId":"s","relationNum":"+8617000000009"}`, "", true},
		{"axb", "GET", "/rest/caas/relationnumber/partners/v1.0", `{"subscriptionId":"s","relationNum":"` + axb + `","pageIndex":"1","pageSize":"1"}`, "", true},
		{"ax", "POST", "/rest/provision/caas/privatenumber/v1.0", `{"origNum":"+8613800000001","privateNum":"` + ax + `","privateNumType":"mobile-virtual","calleeNumDisplay":"0","areaCode":"0755",` + tones + `}`, ax, false},
		{"ax", "PUT", "/rest/provision/caas/privatenumber/v1.0", `{"subscriptionId":"SUBSCRIPTION","origNum":"+8613800000001","privateNum":"+8617000000012","turnFlag":"off","calleeNumDisplay":"0",` + tones + `}`, "+8617000000012", false},
		{"ax", "DELETE", "/rest/provision/caas/privatenumber/v1.0", `{"subscriptionId":"s","origNum":"+8613800000009","privateNum":"+8617000000019"}`, "", true},
		{"ax", "GET", "/rest/provision/caas/privatenumber/v1.0", `{"subscriptionId":"s","origNum":"+8613800000001"}`, "", true},
		{"ax", "PUT", "/rest/caas/privatenumber/calleenumber/v1.0", `{"subscriptionId":"SUBSCRIPTION","origNum":"+8613800000001","privateNum":"+8617000000012","calleeNum":"+8613800000002","duration":10}`, "+8617000000012", false},
		{"axe", "POST", "/rest/caas/extendnumber/v1.0", `{"virtualNum":"` + axe + `","bindNum":"+8613800000001","extendNum":"7","areaCode":"0755","displayNumMode":"0","callbackNum":"+8613900000003","userData":"u","recordFlag":true,"recordHintTone":"busy.wav"}`, axe, false},
		{"axe", "POST", "/rest/caas/extendnumber/v1.0", `{"virtualNum":"` + axe + `","bindNum":"+8613800000001","extendNum":"8","callbackTone":"busy.wav"}`, axe, false},
		{"axe", "PUT", "/rest/caas/extendnumber/v1.0", `{"subscriptionId":"SUBSCRIPTION","bindNum":"+8613800000001","bindExpiredTime":"60"}`, "+8617000000022", false},
		{"axe", "DELETE", "/rest/caas/extendnumber/v1.0", `{"subscriptionId":"s","virtualNum":"+8617000000029","extendNum":"9"}`, "", true},
		{"axe", "GET", "/rest/caas/extendnumber/v1.0", `{"subscriptionId":"s","virtualNum":"` + axe + `"}`, "", true},
		{"axyb", "POST", "/rest/omp/xyrelationnumber/v1.0?app_key=APPKEY", `{"origNum":"+8613800000001","areaCode":"0755","areaMatchMode":"0","duration":600,"ybDuration":60,"callDirection":0,"userData":"u","recordFlag":"true","recordHintTone":"busy.wav","preVoiceX":"busy.wav","preVoiceY":"busy.wav"}`, axyb, false},
		{"axyb", "POST", "/rest/omp/xyrelationnumber/v1.0?app_key=APPKEY", `{"origNum":"+8613800000002","areaCode":"0755","subscriptionId":"SUBSCRIPTION"}`, "", false},
		{"axyb", "DELETE", "/rest/omp/xyrelationnumber/v1.0", `{"app_key":"APPKEY","subscriptionId":"s"}`, "", true},
		{"axyb", "GET", "/rest/omp/xyrelationnumber/v1.0", `{"app_key":"APPKEY","subscriptionId":"s"}`, "", true},
		{"axb", "POST", "/rest/httpsessions/callStop/v2.0", `{"sessionid":"s@fs1","signal":"call_stop"}`, "", false},
		{"axb", "GET", "/rest/provision/voice/record/v1.0", `{"fileName":"r.wav","recordDomain":"d"}`, "", true},
		{"voice", "POST", "/rest/httpsessions/click2Call/v2.0", `{"displayNbr":"+867550000001","callerNbr":"+8613800000001","displayCalleeNbr":"+867550000001","calleeNbr":"+8613800000002","maxDuration":5,"lastMinVoice":"busy.wav","lastMinToUE":"both","playPreVoice":"true","preVoice":"busy.wav","waitVoice":"busy.wav","calleeMedia":"all","statusUrl":"` + link + `","feeUrl":"` + link + `","recordFlag":"false","recordHintTone":"busy.wav","partyTypeRequiredInDisconnect":"true","returnIdlePort":"true","userData":"u"}`, "", false},
		{"voice", "POST", "/rest/httpsessions/callnotify/v2.0", `{"displayNbr":"+867550000001","calleeNbr":"+8613800000002","playInfoList":[{"notifyVoice":"busy.wav","collectInd":1,"replayAfterCollection":"true","collectContentTriggerReplaying":"1"},{"notifyVoice":"no_answer.wav"}],"statusUrl":"` + link + `","feeUrl":"` + link + `","userData":"u"}`, "", false},
		{"voice", "POST", "/rest/httpsessions/callVerify/v1.0", `{"displayNbr":"+867550000001","calleeNbr":"+8613800000002","languageType":1,"preTone":"busy.wav","verifyCode":"1234","posTone":"busy.wav","times":1,"statusUrl":"` + link + `","feeUrl":"` + link + `","userData":"u"}`, "", false},
	}
}

// fieldNames are the parameters that the tenant API knows, by its own source: a new one is tried without a word here.
func fieldNames(t testing.TB) []string {
	t.Helper()
	return slices.DeleteFunc(literals(t, regexp.MustCompile(`^[a-z]+([A-Z][A-Za-z]*)*$`)), func(s string) bool { return len(s) > 40 })
}

// literals are the strings that stand in the tenant API's source and match.
func literals(t testing.TB, like *regexp.Regexp) []string {
	t.Helper()
	found := map[string]bool{}
	files, err := filepath.Glob("../../web/api/*.go")
	if err != nil || len(files) < 20 {
		t.Fatal(err, len(files))
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil && like.MatchString(s) {
					found[s] = true
				}
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(found))
}

// spoiled gives the body with one of its strings changed, once for each string and payload.
func spoiled(body string, yield func(changed map[string]any)) {
	var count func(v any) int
	count = func(v any) (n int) {
		switch v := v.(type) {
		case map[string]any:
			for _, m := range v {
				n += count(m)
			}
		case []any:
			for _, m := range v {
				n += count(m)
			}
		default:
			n = 1
		}
		return n
	}
	var at int
	var text *bool
	var spoil func(v any, p string) any
	spoil = func(v any, p string) any {
		switch v := v.(type) {
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				v[k] = spoil(v[k], p)
			}
		case []any:
			for i := range v {
				v[i] = spoil(v[i], p)
			}
		default:
			if at--; at == -1 {
				_, *text = v.(string)
				return fmt.Sprint(v) + p
			}
		}
		return v
	}
	fresh := func() map[string]any {
		var v map[string]any
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			panic(err)
		}
		return v
	}
	for leaf := range count(fresh()) {
		for i, p := range payloads {
			isText := true
			at, text = leaf, &isText
			changed, _ := spoil(fresh(), p).(map[string]any)
			if isText || i%5 == 0 { // a number or a flag takes no text at all
				yield(changed)
			}
		}
	}
}

// Nothing that a tenant or an operator may write reaches the Event Socket as anything but a value: not one of the payloads is found on the wire, and
// every command there is one that the daemon has to say.
func TestNothingOutsideSpeaksToTheSwitch(t *testing.T) {
	if testing.Short() {
		t.Skip("some thousand requests")
	}
	sw := sim.New(sim.Options{Hostname: "fs1", Password: "esl-password", CDR: sim.CDR{Spool: t.TempDir()}})
	at, err := sw.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sw.Close() })
	wire := newTap(t, at.String())
	h := openHouse(t, fmt.Sprintf("log: {level: warn}\nswitches: [{name: fs1, addr: %q, password: esl-password}]\n", wire.Addr()))
	hushed(t, filepath.Join(filepath.Dir(h.config), "prompts"))
	forget := make(chan struct{})
	defer close(forget)
	go func() { // what the customer is told is not looked at
		for {
			select {
			case <-h.pushes:
			case <-forget:
				return
			}
		}
	}()
	in := injection{house: h, sw: sw, apps: map[string]admin.App{}, taken: map[string]int{}}
	in.makeApps()
	names := fieldNames(t)
	cases := tenantCases(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })
	in.covers(cases)
	for i, c := range cases {
		spoiled(c.body, func(changed map[string]any) { in.try(c, changed, "13800000001", "13800000002") })
		if c.query {
			continue // queries are read by the same names
		}
		for j, name := range names {
			var body map[string]any
			if err := json.Unmarshal([]byte(c.body), &body); err != nil {
				t.Fatal(err)
			}
			if _, there := body[name]; there {
				continue
			}
			body[name] = payloads[(i+j)%len(payloads)]
			if j%10 == 0 {
				in.try(c, body, "13800000001")
			} else {
				in.try(c, body)
			}
		}
	}
	in.wait()
	in.operator()
	in.stranger()
	if len(in.taken) < 9 {
		t.Errorf("hardly anything was accepted, so hardly anything was tried: %v", in.taken)
	}
	h.await("the end of all calls", func() error {
		if n := sw.Channels(); n > 0 {
			return fmt.Errorf("%d channels", n)
		}
		return nil
	})
	if found := wire.says(evil); found != "" {
		t.Errorf("on the wire stands …%s…", found)
	}
	all := wire.commands()
	for _, c := range all {
		if !known.MatchString(c) {
			t.Errorf("the switch was told %q", c)
		}
	}
	if len(all) < 30 {
		t.Errorf("only %d commands were seen", len(all))
	}
}

// hushed makes every prompt last a hundredth of a second: each call hears some.
func hushed(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.wav"))
	if err != nil || len(files) == 0 {
		t.Fatal(len(files), err)
	}
	const samples = 80
	wav := append([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\xa0\x00\x00\x00"), make([]byte, 2*samples)...)
	binary.LittleEndian.PutUint32(wav[4:], uint32(len(wav)-8))
	for _, f := range files {
		if err := os.WriteFile(f, wav, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

type injection struct {
	*house
	sw    *sim.Switch
	apps  map[string]admin.App
	ids   map[string]string // of a binding of each mode, to be changed
	taken map[string]int    // requests that were accepted, by path
	lines []*sim.Line       // calls that go on
}

func (in *injection) makeApps() {
	for i, mode := range []string{"axb", "ax", "axe", "axyb", "x"} {
		in.apps[mode] = in.made(mode, fmt.Sprintf("+86170000000%d1", i), "--record")
		in.must("number", "add", "--app", in.apps[mode].Key, "--area", "0755", fmt.Sprintf("+86170000000%d2", i))
	}
	in.ids = map[string]string{}
	for mode, b := range map[string][2]string{
		"axb":  {"/rest/caas/relationnumber/partners/v1.0", `{"relationNum":"+8617000000002","callerNum":"` + numA + `","calleeNum":"` + numB + `"}`},
		"ax":   {"/rest/provision/caas/privatenumber/v1.0", `{"origNum":"` + numA + `","privateNum":"+8617000000012"}`},
		"axe":  {"/rest/caas/extendnumber/v1.0", `{"virtualNum":"+8617000000022","bindNum":"` + numA + `","extendNum":"8"}`},
		"axyb": {"/rest/omp/xyrelationnumber/v1.0?app_key=" + in.apps["axyb"].Key, `{"origNum":"` + numB + `","areaCode":"0755"}`},
	} {
		in.ids[mode], _ = in.bind(in.apps[mode], http.MethodPost, b[0], b[1])["subscriptionId"].(string)
	}
	in.apps["voice"] = in.made("voice", "+867550000001", "--voice", "rate=1000,ports=1000")
	for _, n := range []string{numA, numB} {
		in.sw.SetPhone(sim.Phone{Number: n, Rings: time.Millisecond, HangsUpAfter: time.Millisecond})
	}
}

// covers holds that no endpoint of the tenant API is without a case: paths stand in its source, and an unsigned request tells which methods one
// takes. Paths of other versions are the same handlers.
func (in *injection) covers(cases []tenantCase) {
	version := regexp.MustCompile(`/v[0-9.]+$`)
	paths := slices.DeleteFunc(literals(in.t, regexp.MustCompile(`^/rest/`)), func(p string) bool { return strings.HasSuffix(p, "/") })
	if len(paths) < 9 {
		in.t.Errorf("only the paths %q", paths)
	}
	for _, path := range paths {
		bare := version.ReplaceAllString(path, "")
		of := slices.DeleteFunc(slices.Clone(cases), func(c tenantCase) bool {
			return version.ReplaceAllString(strings.TrimSuffix(c.path, "?app_key=APPKEY"), "") != bare
		})
		if len(of) == 0 {
			in.t.Errorf("no case for %s", path)
			continue
		}
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH"} {
			req, err := http.NewRequestWithContext(in.t.Context(), method, "http://"+in.daemon.Addr("api")+of[0].path, nil)
			if err != nil {
				in.t.Fatal(err)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				in.t.Fatal(err)
			}
			_ = res.Body.Close()
			taken := res.StatusCode != http.StatusNotFound && res.StatusCode != http.StatusMethodNotAllowed
			if taken != slices.ContainsFunc(of, func(c tenantCase) bool { return c.method == method }) {
				in.t.Errorf("%s %s: %d, and it has a case: %t", method, path, res.StatusCode, !taken)
			}
		}
	}
}

// try sends a request, and lets people call where it has made a binding.
func (in *injection) try(c tenantCase, body map[string]any, callers ...string) {
	app := in.apps[c.mode]
	text, err := json.Marshal(body)
	if err != nil {
		in.t.Fatal(err)
	}
	path := strings.ReplaceAll(c.path, "APPKEY", app.Key)
	if c.query {
		q := url.Values{}
		for k, v := range body {
			q.Set(k, fmt.Sprint(v))
		}
		path, text = path+"?"+strings.ReplaceAll(q.Encode(), "APPKEY", app.Key), nil
	}
	status, answer := in.signed(c.method, path, app.Key, app.Secret, strings.NewReplacer("APPKEY", app.Key, "SUBSCRIPTION", in.ids[c.mode]).Replace(string(text)))
	if status == http.StatusInternalServerError {
		in.t.Errorf("%s %s %.300s: %d %v", c.method, path, text, status, answer)
	}
	if answer["resultcode"] != "0" {
		return
	}
	in.taken[c.mode+" "+c.method+" "+c.path]++
	id, _ := answer["subscriptionId"].(string)
	if c.x == "" || id == "" && c.method != http.MethodPut {
		return
	}
	x := c.x
	if given, ok := answer["relationNumber"].(string); ok {
		x = given
	}
	for _, from := range callers {
		in.call(from, x)
	}
	in.wait()
	if where, _, _ := strings.Cut(path, "?"); id != "" {
		in.signed(http.MethodDelete, where+"?app_key="+app.Key+"&subscriptionId="+id, app.Key, app.Secret, "")
	}
}

func (in *injection) call(from, to string) {
	in.dial(sim.Caller{From: from, To: to, Digits: "1"})
}

func (in *injection) dial(c sim.Caller) {
	c.Callee = &sim.Phone{Rings: time.Millisecond, HangsUpAfter: time.Millisecond}
	c.CancelsAfter = 200 * time.Millisecond
	line, err := in.sw.Call(c)
	if err == nil { // else it is nothing that an INVITE can hold
		in.lines = append(in.lines, line)
	}
}

// wait waits for the ends of the calls.
func (in *injection) wait() {
	late := time.After(time.Minute)
	for _, l := range in.lines {
		select {
		case <-l.Done():
		case <-late:
			in.t.Error("a call did not end")
		}
	}
	in.lines = nil
}

// operator tries what operators may write and a switch might get.
func (in *injection) operator() {
	for _, p := range payloads {
		quoted, err := json.Marshal(p)
		if err != nil {
			in.t.Fatal(err)
		}
		s := string(quoted)
		for _, r := range []struct{ method, path, body string }{
			{"POST", "/tenants", `{"name":"t","sp_id":` + s + `}`},
			{"POST", "/apps", `{"tenant":"Acme","name":` + s + `,"mode":"axb","prompts":{"no_binding.wav":` + s + `}}`},
			{"PATCH", "/apps/" + in.apps["axb"].Key, `{"prompts":{"no_binding.wav":` + s + `}}`},
			{"PATCH", "/apps/" + in.apps["axb"].Key, `{"prompts":{` + s + `:"busy.wav"}}`},
			{"PATCH", "/apps/" + in.apps["axe"].Key, `{"settings":{"extension":{"callback_num":` + s + `,"callback_tone":` + s + `}}}`},
			{"PATCH", "/apps/" + in.apps["x"].Key, `{"settings":{"ask_url":` + s + `}}`},
			{"POST", "/numbers", `{"app":"` + in.apps["axb"].Key + `","area":"0755","trunk":` + s + `,"numbers":["+8617000000077"]}`},
			{"POST", "/numbers", `{"app":"` + in.apps["axb"].Key + `","area":` + s + `,"numbers":["+8617000000078"]}`},
			{"POST", "/numbers", `{"app":"` + in.apps["axb"].Key + `","area":"0755","numbers":[` + s + `]}`},
			{"POST", "/barred", `{"kind":"caller","number":` + s + `}`},
			{"POST", "/templates", `{"tenant":"Acme","name":"n","content":"t","voice":` + s + `}`},
			{"PATCH", "/tenants/Acme/limits", `{"allow":[` + s + `]}`},
			{"POST", "/calls/" + url.PathEscape(p) + "/stop", ``},
			{"POST", "/switches/" + url.PathEscape(p) + "/drain", `{}`},
			{"POST", "/switches/fs1/drain", `{"then":` + s + `}`},
			{"GET", "/explain?dialled=" + url.QueryEscape(p) + "&caller=" + url.QueryEscape(p), ""},
		} {
			in.administer(r.method, r.path, r.body)
		}
		in.call("13800000009", "+8617000000001")
	}
	in.wait()
}

func (in *injection) administer(method, path, body string) {
	req, err := http.NewRequestWithContext(in.t.Context(), method, "http://"+in.daemon.Addr("admin")+admin.Prefix+path, strings.NewReader(body))
	if err != nil {
		in.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		in.t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode >= 500 && res.StatusCode != http.StatusServiceUnavailable {
		in.t.Errorf("%s %s %s: %d", method, path, body, res.StatusCode)
	}
}

// stranger is somebody at the carrier who puts it into his number and into whom he dials.
func (in *injection) stranger() {
	for _, p := range payloads {
		if strings.ContainsRune(p, 0) {
			continue // FreeSWITCH's strings end there
		}
		in.call(p, "+8617000000001")
		in.call("13800000001"+p, "+8617000000001"+p)
		in.dial(sim.Caller{From: "13800000001", To: "+8617000000001", Display: p, Host: p, PAI: p, Header: []sim.Header{{Name: "X-" + p, Value: p}, {Name: "Diversion", Value: p}}})
	}
	in.wait()
}
