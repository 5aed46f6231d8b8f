package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"maskline/controller/cdr"
	"maskline/esl"
	"maskline/models"
)

// script is what leg 1 of a placed call executes when it answers, in the switch and without us: its items up to the first that collects keys,
// since these decide what follows; or what comes before leg 2, and the bridge to it.
type script struct {
	apps  []esl.App
	items int  // how many of the call's items it plays
	asks  bool // the last of them collects keys
}

// sound is one item, found.
type sound struct {
	item   models.Item
	arg    string        // of playback
	length time.Duration // of speech, all rounds; 0 for prompts
}

// pause lies between the files of one item: digits of a code are told apart.
const pause = "silence_stream://250"

// afterKeys bounds how long leg 1 waits for the daemon between two items, where keys decide: should none be there, the switch ends the call.
const afterKeys = 20 * time.Second

// prepare finds and renders what will be heard, and writes the dial string and the script. What is missing ends the call before it is dialled:
// nobody is called to hear silence.
func (k *call) prepare(ctx context.Context, picked []models.Trunk) (script, esl.Dial, error) {
	p := *k.s.Plan.Place
	if p.Show == p.To {
		return script{}, esl.Dial{}, errors.New("the called party would see his own number")
	}
	if err := k.mayDial(p); err != nil {
		return script{}, esl.Dial{}, err
	}
	for _, item := range p.Play {
		s, err := k.soundOf(ctx, item)
		if err != nil {
			return script{}, esl.Dial{}, err
		}
		k.placing.items = append(k.placing.items, s)
	}
	out := k.script()
	d := esl.Dial{Vars: k.firstVars(p)}
	reach := models.Connect{To: p.To, Show: p.Show, AnswerIn: p.AnswerIn}
	for i, t := range picked {
		e := k.endpoint(reach, t, i == len(picked)-1)
		if i == 0 {
			e.Leg = k.s.LegA
		}
		d.Endpoints = append(d.Endpoints, e)
	}
	if p.Then == nil {
		return out, d, nil
	}
	then := *p.Then
	k.afford(ctx, &then)
	bridge, err := k.bridgeApps(then)
	if err != nil {
		return script{}, esl.Dial{}, err
	}
	out.apps = append(out.apps, bridge...)
	return out, d, nil
}

// soundOf finds or renders one item.
func (k *call) soundOf(ctx context.Context, item models.Item) (sound, error) {
	var files []string
	var length time.Duration
	for _, name := range item.Prompts {
		path, ok := k.find(name)
		if !ok {
			k.placing.wrong = models.PromptGone
			return sound{}, fmt.Errorf("prompt %s is gone", name)
		}
		files = append(files, path)
	}
	if item.Speech != nil {
		path, took, err := k.speak(ctx, *item.Speech)
		if err != nil {
			k.placing.wrong = models.SpeechFailed
			return sound{}, fmt.Errorf("speech could not be rendered: %w", err)
		}
		files, length = []string{path}, took
	}
	rounds := max(1, item.Rounds)
	var all []string
	for range rounds {
		for _, f := range files {
			if len(all) > 0 {
				all = append(all, pause)
			}
			all = append(all, f)
		}
	}
	if len(all) == 0 {
		k.placing.wrong = models.PromptGone
		return sound{}, errors.New("an item has nothing to play")
	}
	for _, f := range all {
		if strings.ContainsAny(f, "!;|'\\$ ") {
			return sound{}, errors.New("path of a sound holds a character that the switch would read as its own")
		}
	}
	s := sound{item: item, arg: all[0], length: length * time.Duration(rounds)}
	if len(all) > 1 {
		s.arg = "file_string://" + strings.Join(all, "!")
	}
	return s, nil
}

func (k *call) speak(ctx context.Context, s models.Speech) (string, time.Duration, error) {
	if k.e.Speech == nil {
		return "", 0, errors.New("no engine is configured")
	}
	ctx, cancel := context.WithTimeout(ctx, renderIn)
	defer cancel()
	return k.e.Speech.Speak(ctx, s)
}

// script is the items as the switch plays them by itself.
func (k *call) script() script {
	var out script
	for i, s := range k.placing.items {
		out.items = i + 1
		if s.item.Collect == 0 {
			out.apps = append(out.apps, esl.App{Name: "playback", Arg: s.arg})
			continue
		}
		out.apps = append(out.apps, k.collectApps(s, 1)...)
		// Keys decide what follows, and that is ours to say (hold); but not for ever.
		out.apps = append(out.apps, esl.App{Name: "sched_hangup", Arg: fmt.Sprintf("+%d %s", int(afterKeys/time.Second), esl.NormalClearing)}, esl.App{Name: "park"})
		out.asks = true
		return out
	}
	if k.s.Plan.Place.Then == nil {
		out.apps = append(out.apps, esl.App{Name: "hangup", Arg: string(esl.NormalClearing)})
	}
	return out
}

// collectApps plays an item and collects what is keyed after it, or, with barge-in, during it. n counts the call's inputs.
func (k *call) collectApps(s sound, n int) []esl.App {
	p := k.s.Plan.Place
	file, ends := s.arg, "none"
	var apps []esl.App
	if !p.BargeIn {
		apps, file = append(apps, esl.App{Name: "playback", Arg: s.arg}), "silence"
	}
	if p.HashEnds {
		ends = "#"
	}
	wait := models.CollectIn.Milliseconds()
	return append(apps, esl.App{Name: "read", Arg: fmt.Sprintf("1 %d %s %s %d %s %d", s.item.Collect, file, cdr.InputVar(n), wait, ends, wait)})
}

// firstVars are the variables of leg 1.
func (k *call) firstVars(p models.Place) []esl.Var {
	parked := afterKeys // after a bridge that came to nothing
	if p.Then == nil {
		parked = heardIn // the scheduled hang-ups are nearer
	}
	vars := append(k.legVars("a", p.Show, p.AnswerIn),
		esl.Var{Name: "maskline_owner", Value: k.e.Owner},
		// Nobody listens before the answer, and only the answer begins the script.
		esl.Var{Name: "ignore_early_media", Value: "true"},
		esl.Var{Name: "continue_on_fail", Value: "true"},
		esl.Var{Name: "playback_terminators", Value: "none"},
		esl.Var{Name: "park_timeout", Value: fmt.Sprintf("%d:%s", int(parked/time.Second), esl.NormalClearing)})
	if p.Then == nil {
		vars = append(vars, esl.Var{Name: "execute_on_answer_1", Value: fmt.Sprintf("sched_hangup +%d %s", int(heardIn/time.Second), esl.AllottedTimeout)})
	}
	return vars
}

// bridgeApps dial leg 2 from leg 1. If it fails leg 1 waits a moment for what we have to say (afterBridge).
func (k *call) bridgeApps(c models.Connect) ([]esl.App, error) {
	if err := k.guard(c); err != nil {
		return nil, err
	}
	picked := k.e.trunks.take(c.Trunk)
	if len(picked) == 0 {
		return nil, errNoTrunk
	}
	k.hold(picked)
	onAnswer, err := k.atAnswer(c)
	if err != nil {
		return nil, err
	}
	tone := k.e.Ringback
	if path, ok := k.find(c.Wait); ok {
		tone = path // looped by the switch
	}
	d := esl.Dial{Vars: slices.Concat([]esl.Var{{Name: "instant_ringback", Value: "true"}}, k.calleeVars(c), onAnswer)}
	for i, t := range picked {
		d.Endpoints = append(d.Endpoints, k.endpoint(c, t, i == len(picked)-1))
	}
	return []esl.App{
		{Name: "set", Arg: "ringback=" + tone}, {Name: "set", Arg: "transfer_ringback=" + tone},
		esl.BridgeApp(d), {Name: "park"},
	}, nil
}
