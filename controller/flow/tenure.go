package flow

import (
	"context"
	"errors"
	"sync"

	"maskline/esl"
	"maskline/models"
)

// tenure is the time during which this daemon owns a switch. The calls on it are ours as long as it lasts; then they are the next owner's,
// wherever they stand.
type tenure struct {
	held models.Lease
	ctx  context.Context // of every call on the switch
	end  context.CancelFunc
	wg   sync.WaitGroup // of their goroutines
}

var errNotOurs = errors.New("the switch is another daemon's")

// On gives the handler for one switch that is this daemon's as long as the engine lives. host is the part of its session ids after "@" and the
// hostName of its CDRs; it must stay the same over restarts of either side, since the session of a call that is found again is looked up by it.
func (e *Engine) On(sw esl.Switch, host string) esl.Handler {
	return &handler{e: e, sw: sw, host: host, tenure: e.own(sw.Name(), models.Lease{})}
}

// Attend runs a switch under a lease, and carries its calls, until ctx ends. Then nothing more is commanded or written: who owns the switch next
// finds its calls there. It returns when no goroutine of theirs is left, with ctx's error or the switch's.
func (e *Engine) Attend(ctx context.Context, sw esl.Switch, host string, held models.Lease) error {
	t := e.own(sw.Name(), held)
	defer e.disown(sw.Name(), t)
	defer context.AfterFunc(ctx, t.end)()
	return sw.Run(ctx, &handler{e: e, sw: sw, host: host, tenure: t})
}

func (e *Engine) own(name string, held models.Lease) *tenure {
	t := &tenure{held: held}
	t.ctx, t.end = context.WithCancel(e.ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tenures[name] = t
	return t
}

// disown lets go of a switch's calls and waits until their goroutines have ended.
func (e *Engine) disown(name string, t *tenure) {
	t.end()
	e.mu.Lock()
	if e.tenures[name] == t {
		delete(e.tenures, name)
	}
	e.mu.Unlock()
	t.wg.Wait()
}
