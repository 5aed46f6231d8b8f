package flow

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"maskline/controller/route"
	"maskline/esl"
	"maskline/models"
)

// Asker puts the question of mode X to the tenant, once (spec/privatenumber.md §4.3). It reads at most route.AnswerMax bytes of answer.
type Asker interface {
	Ask(ctx context.Context, app models.App, s models.Session, e models.CallEvent) (answer []byte, status int, err error)
}

// ask puts the call to the tenant and makes his answer the plan. The question is not retried: a caller waits for it.
func (k *call) ask(ctx context.Context) (models.Plan, error) {
	k.own(ctx)
	start := time.Now()
	answer, err := k.question(ctx)
	k.e.Observe.Stage("ask", time.Since(start))
	if ctx.Err() != nil {
		return models.Plan{}, ctx.Err()
	}
	if k.stopped.Load() || errors.Is(err, esl.ErrGone) {
		return models.Plan{}, esl.ErrGone // his answer is no longer carried out, nor judged
	}
	plan := k.e.Rules.Unanswered(k.sight)
	if err == nil {
		plan, k.s.UserData, err = k.answered(ctx, answer)
	}
	switch {
	case errors.Is(err, errLookup):
		return models.Plan{}, err
	case err != nil:
		if errors.Is(err, route.ErrDestination) {
			k.e.Observe.TollRefused(k.app.Key, limitDestination)
		}
		k.log.Warn("the tenant's answer cannot be carried out", "error", err)
	}
	if err := k.take(plan); err != nil {
		return models.Plan{}, err
	}
	return k.s.Plan, k.settle(ctx)
}

// question gives the tenant's answer, if it came in time and with 200. It fails with ErrGone as soon as the caller leaves.
func (k *call) question(ctx context.Context) ([]byte, error) {
	if k.e.Ask == nil {
		return nil, errors.New("this daemon asks nobody")
	}
	ctx, cancel := context.WithTimeout(ctx, k.e.AskIn)
	defer cancel()
	var answer []byte
	var failed error
	listening, answered := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer answered()
		var status int
		answer, status, failed = k.e.Ask.Ask(ctx, k.app, k.s, k.event(models.EventCallIn, k.s.StartedAt))
		if failed == nil && status != http.StatusOK {
			failed = fmt.Errorf("the tenant answered with status %d", status)
		}
	}()
	for {
		ev, err := k.next(listening)
		left := err == nil && ev.Leg == k.leg.ID() && (ev.Kind == esl.HungUp || ev.Kind == esl.Lost)
		switch {
		case err == nil && !left:
			continue
		case left || listening.Err() == nil: // he is gone, or out of sight
			cancel()
			<-ended
			return nil, esl.ErrGone
		}
		<-ended
		return answer, failed
	}
}

var errLookup = errors.New("the database did not answer")

// answered judges the answer. Whether its callee is a number of the platform is looked up before it is trusted: no call goes in a circle.
func (k *call) answered(ctx context.Context, answer []byte) (plan models.Plan, userData string, err error) {
	var failed error
	owned := func(number string) bool {
		_, err := k.e.Store.Number(ctx, number)
		if err != nil && models.CodeOf(err) != models.NotFound {
			failed = errors.Join(errLookup, err)
		}
		return err == nil
	}
	exists := func(name string) bool { _, ok := k.find(name); return ok }
	plan, userData, err = k.e.Rules.Answered(answer, k.sight, exists, owned)
	return plan, userData, errors.Join(err, failed)
}
