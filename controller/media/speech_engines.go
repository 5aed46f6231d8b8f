package media

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"maskline/models"
)

// engineMax is how many bytes an engine may answer with: twelve minutes at 22 kHz.
const engineMax = 32 << 20

var errEngineMax = fmt.Errorf("the speech engine answered with more than %d bytes", engineMax)

// EspeakCommand is the command line of espeak-ng, the engine that Debian has. Its Mandarin voice is cmn.
var EspeakCommand = []string{"espeak-ng", "--stdin", "-b", "1", "-v", "{voice}", "-s", "{speed}", "-w", "{out}"}

// normalSpeed is what {speed} is at a rate of 100 percent, words a minute.
const normalSpeed = 200

// CommandEngine runs a program for each text, never through a shell. In its arguments {text} is the text, {voice} the voice, {rate} the rate in
// percent, {speed} the same in words a minute, {out} the file that it shall write. Without {text} the text comes on its standard input,
// without {out} the sound is read from its standard output. Of the daemon's environment, which may hold secrets, it gets PATH, HOME, TMPDIR
// and the language; `env NAME=VALUE program …` as a command line gives it more.
type CommandEngine struct{ argv []string }

// NewCommandEngine checks that there is a program. Whether it is installed shows when it is run.
func NewCommandEngine(argv []string) (*CommandEngine, error) {
	if len(argv) == 0 || argv[0] == "" {
		return nil, errors.New("the speech engine's command line is empty")
	}
	return &CommandEngine{slices.Clone(argv)}, nil
}

// Name is the command line.
func (e *CommandEngine) Name() string { return "command\x00" + strings.Join(e.argv, "\x00") }

// Speak runs the program. When ctx ends it is killed, with all that it started.
func (e *CommandEngine) Speak(ctx context.Context, s models.Speech) (wav []byte, err error) {
	// Inside [[ ]] espeak-ng reads the names of sounds instead of words.
	text := strings.ReplaceAll(s.Text, "[[", "[ [")
	dir, err := os.MkdirTemp("", "maskline-speech-")
	if err != nil {
		return nil, fmt.Errorf("make room for the speech engine: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	out := filepath.Join(dir, "speech.wav")
	argv := e.fill(map[string]string{"{text}": text, "{voice}": s.Voice, "{rate}": strconv.Itoa(s.Rate),
		"{speed}": strconv.Itoa(normalSpeed * s.Rate / 100), "{out}": out})
	stdout, stderr := capped{left: engineMax}, capped{left: 4 << 10, lenient: true}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // the operator's own command line
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(text+"\n"), &stdout, &stderr
	cmd.Env = engineEnvironment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("speech engine %s: %w", argv[0], context.Cause(ctx))
	case stdout.over:
		return nil, errEngineMax
	case err != nil:
		return nil, fmt.Errorf("speech engine %s: %w%s", argv[0], err, stderr.says())
	case e.names("{out}"):
		return readCapped(out)
	}
	return stdout.took.Bytes(), nil
}

func (e *CommandEngine) names(place string) bool {
	return slices.ContainsFunc(e.argv, func(arg string) bool { return strings.Contains(arg, place) })
}

// fill puts values into the arguments, each place once: a value that looks like a place stays what it is.
func (e *CommandEngine) fill(values map[string]string) []string {
	var pairs []string
	for place, value := range values {
		pairs = append(pairs, place, value)
	}
	r := strings.NewReplacer(pairs...)
	argv := slices.Clone(e.argv)
	for i := range argv[1:] {
		argv[i+1] = r.Replace(argv[i+1])
	}
	return argv
}

func engineEnvironment() []string {
	env := []string{}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

func readCapped(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // in our own directory
	if err != nil {
		return nil, fmt.Errorf("the speech engine wrote no file: %w", err)
	}
	defer func() { _ = f.Close() }()
	return readEngine(f)
}

// readEngine reads an answer of at most engineMax bytes.
func readEngine(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, engineMax+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the speech engine's answer: %w", err)
	case len(b) > engineMax:
		return nil, errEngineMax
	}
	return b, nil
}

// capped is a buffer that takes so many bytes and then ends the writer, or, when it is lenient, drops what comes. It embeds no buffer: io.Copy
// would use its ReadFrom, without bound.
type capped struct {
	took    bytes.Buffer
	left    int
	lenient bool
	over    bool
}

func (c *capped) Write(b []byte) (int, error) {
	keep := b[:min(len(b), c.left)]
	c.left -= len(keep)
	c.took.Write(keep)
	if len(keep) < len(b) {
		c.over = true
		if !c.lenient {
			return len(keep), io.ErrShortWrite
		}
	}
	return len(b), nil
}

// says is the last line of a program's complaint, for the log. It may repeat the text, which may hold somebody's number: what is not ASCII, as
// texts are after the reading rules, is left out, and digits are masked.
func (c *capped) says() string {
	lines := strings.Split(strings.TrimSpace(c.took.String()), "\n")
	line := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, lines[len(lines)-1])
	if line == "" {
		return ""
	}
	return ": " + models.Mask(line[:min(len(line), 200)])
}

// HTTPEngine asks a service: POST of {"text":…,"voice":…,"rate":…} as JSON, rate being percent of the normal speed. It answers 200 with a WAV file.
type HTTPEngine struct {
	url, token string
	client     *http.Client
}

// NewHTTPEngine takes the service's address and a bearer token, "" for none. Redirects are not followed.
func NewHTTPEngine(address, token string) (*HTTPEngine, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("the speech engine's address is no http or https URL")
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxConnsPerHost: 64, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 5 * time.Second,
		MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true}
	return &HTTPEngine{url: address, token: token, client: &http.Client{Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

// Name is the address.
func (e *HTTPEngine) Name() string { return "http\x00" + e.url }

// Speak asks once.
func (e *HTTPEngine) Speak(ctx context.Context, s models.Speech) ([]byte, error) {
	body, err := json.Marshal(map[string]any{"text": s.Text, "voice": s.Voice, "rate": s.Rate})
	if err != nil {
		return nil, fmt.Errorf("write the text for the speech engine: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask the speech engine: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "audio/wav")
	if e.token != "" {
		req.Header.Set("Authorization", "Bearer "+e.token)
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the speech engine: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the speech engine answered %s", resp.Status)
	}
	return readEngine(resp.Body)
}

// CloseIdle closes the connections that are kept for the next text.
func (e *HTTPEngine) CloseIdle() { e.client.CloseIdleConnections() }
