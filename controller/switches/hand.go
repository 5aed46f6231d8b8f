package switches

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"maskline/esl"
	"maskline/models"
)

// hand sees to one switch.
type hand struct {
	Options
	sw   esl.Switch
	busy sync.Mutex // held by the look that goes on, whose all of the following is

	core   string             // to which the following belongs
	state  models.SwitchState // as we left it; "" while we have not seen to it
	empty  int                // looks in a row at which it had no session
	failed bool               // the last look
	told   time.Time          // when the database was last told
	said   models.SwitchSight // what it was told
}

// away is a look at a switch that is not ours, or that does not answer: the next one begins anew.
func (h *hand) away() { h.core, h.state, h.empty, h.told = "", "", 0, time.Time{} }

// look carries the order out as far as it goes now, and tells the database how the switch stands.
func (h *hand) look(ctx context.Context, r models.SwitchRow) {
	st := h.sw.Status()
	if st.Core != h.core {
		h.away()
		h.core = st.Core
	}
	is := models.SwitchSight{Daemon: h.Daemon, Up: true, Core: st.Core, Version: st.Version, Sessions: st.Sessions}
	var err error
	if r.Draining() {
		is.State, is.Sessions, err = h.drain(ctx, st.Sessions)
	} else {
		is.State, err = h.serve(ctx, r)
	}
	if err == nil {
		err = h.tell(ctx, r, is)
	}
	if err == nil && is.State == models.SwitchDrained && r.Order.Shutdown {
		err = h.shutDown(ctx, r, st.Core)
	}
	h.note(ctx, r, is, err)
}

// serve lets a switch take calls again that was draining, here or before a daemon's restart. One that nobody has paused for us is left alone: an
// operator may have paused it by hand.
func (h *hand) serve(ctx context.Context, r models.SwitchRow) (models.SwitchState, error) {
	before := h.state
	if before == "" {
		before = known(r.Sight.State)
	}
	if before != models.SwitchServing {
		if err := h.fsctl(ctx, "resume"); err != nil {
			return before, err
		}
	}
	h.empty = 0
	return models.SwitchServing, nil
}

// drain keeps new calls away and looks whether the last one has gone. It is the switch's own count that is asked, not that of its last HEARTBEAT.
func (h *hand) drain(ctx context.Context, last int) (models.SwitchState, int, error) {
	if err := h.pause(ctx, "inbound"); err != nil {
		return models.SwitchDraining, last, err
	}
	n, err := h.sessions(ctx)
	if err != nil {
		return models.SwitchDraining, last, err
	}
	if n > 0 {
		h.empty = 0
		return models.SwitchDraining, n, h.open(ctx)
	}
	if h.empty++; h.empty < looks {
		return models.SwitchDraining, 0, nil
	}
	if err := h.pause(ctx, ""); err != nil {
		return models.SwitchDraining, 0, err
	}
	// A call of ours may have been on its way while both were not paused yet.
	if n, err = h.sessions(ctx); err != nil || n > 0 {
		h.empty = 0
		if err == nil {
			err = h.open(ctx)
		}
		return models.SwitchDraining, n, err
	}
	return models.SwitchDrained, 0, nil
}

// pause pauses a direction, "" for both, unless it is.
func (h *hand) pause(ctx context.Context, direction string) error {
	is, err := h.sw.API(ctx, "fsctl", strings.TrimSpace("pause_check "+direction))
	if err != nil || strings.TrimSpace(is) == "true" {
		return err
	}
	return h.fsctl(ctx, strings.TrimSpace("pause "+direction))
}

// open lets calls that are up dial, if that was paused.
func (h *hand) open(ctx context.Context) error {
	is, err := h.sw.API(ctx, "fsctl", "pause_check outbound")
	if err != nil || strings.TrimSpace(is) != "true" {
		return err
	}
	return h.fsctl(ctx, "resume outbound")
}

func (h *hand) fsctl(ctx context.Context, what string) error {
	_, err := h.sw.API(ctx, "fsctl", what)
	return err
}

// sessions is how many legs the switch has, dialled ones included.
func (h *hand) sessions(ctx context.Context) (int, error) {
	text, err := h.sw.API(ctx, "status", "")
	if err != nil {
		return 0, err
	}
	return countIn(text)
}

// countIn reads the line "3 session(s) - peak 9, last 5min 4" of the answer to status (mod_commands, status_function).
func countIn(status string) (int, error) {
	for line := range strings.Lines(status) {
		if count, _, ok := strings.Cut(line, " session(s) - peak "); ok {
			n, err := strconv.Atoi(strings.TrimSpace(count))
			if err != nil || n < 0 {
				return 0, fmt.Errorf("status tells no number of sessions: %.40q", line)
			}
			return n, nil
		}
	}
	return 0, fmt.Errorf("status tells no number of sessions: %.120q", status)
}

// tell writes how the switch stands, when that is new or what was told has grown old. What an older daemon wrote last is replaced too.
func (h *hand) tell(ctx context.Context, r models.SwitchRow, is models.SwitchSight) error {
	if is == h.said && time.Since(h.told) < tellAll && r.Sight.State == is.State && r.Sight.Daemon == is.Daemon {
		return nil
	}
	if err := h.Store.SeeSwitch(ctx, h.sw.Name(), is); err != nil {
		return err
	}
	h.said, h.told = is, time.Now()
	return nil
}

// shutDown ends the switch's process, once an order: a process that was started since stays, and stays drained, so that whoever starts it decides when
// it serves. The order is marked first: nothing can be written any more when it has worked.
func (h *hand) shutDown(ctx context.Context, r models.SwitchRow, core string) error {
	if shut := r.Sight.ShutCore; shut != "" && shut != core {
		return nil
	}
	marked, err := h.Store.MarkShut(ctx, r, core)
	if err != nil || !marked {
		return err
	}
	h.Log.LogAttrs(ctx, slog.LevelInfo, "switch is told to shut down", slog.String("switch", h.sw.Name()), slog.String("ordered_by", r.Order.By))
	return h.fsctl(ctx, "shutdown")
}

// note logs what has changed, and a failure once.
func (h *hand) note(ctx context.Context, r models.SwitchRow, is models.SwitchSight, err error) {
	name := slog.String("switch", h.sw.Name())
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return // we end
	}
	if err != nil {
		h.Observe.SwitchOrderFailed(h.sw.Name())
		if !h.failed {
			h.Log.LogAttrs(ctx, slog.LevelWarn, "order to a switch could not be carried out; trying again every second", name, slog.Any("error", err))
		}
		h.failed = true
		return
	}
	h.failed = false
	before := h.state
	if before == "" {
		before = known(r.Sight.State)
	}
	h.state = is.State
	h.Observe.SwitchStands(h.sw.Name(), known(r.Order.Wanted), is.State)
	if before == is.State {
		return
	}
	log := h.Log.With(name, slog.Int("sessions", is.Sessions), slog.String("ordered_by", r.Order.By))
	switch is.State {
	case models.SwitchServing:
		log.InfoContext(ctx, "switch takes calls again")
	case models.SwitchDraining:
		log.InfoContext(ctx, "switch takes no new calls")
	case models.SwitchDrained:
		log.InfoContext(ctx, "switch is drained: its last call has gone")
	}
}
