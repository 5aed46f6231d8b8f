package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"maskline/models"
)

// voiceNames are the settings of placed calls by the names of their JSON, those of a member as number.rate, with what each holds.
func voiceNames() map[string]reflect.Kind {
	names := map[string]reflect.Kind{}
	var walk func(t reflect.Type, prefix string)
	walk = func(t reflect.Type, prefix string) {
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case f.Anonymous:
				walk(f.Type, prefix)
			case f.Type.Kind() == reflect.Struct:
				walk(f.Type, name+".")
			default:
				names[prefix+name] = f.Type.Kind()
			}
		}
	}
	walk(reflect.TypeFor[models.VoiceSettings](), "")
	return names
}

// voiceValues reads --voice: KEY=VALUE with commas between, as the document that changes these settings.
func voiceValues(flags []string) (map[string]any, error) {
	known, out := voiceNames(), map[string]any{}
	for pair := range strings.SplitSeq(strings.Join(flags, ","), ",") {
		if pair == "" {
			continue
		}
		name, raw, ok := strings.Cut(pair, "=")
		kind, is := known[name]
		if !ok || !is {
			return nil, usagef("--voice %s: write KEY=VALUE; the keys are %s", pair, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		value, err := voiceValue(kind, raw)
		if err != nil {
			return nil, usagef("--voice %s: %w", pair, err)
		}
		to := out
		if head, rest, nested := strings.Cut(name, "."); nested {
			inner, _ := out[head].(map[string]any)
			if inner == nil {
				inner = map[string]any{}
			}
			out[head], to, name = inner, inner, rest
		}
		to[name] = value
	}
	return out, nil
}

func voiceValue(kind reflect.Kind, raw string) (any, error) {
	switch kind {
	case reflect.Bool:
		b, err := strconv.ParseBool(raw)
		if err != nil {
			return nil, fmt.Errorf("%q is neither true nor false", raw)
		}
		return b, nil
	case reflect.Slice:
		return strings.FieldsFunc(raw, func(r rune) bool { return r == '+' }), nil
	}
	if _, err := strconv.ParseFloat(raw, 64); err != nil {
		return nil, fmt.Errorf("%q is no number", raw)
	}
	return json.Number(raw), nil
}

// voiceFacts are the settings of placed calls as lines, with their defaults.
func voiceFacts(v models.VoiceSettings) []string {
	services := "all"
	if len(v.Services) > 0 {
		services = strings.Trim(fmt.Sprint(v.Services), "[]")
	}
	wait := fmt.Sprintf("%d may, %s each", v.QueueMost(), v.Patience())
	if v.QueueMost() == 0 {
		wait = "none may"
	}
	number := capText(v.Number.CallCap)
	if v.Number.Ports > 0 {
		number = join(number, fmt.Sprintf("%d at once", v.Number.Ports))
	}
	if v.Number.Rate > 0 {
		number = join(number, fmt.Sprintf("%g a second", v.Number.Rate))
	}
	var keys []string
	for _, k := range []struct {
		on   bool
		name string
	}{{v.BargeIn, "cut an item short"}, {v.HashEnds, "# ends the input"}} {
		if k.on {
			keys = append(keys, k.name)
		}
	}
	return []string{"services", services, "calls", join(fmt.Sprintf("%d at once, %g a second", v.PortsMost(), v.PerSecond()), capText(v.App)),
		"each number", number, "waiting", wait, "rings for", v.AnswerIn().String(), "at most", fmt.Sprintf("%d replays, a code %d times", v.ReplaysMost(), v.RoundsMost()),
		"keys", strings.Join(keys, ", "), "push_sign_old", onlyYes(v.PushSignOld)}
}

// join puts two parts of a list together, either of which may be empty.
func join(a, b string) string { return strings.Trim(a+", "+b, ", ") }
