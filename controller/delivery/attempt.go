package delivery

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"maskline/models"
)

// errSkipped is LastError of an attempt that was not made.
var errSkipped = errors.New("not sent: the URL gave no answer to the attempts before")

// ended is an attempt's end.
type ended struct {
	*job
	answer
}

// attempt sends one job and reports. It runs in a goroutine of its own, ends within the time of a look-up and of an attempt, and never
// waits to report.
func (c *Courier) attempt(ctx context.Context, j *job, report chan<- ended) {
	s, err := c.look(ctx, j.members[0].AppID)
	switch {
	case err == nil:
		j.asked.Store(true)
		report <- ended{j, c.push(ctx, s, j)}
	case errors.Is(err, errNoSecret), models.CodeOf(err) == models.NotFound, models.CodeOf(err) == models.UnknownApp:
		report <- ended{j, answer{result: Rejected, err: errors.New("not sent: the app or its secret is gone")}}
	default:
		report <- ended{j, answer{result: PutOff, err: err}}
	}
}

func (c *Courier) look(ctx context.Context, appID int64) (signer, error) {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	return c.keys.signer(ctx, appID)
}

// push signs a job's body and sends it.
func (c *Courier) push(ctx context.Context, s signer, j *job) answer {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	header, target := http.Header{}, j.members[0].URL
	sign(header, s.app, s.secret, target, newNonce(), c.o.created(s.app.Mode, time.Now()))
	var judge func([]byte) error
	if j.kind == models.DeliverCDR && s.app.Mode == models.ModeVoice {
		judge = resultcode
	}
	return post(ctx, c.o.send, target, header, j.body(), judge)
}

func (j *job) body() []byte {
	if j.kind == models.DeliverCDR {
		return feeBody(j.members)
	}
	return j.members[0].Body
}

// end takes an attempt's outcome in.
func (r *outbox) end(e ended) {
	to, now := e.to, time.Now()
	to.flying--
	e.over = true
	r.flying[e.trust]--
	r.total--
	for _, d := range e.members {
		r.inFlight[d.Lane]--
	}
	if e.result == PutOff {
		r.unprepared(e, now)
		return
	}
	if e.sent() {
		opened, closed := to.learn(e.answer, r.o, now)
		if opened {
			r.o.Log.Warn("a URL gives no answer; pushes to it are skipped", slog.String("url", bare(to.url)), slog.Int64("app", e.members[0].AppID),
				slog.Any("error", e.err), slog.Duration("for", r.o.BreakPause))
		}
		if closed {
			r.o.Log.Info("a URL answers again", slog.String("url", bare(to.url)), slog.Int64("app", e.members[0].AppID))
		}
	}
	r.settle(e.job, e.answer, now)
	if to.open(now) {
		waiting := to.queue
		to.queue = nil
		for _, j := range waiting {
			r.skip(j, now)
		}
	}
	r.list(to)
}

// unprepared puts off what could not be signed because the store was away.
func (r *outbox) unprepared(e ended, now time.Time) {
	r.o.Log.Error("a push could not be prepared", slog.String("session", e.members[0].SessionID), slog.Int64("app", e.members[0].AppID), slog.Any("error", e.err))
	r.putOffAll(e.job, now.Add(putOffFor), "not sent yet: the app could not be read")
	r.list(e.to)
}

// putOffAll puts off a job, and with it what follows in its session.
func (r *outbox) putOffAll(j *job, until time.Time, why string) {
	rows := j.members
	if j.session != nil {
		rows = append(rows, j.session.rows...)
		j.session.rows = nil
	}
	for _, d := range rows {
		r.putOff(d, until, why)
	}
	r.release(j)
}

// sent says whether the attempt went out, so that it says something about its URL.
func (a answer) sent() bool {
	return a.took > 0 || a.status != 0 || a.result == NoAnswer || a.result == Barred
}

// settle writes a job's outcome into its rows, to be saved, and lets its session go on.
func (r *outbox) settle(j *job, a answer, now time.Time) {
	r.o.Observe.Attempted(j.kind, a.result, a.took)
	for _, d := range j.members {
		settle(&d, r.calendar(d), a, j.started, now)
		r.keepOrder(j.session, &d, now)
		if d.State == models.DeliveryDead {
			r.o.Log.Warn("a push has failed for the last time", slog.Int64("delivery", d.ID), slog.String("session", d.SessionID),
				slog.Int64("app", d.AppID), slog.String("kind", string(d.Kind)), slog.String("error", d.LastError))
		}
		r.unsaved = append(r.unsaved, d)
	}
	r.release(j)
}

// release lets the session of a first attempt go on.
func (r *outbox) release(j *job) {
	if j.session != nil {
		j.session.busy = false
		r.advance(j.session)
	}
}
