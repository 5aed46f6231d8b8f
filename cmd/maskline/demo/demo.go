// Package demo shows the platform without a switch or a customer: it runs the daemon with an embedded database and a simulated switch,
// makes a sample tenant, places one scripted masked call and has one notification placed, and shows both as ladders while they happen. The daemon, the tenant API, the
// pushes and the record are the real ones; only the telephones and FreeSWITCH are simulated.
//
// Goroutines: Run owns the daemon's, the customer's server and the reader of the terminal, and ends the first two before it returns. The
// reader ends with its input.
package demo

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"maskline/cmd/maskline/daemon"
	"maskline/conf"
)

// Options of a demo. Out is needed.
type Options struct {
	Dir     string // what the demo makes; "" is var
	Addr    string // of the tenant API; "" is 127.0.0.1:8080
	Once    bool   // end after the call
	Version string
	In      io.Reader // a line on it prints fresh curl lines; nil is none
	Out     io.Writer
	// The script of the call: how long B's telephone rings, and how long they talk. 0 is 1.5 s and 3 s.
	Rings, Talk time.Duration
}

// The parties of the sample. 170 numbers are those of virtual operators; these belong to nobody here.
const (
	numberA = "+8613800000001"
	numberB = "+8613900000002"
	areaX   = "0755"
)

var numbersX = []string{"+8617000000001", "+8617000000002", "+8617000000003"}

// Made is what stands in demo.json.
type Made struct {
	API            string   `json:"api"`
	Admin          string   `json:"admin"`
	AppKey         string   `json:"app_key"`
	AppSecret      string   `json:"app_secret"`
	Numbers        []string `json:"numbers"`
	SubscriptionID string   `json:"subscriptionId"`
	Config         string   `json:"config"` // for --config of the other commands
	VoiceKey       string   `json:"voice_app_key"`
	VoiceSecret    string   `json:"voice_app_secret"`
	Shown          string   `json:"displayNbr"` // what placed calls show
	A              string   `json:"a"`
	B              string   `json:"b"`
}

// Run shows the demo and stays until ctx ends, unless Once.
func Run(ctx context.Context, o Options) (err error) {
	o.Dir = cmp.Or(o.Dir, "var")
	o.Addr = cmp.Or(o.Addr, "127.0.0.1:8080")
	o.Rings, o.Talk = cmp.Or(o.Rings, 1500*time.Millisecond), cmp.Or(o.Talk, 3*time.Second)
	s, err := open(ctx, o)
	if err != nil {
		return err
	}
	life, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.daemon.Run(life) }()
	defer func() {
		cancel()
		err = errors.Join(err, <-ended, s.customer.close(), s.log.Close())
	}()
	if err := s.sample(life); err != nil {
		return err
	}
	s.welcome()
	record, err := s.call(life)
	if err != nil {
		return err
	}
	if err := s.notify(life); err != nil {
		return err
	}
	if !o.Once {
		return s.stay(life)
	}
	_, err = fmt.Fprintf(o.Out, "%s\n", record)
	return err
}

// show is a demo that has begun.
type show struct {
	Options
	Made
	daemon   *daemon.Daemon
	customer *customer
	log      *os.File
	token    string // of the admin API
}

// open makes the directory anew, starts the customer, and makes the daemon.
func open(ctx context.Context, o Options) (*show, error) {
	home, err := filepath.Abs(filepath.Join(o.Dir, "demo"))
	if err != nil {
		return nil, fmt.Errorf("place of the demo: %w", err)
	}
	if err := os.RemoveAll(home); err != nil {
		return nil, fmt.Errorf("clear the demo of before: %w", err)
	}
	if err := os.MkdirAll(home, 0o750); err != nil {
		return nil, fmt.Errorf("make the demo's directory: %w", err)
	}
	s := &show{Options: o}
	if s.log, err = os.OpenFile(filepath.Join(home, "maskline.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600); err != nil { //nolint:gosec // our own directory
		return nil, fmt.Errorf("open the demo's log: %w", err)
	}
	s.Config = filepath.Join(home, "maskline.yaml")
	if s.customer, err = newCustomer(ctx); err != nil {
		return nil, errors.Join(err, s.log.Close())
	}
	if err := s.startDaemon(ctx, home); err != nil {
		return nil, errors.Join(err, s.customer.close(), s.log.Close())
	}
	return s, nil
}

// startDaemon makes the daemon on free ports, then writes the configuration again with the ports it got, for the other commands.
func (s *show) startDaemon(ctx context.Context, home string) error {
	settings := newSettings(home, s.Addr)
	s.token = settings.Token
	cfg, err := settings.write(s.Config)
	if err != nil {
		return err
	}
	s.daemon, err = daemon.New(ctx, cfg, daemon.Options{Version: s.Version, Log: daemon.Logger(s.log, cfg.Log)})
	if err != nil {
		return fmt.Errorf("%w; DEMO_ADDR=127.0.0.1:PORT moves the demo", err)
	}
	settings.API, settings.Admin, settings.Intake = s.daemon.Addr("api"), s.daemon.Addr("admin"), s.daemon.Addr("intake")
	if _, err := settings.write(s.Config); err != nil {
		return errors.Join(err, s.daemon.Close())
	}
	s.API, s.Admin = "http://"+settings.API, "http://"+settings.Admin
	return nil
}

// save writes demo.json.
func (s *show) save() error {
	b, err := json.MarshalIndent(s.Made, "", "  ")
	if err != nil {
		return fmt.Errorf("write demo.json: %w", err)
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "demo.json"), append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("write demo.json: %w", err)
	}
	return nil
}

// stay prints what to try, again with fresh signatures whenever Enter is pressed, until ctx ends.
func (s *show) stay(ctx context.Context) error {
	s.invite(time.Now())
	lines := make(chan struct{})
	if s.In != nil {
		go func() {
			defer close(lines)
			for in := bufio.NewScanner(s.In); in.Scan(); {
				select {
				case lines <- struct{}{}:
				case <-ctx.Done():
					return
				}
			}
		}()
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case _, more := <-lines:
			if !more {
				lines = nil // the input is over; the demo is not
				continue
			}
			s.printCurl(time.Now())
		}
	}
}

func (s *show) printf(format string, args ...any) { _, _ = fmt.Fprintf(s.Out, format, args...) }

// settings are the demo's configuration.
type settings struct {
	Home, Key, Token, Intake, API, Admin, Socket, CDRPassword, SocketPassword string
}

func newSettings(home, api string) settings {
	s := settings{Home: home, API: api, Admin: "127.0.0.1:0", Intake: "127.0.0.1:0", Socket: "127.0.0.1:0"}
	for _, secret := range []*string{&s.Key, &s.Token, &s.CDRPassword, &s.SocketPassword} {
		*secret = newSecret()
	}
	return s
}

// write puts the configuration into a file and reads it back as the other commands will.
func (s settings) write(path string) (conf.Config, error) {
	text := fmt.Sprintf(`# Made by maskline demo; gone with the next one. conf/maskline.yaml explains every key.
database: {driver: sqlite, dsn: %[1]q}
keys: [{id: demo, key: %[2]s}]
admin: {tokens: [{name: demo, token: %[3]s}]}
listen: {api: %[4]q, admin: %[5]q, intake: %[6]q}
intake: {password: %[7]s, spool: %[8]q}
# The switch is simulated inside the daemon: it carries no real calls.
switches: [{name: sim1, addr: %[9]q, password: %[10]s, simulated: true}]
trunks: [{name: carrier-a, addresses: [127.0.0.0/8], trust_caller: true, proxy: "127.0.0.1:5090"}]
media: {prompts: %[11]q, tenants: %[12]q, uploads: %[15]q, recordings: %[13]q}
speech: {dir: %[16]q}
orders: {documents: %[17]q}
# The customer's URL of the demo is on this machine.
delivery: {allow: [127.0.0.0/8], batch_wait: 200ms, dead_files: %[14]q}
log: {level: info}
drain: 3s
`, s.path("maskline.db"), s.Key, s.Token, s.API, s.Admin, s.Intake, s.CDRPassword, s.path("spool"), s.Socket, s.SocketPassword,
		s.path("prompts"), s.path("tenants"), s.path("recordings"), s.path("dead"), s.path("uploads"), s.path("speech"), s.path("documents"))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return conf.Config{}, fmt.Errorf("write the demo's configuration: %w", err)
	}
	return conf.Load(path, nil, nil)
}

func (s settings) path(name string) string { return filepath.Join(s.Home, name) }
