package flow

import (
	"context"
	"errors"

	"maskline/controller/guard"
	"maskline/esl"
	"maskline/models"
)

// guarded is a call's leg that gives the switch nothing in which a party could read another's number.
func (k *call) guarded(leg esl.Call) esl.Call {
	return &guard.Call{Call: leg, Watch: k.secrets, Found: k.alarm}
}

// secrets is what the call's strings are looked through for, as its plan now stands. Only the call's goroutine gives strings.
func (k *call) secrets() *guard.Watch {
	n := guard.Numbers{Country: k.e.Numbering.Country, Caller: k.s.Caller.Reveal(), Callee: k.s.Callee.Reveal(), Dialled: k.s.Dialled, Recording: k.s.RecordAs}
	if to := k.s.Plan.Callee(); to != nil {
		n.Callee, n.Show, n.CallerShown = to.To, to.Show, to.ShowsCaller
	}
	if b := k.sight.Binding; b != nil {
		n.A, n.B = b.A.Reveal(), b.B.Reveal()
	}
	if r := k.sight.Route; r != nil {
		n.Temp = r.Temp.Reveal()
	}
	if k.watched == nil || k.watched.For != n {
		k.watched = guard.NewWatch(n)
	}
	return k.watched
}

// alarm tells of a leak that was prevented: never which number, and where it would have gone only as far as a word says.
func (k *call) alarm(f *guard.Finding) {
	k.e.Observe.LeakPrevented(f.Where)
	k.log.Error("LEAK PREVENTED: a number was about to be shown to somebody who must not see it; the call is refused", "where", f.Where, "name", f.Name, "how", string(f.How))
}

// withheld says that something could not be given to the switch for what it holds.
func withheld(err error) bool {
	return errors.Is(err, guard.ErrLeak) || errors.Is(err, esl.ErrUnsafe)
}

// refuseWithheld ends a call for which something was withheld from the switch, as an error of ours: 8011, and the caller hears an apology. Nobody
// was dialled, and from now on nobody will be.
func (k *call) refuseWithheld(ctx context.Context, err error) error {
	k.log.Error("call is refused: what it needs may not be given to the switch", "error", err)
	r := models.Refuse{State: models.InternalError, Q850: 41, Prompt: models.PromptSystemBusy}
	k.s.Plan, k.s.Stage = models.Plan{Direction: k.s.Plan.Direction, Refuse: &r}, models.StageRefusing
	return k.refuse(ctx, r)
}
