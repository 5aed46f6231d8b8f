package flow

import (
	"context"
	"fmt"
	"strings"
	"time"

	"maskline/models"
)

// collect asks the caller for an extension, as often as the plan allows, and routes by it.
func (k *call) collect(ctx context.Context, c models.Collect) (models.Plan, error) {
	if err := k.listen(ctx, c.Answer); err != nil {
		return models.Plan{}, err
	}
	keyed := false
	prompt := c.Input
	for try := 0; ; try++ {
		digits, err := k.read(ctx, c, prompt)
		if err != nil {
			return models.Plan{}, err
		}
		if digits != "" {
			keyed = true
			if err := k.tellDigits(ctx, digits, try); err != nil {
				return models.Plan{}, err
			}
		}
		plan := models.Plan{}
		if models.ValidExtension(digits) == nil {
			plan, err = k.again(ctx, digits)
			if err != nil || !wrongExtension(plan) {
				return plan, err
			}
		}
		if try == c.Repeats {
			return k.giveUp(ctx, c, keyed)
		}
		prompt = c.Again
		if digits == "" || prompt == "" {
			prompt = c.Input
		}
	}
}

func wrongExtension(p models.Plan) bool {
	return p.Refuse != nil && p.Refuse.State == models.NoExtensionBound
}

// listen prepares the caller's leg for digits: as RFC 2833 and SIP INFO the switch takes them by itself, in-band ones it must listen for.
func (k *call) listen(ctx context.Context, answer bool) error {
	k.own(ctx)
	k.heard = true
	if answer {
		if _, err := k.leg.Execute(ctx, k.leg.ID(), "answer", ""); err != nil {
			return fmt.Errorf("answer the caller: %w", err)
		}
	}
	if _, err := k.leg.Execute(ctx, k.leg.ID(), "start_dtmf", ""); err != nil {
		return fmt.Errorf("listen for digits: %w", err)
	}
	return nil
}

// read plays a prompt and gives the digits that the caller keyed, "" for none. # ends the input; keys during the prompt cut it short.
func (k *call) read(ctx context.Context, c models.Collect, prompt string) (string, error) {
	path, ok := k.find(prompt)
	if !ok {
		path = "silence"
	}
	gap := c.Gap.Milliseconds()
	token, err := k.leg.Execute(ctx, k.leg.ID(), "read", fmt.Sprintf("1 %d %s %s %d # %d", c.Digits, path, digitsVar, gap, gap))
	if err != nil {
		return "", fmt.Errorf("collect digits: %w", err)
	}
	done, err := k.stepDone(ctx, token, promptIn+time.Duration(c.Digits)*c.Gap)
	if err != nil {
		return "", err
	}
	digits, _, _ := strings.Cut(done.Var(digitsVar), "#")
	return digits, nil
}

const digitsVar = "maskline_digits"

func (k *call) tellDigits(ctx context.Context, digits string, try int) error {
	ev := k.event(models.EventCollect, time.Now().UTC())
	ev.Key, ev.Digits = fmt.Sprintf("%s:%d", models.EventCollect, try+1), digits
	return k.commit(ctx, k.change(ev))
}

// giveUp ends a call whose caller keyed nothing that leads anywhere.
func (k *call) giveUp(ctx context.Context, c models.Collect, keyed bool) (models.Plan, error) {
	r := models.Refuse{State: models.NoExtensionBound, Q850: 21, Prompt: c.GiveUp}
	if !keyed {
		r.State, r.Prompt = models.ExtensionEmpty, c.Missing
	}
	if err := k.take(models.Plan{Direction: k.s.Plan.Direction, Refuse: &r}); err != nil {
		return models.Plan{}, err
	}
	return k.s.Plan, k.settle(ctx)
}
