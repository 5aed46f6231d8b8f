// Command bench measures what a masked call costs on a real FreeSWITCH, beside the same call from a static dialplan and from a mod_lua script
// with a database lookup: CPU of switch, daemon and database per call, and the time from INVITE to answer. `make bench-live
// FREESWITCH=/path/to/freeswitch` runs it from the root of the repository; it needs sipp and MariaDB, and for the script mod_lua and
// mod_mariadb. Everything is on loopback and made for the run.
//
// Processes are the nursery's (process.go), which ends each by its pid. The variants run in turn, round after round, each in a fresh switch.
package main

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

//go:embed scenarios
var scenarios embed.FS

// bench is one run.
type bench struct {
	nursery
	asked    asked
	fs       softswitch
	repo     string
	program  string // the daemon
	dir      string // the run's files
	extra    []string
	facts    facts
	sink     *sink
	database *child
	sql      *sql.DB
	rented   bool
}

// facts are what templates and configurations are filled with: ports on loopback, directories, numbers.
type facts struct {
	SIP, ESL, Intake, API, Admin, SQL, Phone, PhoneMedia, Caller, CallerMedia, Debug int

	Trunks, Recordings, Script, Callee, SQLPassword string
}

// asked is the command line.
type asked struct {
	rate, rounds, calls, warm int
	only                      []string
	highest, keep             bool
	out, write, profile       string
}

func main() {
	var a asked
	named := flag.String("freeswitch", os.Getenv("FREESWITCH"), "the FreeSWITCH `binary`; the one on PATH when empty")
	program := flag.String("maskline", "bin/maskline", "the daemon's `binary`")
	flag.IntVar(&a.rate, "rate", 15, "calls a second, well below what the machine can carry")
	flag.IntVar(&a.rounds, "rounds", 5, "how often each variant is measured")
	flag.IntVar(&a.calls, "calls", 0, "calls of one measurement; 0 is 10 s of them")
	flag.IntVar(&a.warm, "warm", 0, "calls before a measurement; 0 is 3 s of them")
	only := flag.String("only", "", "measure only these `variants`, such as a,c")
	flag.BoolVar(&a.highest, "highest", true, "look for the highest rate of (a) and (c) at the end")
	flag.BoolVar(&a.keep, "keep", false, "keep the run's files")
	flag.StringVar(&a.out, "out", "bench-live.json", "write the results to this `file`")
	flag.StringVar(&a.write, "write", "", "write table and plot into this `file` of documentation, and the plot beside it")
	flag.StringVar(&a.profile, "profile", "", "take a CPU profile of the daemon in each round of (c) into this `directory`")
	flag.Parse()
	if *only != "" {
		a.only = strings.Split(*only, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	ok, err := run(ctx, *named, *program, a)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// run measures, writes the results and says whether the targets are met.
func run(ctx context.Context, named, program string, a asked) (ok bool, err error) {
	if a.rate < 1 || a.rounds < 1 {
		return false, errors.New("rate and rounds must be 1 at least")
	}
	a.calls, a.warm = or(a.calls, 10*a.rate), or(a.warm, 3*a.rate)
	b := &bench{asked: a}
	if b.fs, err = findSwitch(named); err != nil {
		return false, err
	}
	if _, err := exec.LookPath("sipp"); err != nil {
		return false, errors.New("no sipp: apt-get install sip-tester")
	}
	chosen, left := choose(a.only, b.fs)
	for _, why := range left {
		fmt.Println("bench:", why)
	}
	if err := b.prepare(program); err != nil {
		return false, err
	}
	defer func() {
		if b.sql != nil {
			_ = b.sql.Close()
		}
		b.end()
		if b.sink != nil {
			b.sink.close()
		}
		if err == nil && !a.keep {
			_ = os.RemoveAll(b.dir)
		} else {
			fmt.Println("bench: logs are in", b.dir)
		}
	}()
	if err := b.furnish(ctx, chosen); err != nil {
		return false, err
	}
	r, err := b.measureAll(ctx, chosen)
	if err != nil {
		return false, err
	}
	r.Left = left
	return b.publish(r)
}

// or is n, or a default for 0.
func or(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// prepare finds directories and ports.
func (b *bench) prepare(program string) (err error) {
	if b.repo, err = os.Getwd(); err != nil {
		return fmt.Errorf("working directory: %w", err)
	}
	if b.program, err = filepath.Abs(program); err != nil {
		return fmt.Errorf("path of the daemon: %w", err)
	}
	if !executable(b.program) {
		return errors.New("no daemon to run: make build")
	}
	if b.dir, err = os.MkdirTemp("", "maskline-bench-"); err != nil {
		return fmt.Errorf("make a directory for the run: %w", err)
	}
	f := &b.facts
	p := ports{}
	for _, port := range []*int{&f.SIP, &f.ESL, &f.Intake, &f.API, &f.Admin, &f.SQL, &f.Phone, &f.PhoneMedia, &f.Caller, &f.Debug} {
		if *port, err = p.take(); err != nil {
			return err
		}
	}
	f.Trunks, f.Recordings, f.Script = filepath.Join(b.dir, "trunks"), filepath.Join(b.dir, "recordings"), filepath.Join(b.dir, "lookup.lua")
	f.Callee, f.SQLPassword = "8613900000001", sqlPassword
	f.CallerMedia = 26000 // and up: each call of SIPp's takes a port
	for _, d := range []string{f.Trunks, f.Recordings} {
		if err := os.MkdirAll(d, 0o750); err != nil {
			return fmt.Errorf("make a directory of the run: %w", err)
		}
	}
	if len(b.fs.missing(luaModules...)) == 0 {
		b.extra = luaModules
	}
	return nil
}

// furnish makes all that stays through the rounds: database, customer's server, configurations, phones.
func (b *bench) furnish(ctx context.Context, chosen []variant) (err error) {
	if b.sink, err = newSink(); err != nil {
		return err
	}
	if err := b.openDatabase(ctx); err != nil {
		return err
	}
	if err := b.writeConfig(ctx); err != nil {
		return err
	}
	if err := b.write("lookup.lua", b.facts.Script); err != nil {
		return err
	}
	if err := b.writePhones(); err != nil {
		return err
	}
	for _, v := range chosen {
		if _, err := b.configure(v); err != nil {
			return err
		}
	}
	return nil
}

var errEnded = errors.New("it ended")

// pause waits, unless the run or the process ends.
func (b *bench) pause(ctx context.Context, d time.Duration, c *child) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ended:
		return errEnded
	case <-time.After(d):
		return nil
	}
}
