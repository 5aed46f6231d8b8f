package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// fault is what is done to a process or a link.
type fault string

// The faults.
const (
	killDaemon   fault = "kill daemon"
	killDatabase fault = "kill database"
	killSwitch   fault = "kill switch"
	freezeDaemon fault = "freeze daemon" // SIGSTOP for longer than its lease, then SIGCONT
	cutDatabase  fault = "cut database"  // one daemon's way to the database
	cutSwitch    fault = "cut switch"    // one daemon's way to one switch
)

// strike is one fault of a round.
type strike struct {
	at     time.Duration // from the round's beginning
	what   fault
	daemon int           // whom it hits
	sw     int           // the switch that is killed or cut off
	lasts  time.Duration // until the process is started again, woken, or the link is whole
	silent bool          // a cut: packets vanish; else connections break and are refused
	owner  bool          // it hits whoever runs the switch then, and not the daemon that was drawn
}

func (s strike) String() string {
	text := fmt.Sprintf("%.1fs %s", s.at.Seconds(), s.what)
	switch s.what {
	case killSwitch:
		text += fmt.Sprintf(" %d", s.sw+1)
	case killDaemon, freezeDaemon, cutDatabase:
		text += " " + s.whom()
	case cutSwitch:
		text += fmt.Sprintf(" %d of %s", s.sw+1, s.whom())
	}
	return text + fmt.Sprintf(" for %.1fs", s.lasts.Seconds())
}

// whom is the daemon that is hit.
func (s strike) whom() string {
	if s.owner {
		return fmt.Sprintf("(owner of switch %d)", s.sw+1)
	}
	return fmt.Sprintf("d%d", s.daemon+1)
}

// schedule is a round: all of it follows from the seed and the size of the run.
type schedule struct {
	seed    uint64
	load    time.Duration
	strikes []strike
	calls   []placed
}

// size is what a run is made of.
type size struct {
	daemons, switches int
	rate              float64 // calls a second
	load              time.Duration
	talk              time.Duration // the longest of a usual call
	faults            []fault       // at least one of each in a round, in the order that the seed gives
	lease             time.Duration
	rest              time.Duration // between two faults that may not overlap
	voice             bool          // calls that the platform places are among them
}

// newSchedule makes the round of a seed. Faults of one kind do not overlap: a process is up again before it is hit a second time.
func newSchedule(seed uint64, z size) schedule {
	r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // repeatable, no secret
	s := schedule{seed: seed, load: z.load}
	var free time.Duration
	order := slices.Clone(z.faults)
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	gap := z.load / time.Duration(len(order)+1)
	for i, what := range order {
		at := gap*time.Duration(i) + gap/4 + time.Duration(r.Int64N(int64(gap)))
		k := strike{at: max(at, free), what: what, daemon: r.IntN(z.daemons), sw: r.IntN(z.switches), silent: r.IntN(2) == 0, owner: z.daemons > 1 && r.IntN(3) > 0}
		k.lasts = lasting(r, what, z)
		if z.daemons == 1 || what == killDatabase {
			free = k.at + k.lasts + z.rest // the next fault finds the house whole, and calls that nothing has happened to
		}
		s.strikes = append(s.strikes, k)
	}
	slices.SortFunc(s.strikes, func(a, b strike) int { return cmp.Compare(a.at, b.at) })
	if n := len(s.strikes); n > 0 {
		s.load = max(s.load, s.strikes[n-1].at+s.strikes[n-1].lasts+2*time.Second)
	}
	s.calls = newCalls(r, z, s.load)
	return s
}

// lasting is how long a fault lasts: a daemon stays away for 0 to 8 s, a frozen one sleeps past its lease.
func lasting(r *rand.Rand, what fault, z size) time.Duration {
	part := func(d time.Duration) time.Duration { return time.Duration(r.Int64N(int64(d))) }
	switch what {
	case killDaemon:
		return part(min(8*time.Second, z.load/2))
	case freezeDaemon:
		return z.lease + 2*time.Second + part(4*time.Second)
	case cutDatabase, cutSwitch:
		return time.Second + part(z.lease+3*time.Second)
	case killSwitch:
		return part(2 * time.Second)
	default:
		return 0
	}
}

func (s schedule) String() string {
	var texts []string
	for _, k := range s.strikes {
		texts = append(texts, k.String())
	}
	return strings.Join(texts, ", ")
}
