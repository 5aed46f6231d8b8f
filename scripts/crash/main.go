// Command crash breaks Maskline on purpose: daemons, database and switches run as processes of their own under load, and are killed, frozen
// and cut off at random moments. After each round a checker compares what the switches wrote down, what the database holds and what the
// customer's receiver got. It prints one line a round and the findings, and exits with 1 if there are any. The seed of a line repeats its
// round's schedule.
//
// The switches are simulated ones (esl/sim), each in a process of its own: this program with the argument "switch". What it may assume: it runs
// on a machine of its own for the time of the run, with ports of the loopback free between 18100 and 23900.
//
// Goroutines: one a call that is being placed, one a fault, and those of the links; all end with their round, or with main.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == asSwitch {
		if err := runSwitch(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "crash switch:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	clean, err := run(ctx, os.Args[1:])
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "crash:", err)
	}
	if err != nil || !clean {
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

// options are what the command line says.
type options struct {
	size
	seed     uint64
	rounds   int
	sqlite   bool
	keep     bool
	spaces   bool
	program  string
	faultsOf string
}

func readOptions(args []string) (o options, err error) {
	f := flag.NewFlagSet("crash", flag.ContinueOnError)
	f.Uint64Var(&o.seed, "seed", 0, "of the first round; the next has one more. 0: a random one")
	f.IntVar(&o.rounds, "rounds", 5, "how many rounds")
	f.IntVar(&o.daemons, "daemons", 1, "how many daemons, 1 to 9")
	f.IntVar(&o.switches, "switches", 1, "how many simulated switches, 1 to 9")
	f.Float64Var(&o.rate, "rate", 50, "calls a second")
	f.DurationVar(&o.load, "load", 25*time.Second, "how long calls come in a round")
	f.DurationVar(&o.talk, "talk", 20*time.Second, "the longest talk")
	f.DurationVar(&o.lease, "lease", 6*time.Second, "the lease of several daemons")
	f.DurationVar(&o.rest, "rest", 4*time.Second, "between two faults that hit the only daemon, or the database")
	f.BoolVar(&o.voice, "voice", true, "place notifications through the API as well")
	f.BoolVar(&o.sqlite, "sqlite", false, "SQLite in place of MariaDB; one daemon, and no faults of the database")
	f.BoolVar(&o.spaces, "netns", false, "each daemon in a network namespace of its own, cut off by the kernel; needs root, and 10.213.0.0/16 free")
	f.BoolVar(&o.keep, "keep", false, "keep the run's directory")
	f.StringVar(&o.program, "maskline", "bin/maskline", "the program under test")
	f.StringVar(&o.faultsOf, "faults", "", "only these, with commas: kill daemon, kill database, kill switch, freeze daemon, cut database, cut switch")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.daemons < 1 || o.daemons > 9 || o.switches < 1 || o.switches > 9 || o.rounds < 1 || o.rate <= 0 || o.load <= 0 || o.talk < 2*time.Second {
		return o, errors.New("-daemons and -switches are 1 to 9, -rounds, -rate and -load more than 0, -talk 2s or more")
	}
	if o.sqlite && o.daemons > 1 {
		return o, errors.New("-sqlite is for one daemon")
	}
	if o.seed == 0 {
		o.seed = rand.Uint64N(1_000_000) + 1 //nolint:gosec // a seed to be printed, no secret
	}
	o.faults, err = faultsOf(o.faultsOf, o.sqlite)
	return o, err
}

// faultsOf reads the list of faults; all that the database allows if it is empty.
func faultsOf(text string, sqlite bool) ([]fault, error) {
	all := []fault{killDaemon, killSwitch, cutSwitch, freezeDaemon}
	if !sqlite {
		all = append(all, killDatabase, cutDatabase)
	}
	if text == "" {
		return append(all, killDaemon), nil // it is what happens most
	}
	if text == "none" {
		return nil, nil
	}
	var some []fault
	for word := range strings.SplitSeq(text, ",") {
		f := fault(strings.TrimSpace(word))
		if !slices.Contains(all, f) {
			return nil, fmt.Errorf("-faults: %q is none of %q", f, all)
		}
		some = append(some, f)
	}
	return some, nil
}

// run is the whole run. It tells whether nothing was found.
func run(ctx context.Context, args []string) (clean bool, err error) {
	o, err := readOptions(args)
	if err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp("", "maskline-crash-")
	if err != nil {
		return false, fmt.Errorf("make the run's directory: %w", err)
	}
	program, err := exec.LookPath(o.program)
	if err == nil {
		program, err = filepath.Abs(program)
	}
	if err != nil {
		return false, fmt.Errorf("-maskline: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return false, err
	}
	h, err := build(ctx, dir, program, self, o.sqlite, network{spaces: o.spaces}, o.size)
	defer func() {
		h.close()
		if o.keep || !clean {
			fmt.Println("everything is in", dir)
			return
		}
		_ = os.RemoveAll(dir)
	}()
	if err != nil {
		return false, err
	}
	return rounds(ctx, h, o)
}

// rounds plays them and prints a line for each.
func rounds(ctx context.Context, h *house, o options) (clean bool, err error) {
	calls, findings, n := 0, 0, 0
	for ; n < o.rounds; n++ {
		s := newSchedule(o.seed+uint64(n), o.size)
		out, err := h.play(ctx, s)
		if err != nil {
			return false, fmt.Errorf("round of seed %d (%s): %w", s.seed, s, err)
		}
		fmt.Printf("seed %d: %d calls, %d sessions, %d findings, %d pushes repeated, %.0fs; %s%s\n", s.seed, out.calls, out.sessions, len(out.findings), out.repeated,
			out.took.Seconds(), s, exceptions(out.known))
		for i, f := range out.findings {
			if i == 50 {
				fmt.Printf("  and %d more\n", len(out.findings)-i)
				break
			}
			fmt.Println("  " + f)
		}
		calls, findings = calls+out.calls, findings+len(out.findings)
	}
	fmt.Printf("%d rounds, %d calls, %d findings\n", n, calls, findings)
	return findings == 0, nil
}

// exceptions prints what was let pass, and how often.
func exceptions(known map[string]int) string {
	var texts []string
	for _, k := range slices.Sorted(maps.Keys(known)) {
		texts = append(texts, fmt.Sprintf("%d %s", known[k], k))
	}
	if len(texts) == 0 {
		return ""
	}
	return "; let pass: " + strings.Join(texts, ", ")
}
