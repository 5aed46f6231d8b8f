package admin

import (
	"net/netip"
	"sync"
	"time"
)

// The defaults of Options.Lock, and the bounds of what is remembered.
const (
	lockAfter   = 10
	lockFor     = 15 * time.Minute
	lockAddress = 5      // times as many failed logins of any names lock out an address
	lockMost    = 10_000 // names and addresses that are remembered
)

// Lock says how failed logins are bounded: After so many of one name from one address both are locked out together For that long, and an address
// after five times as many. Zero fields have the defaults, 10 and 15 minutes. Each daemon counts by itself.
type Lock struct {
	After int
	For   time.Duration
}

// lockout counts failed logins. An attempt counts when it begins, so that many at once are no way around.
type lockout struct {
	Lock
	mu    sync.Mutex
	tries map[[2]string]tries // by name and address; by address with the name ""
}

type tries struct {
	n     int
	until time.Time // then they are forgotten
}

func newLockout(l Lock) *lockout {
	if l.After <= 0 {
		l.After = lockAfter
	}
	if l.For <= 0 {
		l.For = lockFor
	}
	return &lockout{Lock: l, tries: map[[2]string]tries{}}
}

// network is what of an address is counted: one host has many addresses of IPv6.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if a = a.Unmap(); a.Is4() {
		return a.String()
	}
	p, _ := a.WithZone("").Prefix(64)
	return p.String()
}

// begin counts an attempt, or says how long there may be none.
func (l *lockout) begin(now time.Time, name, address string) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	pair, all := [2]string{name, network(address)}, [2]string{"", network(address)}
	for key, most := range map[[2]string]int{pair: l.After, all: l.After * lockAddress} {
		if t := l.tries[key]; t.n >= most && now.Before(t.until) {
			wait = max(wait, t.until.Sub(now))
		}
	}
	if wait > 0 {
		return wait
	}
	l.makeRoom(now)
	for _, key := range [][2]string{pair, all} {
		t := l.tries[key]
		if !now.Before(t.until) {
			t.n = 0
		}
		l.tries[key] = tries{n: t.n + 1, until: now.Add(l.For)}
	}
	return 0
}

// passed takes an attempt back that was right.
func (l *lockout) passed(name, address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.tries, [2]string{name, network(address)})
	all := [2]string{"", network(address)}
	if t := l.tries[all]; t.n > 1 {
		t.n--
		l.tries[all] = t
	} else {
		delete(l.tries, all)
	}
}

// makeRoom forgets what is over; when that is not enough, a tenth, and names before addresses: an address that tries many names stays locked out.
func (l *lockout) makeRoom(now time.Time) {
	if len(l.tries) < lockMost {
		return
	}
	for key, t := range l.tries {
		if !now.Before(t.until) {
			delete(l.tries, key)
		}
	}
	if len(l.tries) < lockMost {
		return
	}
	for _, named := range []bool{true, false} {
		for key := range l.tries {
			if len(l.tries) > lockMost-lockMost/10 && (key[0] != "") == named {
				delete(l.tries, key)
			}
		}
	}
}
