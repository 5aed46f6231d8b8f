package flow

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"maskline/controller/cdr"
	"maskline/esl"
	"maskline/models"
)

type handler struct {
	e      *Engine
	sw     esl.Switch
	host   string
	tenure *tenure
	round  atomic.Int64 // of the looks for sessions that are missing
}

func (h *handler) Arrived(c esl.Call, parked esl.Event)    { h.e.arrived(c, h.host, parked) }
func (h *handler) Found(c esl.Call, snapshots []esl.Event) { h.e.found(c, h.host, snapshots) }

func (h *handler) Stranger(ev esl.Event) {
	h.e.Observe.StrangerRefused(h.sw.Name())
	h.e.Log.Warn("refused a caller from no trunk", "switch", h.sw.Name(), "leg", ev.Leg)
}

// Stray keeps the end of a leg whose flow has gone: it may complete a session that nobody watches.
func (h *handler) Stray(ev esl.Event) {
	if l := cdr.FromEvent(ev); l.Call != "" {
		if l.Role == "a" {
			l.Invite = cdr.ReadInvite(ev.Var)
		}
		h.e.reports.add(l, h.host, nil)
	}
}

// Restarted has nothing to do: the open calls get their Lost events, and the adapter has logged it.
func (h *handler) Restarted(string) {}

// sweepEvery is the time between two looks for sessions that nobody carries, after the one that follows a resync: that one may have met a
// database that was away, or come before a call whose commit was cut off.
const sweepEvery = 30 * time.Second

// Synced ends the sessions that the database holds as live on this switch and that are not there: they ended while no daemon looked. From then on it
// looks for such ones again and again.
func (h *handler) Synced(calls []string) {
	here := make(map[string]bool, len(calls))
	for _, c := range calls {
		here[c] = true
	}
	seen, round := time.Now(), h.round.Add(1)
	h.e.mu.Lock()
	defer h.e.mu.Unlock()
	ctx := h.tenure.ctx
	if h.e.shut || ctx.Err() != nil {
		return
	}
	h.e.wg.Add(1)
	h.tenure.wg.Add(1)
	go func() {
		defer h.e.wg.Done()
		defer h.tenure.wg.Done()
		for h.round.Load() == round {
			h.endMissing(ctx, here, seen)
			if !rest(ctx, h.e.closing, sweepEvery) {
				return
			}
			here, seen = nil, time.Now().Add(-sweepEvery) // a younger one is being begun
		}
	}()
}

// rest waits; false: ctx or the engine ends.
func rest(ctx context.Context, closing <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-closing:
	}
	return false
}

func (h *handler) endMissing(ctx context.Context, here map[string]bool, seen time.Time) {
	live, err := h.e.Store.LiveSessions(ctx, h.sw.Name())
	if err != nil {
		h.e.Log.Warn("live sessions could not be read; trying again", "switch", h.sw.Name(), "error", err)
		return
	}
	var missing []models.Session
	for _, s := range live {
		if !here[s.LegA] && s.StartedAt.Before(seen) && h.e.find(s.ID) == nil && h.gone(ctx, s.LegA) {
			missing = append(missing, s)
		}
	}
	if len(missing) == 0 {
		return
	}
	h.e.Log.Warn("sessions ended while no daemon looked", "switch", h.sw.Name(), "count", len(missing))
	// The records that the switch spooled meanwhile are on their way in; one wait serves them all.
	if !rest(ctx, h.e.closing, h.e.ReportWait) {
		return
	}
	for _, s := range missing {
		if h.e.putBack(ctx, h.sw, s) {
			continue
		}
		// It may have been settled from its reports in the meantime. The store ends a session once, but we would tell of a lost call.
		if now, err := h.e.Store.Session(ctx, s.ID); err == nil && !now.EndedAt.IsZero() {
			continue
		}
		if err := h.e.endUnder(ctx, h.tenure.held, s, h.e.reports.of(s.LegA)); err != nil && ctx.Err() == nil {
			h.e.Log.Error("missing session could not be ended", "sessionId", s.ID, "error", err)
		}
	}
}

// putBack lets a call wait again that was taken to be dialled and never reached the switch: its row says that nobody saw it there, the switch
// has no record of it, and it is the same core that would know. Of a core that is gone nobody can say, and nothing is dialled twice.
func (e *Engine) putBack(ctx context.Context, sw esl.Switch, s models.Session) bool {
	if s.Plan.Place == nil || s.Stage != models.StagePlacing || len(e.reports.of(s.LegA)) > 0 {
		return false
	}
	o, err := e.Store.Outgoing(ctx, s.ID)
	if err != nil || o.State != models.OutgoingTaken || o.Core != sw.Status().Core {
		return false
	}
	back, err := e.Store.Requeue(ctx, s.LegA)
	if err != nil {
		e.Log.Error("call that was never dialled could not be put back into the queue", "sessionId", s.ID, "error", err)
		return true // at the next resync
	}
	e.Log.Info("call that was never dialled waits again", "sessionId", s.ID, "done", back)
	if s.Stage = models.StageQueued; back && e.placedEnd != nil {
		e.placedEnd(s)
	}
	return back
}

// gone asks the switch itself: its list of channels lags behind (DESIGN §7). A question that fails is no answer.
func (h *handler) gone(ctx context.Context, leg string) bool {
	ctx, cancel := context.WithTimeout(ctx, commandIn)
	defer cancel()
	answer, err := h.sw.API(ctx, "uuid_exists", leg)
	return err == nil && strings.TrimSpace(answer) == "false"
}
