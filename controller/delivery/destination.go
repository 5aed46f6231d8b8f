package delivery

import (
	"maps"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"maskline/models"
)

// trust is what a URL has shown of itself. The less it is trusted, the smaller the share of all attempts that its kind may hold, so
// that any number of hanging URLs leaves room for those that answer.
type trust int

const (
	suspect trust = iota // its last attempt got no answer, or a slow one, or one under way is slow
	unknown              // not tried yet
	proven               // answered its last attempt quickly
)

var trusts = [...]trust{suspect, unknown, proven}

// share is how many attempts of those up to this trust there may be at once.
func (t trust) share(concurrent int) int {
	switch t {
	case suspect:
		return max(1, concurrent/4)
	case unknown:
		return max(2, concurrent*3/4)
	default:
		return concurrent
	}
}

// quick is how soon a trusted URL answers.
const quick = time.Second

// job is one push: an event, or a batch of one app's CDRs.
type job struct {
	to      *destination
	kind    models.DeliveryKind
	members []models.Delivery
	session *session // whose first attempts wait for the end of this one; nil when none does
	trust   trust    // as which it is counted: that of its URL when it started, suspect once it is late
	started time.Time
	asked   atomic.Bool // it has been sent, so that it is the URL that takes the time
	over    bool
}

// destination is one URL, in Run's goroutine alone; or what an app has at one host, when that has many URLs (see outbox.destination).
//
// Three things keep a bad one from its neighbours. Its window: one attempt at once until it has answered, twice as many after each
// answer up to Options.PerURL, one again when no answer came. Its queue: rows beyond Options.QueuePerURL are put off, which counts as no
// attempt; they come back spread over time. Its breaker: after Options.BreakAfter attempts in a row without an answer the URL is open
// for Options.BreakPause, and attempts for it are skipped: not sent, but counted, and moved on along their calendar. After the
// pause one attempt is sent while the others wait for its outcome. So a skipped attempt, be it the first or the last, always stands
// for an attempt of the same URL that failed within the pause, and a dead URL costs one worker twice a minute, however much is due.
type destination struct {
	url    string
	host   string // of one URL; "" of many
	queue  []*job
	rows   int // rows held for it, wherever they are
	flying int
	window int
	trust  trust
	listed bool // stands in a ready list
	usedAt time.Time

	failures  int // in a row, without an answer
	openUntil time.Time
	deferred  int // rows put off since its queue last had room
}

// open says whether attempts are skipped now.
func (d *destination) open(now time.Time) bool { return now.Before(d.openUntil) }

// probing says whether the outcome of one attempt decides whether the others are sent.
func (d *destination) probing() bool { return !d.openUntil.IsZero() }

// ready says whether another attempt may start, as far as the URL is concerned.
func (d *destination) ready() bool {
	if len(d.queue) == 0 {
		return false
	}
	if d.probing() {
		return d.flying == 0
	}
	return d.flying < d.window
}

// learn draws the conclusions from an attempt that was sent. It says whether the breaker opened by it, or closed.
func (d *destination) learn(a answer, o Options, now time.Time) (opened, closed bool) {
	if unanswered(a) {
		d.trust, d.window = suspect, 1
		d.failures++
		if d.failures < o.BreakAfter {
			return false, false
		}
		opened = !d.probing()
		d.openUntil = now.Add(o.BreakPause)
		return opened, false
	}
	closed = d.probing()
	d.failures, d.openUntil = 0, time.Time{}
	d.trust, d.window = proven, min(d.window*2, o.PerURL)
	if a.took > quick {
		d.trust = suspect
	}
	return false, closed
}

// late is told of an attempt that is slower than a trusted URL's while it is under way: URLs that begin to hang would hold the places of those
// that answer until their time is over.
func (r *outbox) late(j *job) {
	r.flying[j.trust]--
	r.flying[suspect]++
	j.trust = suspect
	j.to.trust, j.to.window = suspect, 1
}

// watch looks for attempts that have become late.
func (r *outbox) watch() {
	now := time.Now()
	for len(r.young) > 0 {
		j := r.young[0]
		if !j.over && now.Sub(j.started) < quick {
			return
		}
		r.young[0] = nil
		if r.young = r.young[1:]; !j.over && j.trust != suspect && j.asked.Load() {
			r.late(j)
		}
	}
	r.young = nil
}

// unanswered says whether an attempt counts against its URL. An answer that says no costs nobody's time and says nothing about the next
// push, so it does not; one that says that the server is overloaded or away does.
func unanswered(a answer) bool {
	switch a.status {
	case 0, 429, 502, 503, 504:
		return true
	}
	return false
}

// ownMost is how many URLs of one host have a destination each. The requests for placed calls name URLs of their own (spec/voicecall.md §2), so
// a customer may have one for each call, by the thousand: each would be new, and together they would hold what attempts new URLs may have.
const ownMost = 32

// destination gives the place of a delivery: that of its URL, or, beyond ownMost URLs of one host, one for all that its app has there.
func (r *outbox) destination(d models.Delivery, now time.Time) *destination {
	to := r.urls[d.URL]
	if to == nil {
		to = r.settleIn(d)
	}
	to.usedAt = now
	return to
}

func (r *outbox) settleIn(d models.Delivery) *destination {
	at := host(d.URL)
	if r.hosts[at] < ownMost {
		to := &destination{url: d.URL, host: at, window: 1, trust: unknown}
		r.urls[d.URL] = to
		r.hosts[at]++
		return to
	}
	key := strconv.FormatInt(d.AppID, 10) + " at " + at // no URL has a blank
	if r.urls[key] == nil {
		r.urls[key] = &destination{url: at, window: 1, trust: unknown}
	}
	return r.urls[key]
}

// host is a URL's scheme and host. One that cannot be read is its own.
func host(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return raw
	}
	return u.Scheme + "://" + u.Host
}

// sweep lets go of URLs that are not in use, once they are many: of those that have shown nothing bad at once, of the others after a while.
func (r *outbox) sweep(now time.Time) {
	if len(r.urls) <= urlsMax {
		return
	}
	maps.DeleteFunc(r.urls, func(_ string, to *destination) bool {
		gone := to.rows == 0 && to.flying == 0 && (!to.probing() || now.Sub(to.usedAt) > urlIdle)
		if gone && to.host != "" {
			if r.hosts[to.host]--; r.hosts[to.host] == 0 {
				delete(r.hosts, to.host)
			}
		}
		return gone
	})
}
