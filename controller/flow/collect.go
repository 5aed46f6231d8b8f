package flow

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"maskline/esl"
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
		in, err := k.read(ctx, c, prompt)
		if err != nil {
			return models.Plan{}, err
		}
		digits := in.digits
		if digits != "" {
			keyed = true
			if err := k.tellDigits(ctx, digits, try); err != nil {
				return models.Plan{}, err
			}
		}
		if models.ValidExtension(digits) == nil {
			plan, err := k.again(ctx, digits)
			if err != nil || !wrongExtension(plan) {
				return plan, err
			}
		}
		if try == c.Repeats {
			return k.giveUp(ctx, c, keyed)
		}
		if err := k.beforeAgain(ctx, c, in, keyed); err != nil {
			return models.Plan{}, err
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

// listen prepares the caller's leg for digits. RFC 2833 and SIP INFO the switch takes by itself. Tones in the sound it must listen for, and
// it is told to only where the caller's side offers no telephone-event: many that do leave the beginning of each tone in the sound, and every
// key would count twice (conf/freeswitch/README.md, "Digits").
func (k *call) listen(ctx context.Context, answer bool) error {
	k.own(ctx)
	k.heard = true
	if answer {
		if _, err := k.leg.Execute(ctx, k.leg.ID(), "answer", ""); err != nil {
			return fmt.Errorf("answer the caller: %w", err)
		}
	}
	if k.sendsEvents {
		return nil
	}
	return k.listenForTones(ctx)
}

func (k *call) listenForTones(ctx context.Context) error {
	if _, err := k.leg.Execute(ctx, k.leg.ID(), "start_dtmf", ""); err != nil {
		return fmt.Errorf("listen for digits: %w", err)
	}
	return nil
}

// beforeAgain is what lies between an input that led nowhere and the next one.
func (k *call) beforeAgain(ctx context.Context, c models.Collect, in input, keyed bool) error {
	if k.sendsEvents && !keyed && !in.ended {
		// Not one key came as it was promised: the carrier may leave tones in the sound after all.
		return k.listenForTones(ctx)
	}
	if len(in.digits) < c.Digits || in.ended {
		return nil
	}
	// An input of full length ends by itself. The # that many press after it would end the next one, unseen and empty.
	if err := k.leg.Set(ctx, k.leg.ID(), esl.Var{Name: "sleep_eat_digits", Value: "true"}); err != nil {
		return fmt.Errorf("let late keys pass: %w", err)
	}
	token, err := k.leg.Execute(ctx, k.leg.ID(), "sleep", strconv.FormatInt(lateKeys.Milliseconds(), 10))
	if err != nil {
		return fmt.Errorf("let late keys pass: %w", err)
	}
	return k.awaitStep(ctx, token, lateKeys+commandIn)
}

// lateKeys is how long keys are dropped after a wrong input of full length.
const lateKeys = time.Second

// input is what a caller keyed.
type input struct {
	digits string
	ended  bool // by #, this time or an earlier one: the switch keeps its mark
}

// read plays a prompt and gives the digits that the caller keyed, "" for none. # ends the input; keys during the prompt cut it short.
func (k *call) read(ctx context.Context, c models.Collect, prompt string) (input, error) {
	path, ok := k.find(prompt)
	if !ok {
		path = "silence"
	}
	gap := c.Gap.Milliseconds()
	token, err := k.leg.Execute(ctx, k.leg.ID(), "read", fmt.Sprintf("1 %d %s %s %d # %d", c.Digits, path, digitsVar, gap, gap))
	if err != nil {
		return input{}, fmt.Errorf("collect digits: %w", err)
	}
	done, err := k.stepDone(ctx, token, promptIn+time.Duration(c.Digits)*c.Gap)
	if err != nil {
		return input{}, err
	}
	digits, _, _ := strings.Cut(done.Var(digitsVar), "#")
	return input{digits, done.Var("read_terminator_used") != ""}, nil
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
