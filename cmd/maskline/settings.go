package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"maskline/models"
	"maskline/web/admin"
)

// settingsFlags adds the settings that only some modes or tenants need. The function that it returns gives those that were written, as the
// document that changes them and nothing else; nil when none was.
func settingsFlags(f *pflag.FlagSet) func() (json.RawMessage, error) {
	digits := f.Int("digits", 0, "axe: digits of an extension, 1 to 4; 0 is 4")
	perNumber := f.Int("per-number", 0, "axe: extensions that one X carries; 0 is 200")
	repeats := f.Int("repeats", 0, "axe: how often a wrong or missing extension is asked for again")
	gap := f.Duration("gap", 0, "axe: the pause without a key that ends the input, 1s to 30s; 0s is 5s")
	answerFirst := f.Bool("answer-first", false, "axe: answer the caller before he is asked; many carriers pass no digits before, and all bill from it")
	callbackNum := f.String("callback-num", "", "axe: the `NUMBER` that A reaches on X when nobody called him before")
	callbackTone := f.String("callback-tone", "", "axe: the tone `FILE` that A hears then")
	askURL := f.String("ask-url", "", "x: the `URL` that is asked about each call, in place of --status-url")
	statusURL := f.String("number-status-url", "", "the `URL` that states of numbers are pushed to, in place of --status-url")
	push := f.Bool("push-number-status", false, "push states of numbers")
	registered := f.Bool("require-registered", false, "end calls whose A is no registered party of the tenant with 8058; to bind is allowed")
	risk := f.StringArray("risk", nil, "rules against misuse: `frequency=refuse,per_caller=20`; off, report (dry run) or refuse; may be repeated")
	voice := f.StringArray("voice", nil, "voice: limits of placed calls: `ports=50,rate=20,number.rate=1`; may be repeated")
	riskFile := f.String("risk-file", "", "all rules against misuse from a JSON `FILE`; a rule that it does not name is off")
	return func() (json.RawMessage, error) {
		extension, all := map[string]any{}, map[string]any{}
		for flag, to := range map[string]func(){
			"digits":             func() { extension["digits"] = *digits },
			"per-number":         func() { extension["per_number"] = *perNumber },
			"repeats":            func() { extension["repeats"] = *repeats },
			"gap":                func() { extension["gap"] = gap.Seconds() },
			"answer-first":       func() { extension["answer_first"] = *answerFirst },
			"callback-num":       func() { extension["callback_num"] = *callbackNum },
			"callback-tone":      func() { extension["callback_tone"] = *callbackTone },
			"ask-url":            func() { all["ask_url"] = *askURL },
			"number-status-url":  func() { all["number_status_url"] = *statusURL },
			"push-number-status": func() { all["push_number_status"] = *push },
			"require-registered": func() { all["require_registered"] = *registered },
		} {
			if f.Changed(flag) {
				to()
			}
		}
		if *gap%time.Second != 0 {
			return nil, usagef("--gap is in whole seconds, such as 5s")
		}
		if len(extension) > 0 {
			all["extension"] = extension
		}
		rules, err := riskRules(*riskFile, *risk)
		if err != nil {
			return nil, err
		}
		if len(rules) > 0 {
			all["risk"] = rules
		}
		if len(*voice) > 0 {
			if all["voice"], err = voiceValues(*voice); err != nil {
				return nil, err
			}
		}
		if len(all) == 0 {
			return nil, nil
		}
		return json.Marshal(all)
	}
}

// riskRules reads the rules of a file, all of them, and over those the ones of the command line.
func riskRules(file string, flags []string) (map[string]any, error) {
	rules := map[string]any{}
	if file != "" {
		text, err := os.ReadFile(file) //nolint:gosec // the operator names the file
		if err != nil {
			return nil, fmt.Errorf("read --risk-file: %w", err)
		}
		var r models.Risk
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&r); err != nil {
			return nil, usagef("--risk-file %s: %w; its members are %s", file, err, strings.Join(riskNames(), ", "))
		}
		maps.Copy(rules, riskValues(r))
	}
	for pair := range strings.SplitSeq(strings.Join(flags, ","), ",") {
		if pair == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		if !ok || !slices.Contains(riskNames(), name) {
			return nil, usagef("--risk %s: write RULE=VALUE; the rules are %s", pair, strings.Join(riskNames(), ", "))
		}
		rules[name] = riskValue(value)
	}
	return rules, nil
}

// riskValue reads a rule's value: off, a word, a number, or a time of the day in minutes.
func riskValue(s string) any {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	if t, err := time.Parse("15:04", s); err == nil {
		return t.Hour()*60 + t.Minute()
	}
	switch s {
	case "24:00":
		return 24 * 60
	case "off":
		return ""
	}
	return s
}

// riskNames are the names of the rules and their bounds, in the order in which the domain has them.
func riskNames() (names []string) {
	for f := range reflect.TypeFor[models.Risk]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// riskValues are all rules and bounds by name, those that are off or 0 among them.
func riskValues(r models.Risk) map[string]any {
	values := map[string]any{}
	v := reflect.ValueOf(r)
	for i, name := range riskNames() {
		values[name] = v.Field(i).Interface()
	}
	return values
}

// settingFacts are an app's settings as lines: those of its mode with their defaults, the others where they are set.
func settingFacts(a admin.App) (facts []string) {
	s := a.Settings
	if a.Mode == string(models.ModeAXE) {
		e := s.Extension
		facts = append(facts,
			"extension", fmt.Sprintf("%d digits, at most %d on a number", e.Length(), e.Most()),
			"asked again", fmt.Sprintf("%d times, %d s between keys", e.Repeats, e.GapSeconds()),
			"answer_first", yes(e.AnswerFirst), "callback_num", e.CallbackNum, "callback_tone", e.CallbackTone)
	}
	if a.Mode == string(models.ModeVoice) {
		facts = append(facts, voiceFacts(s.Voice)...)
	}
	facts = append(facts, "ask_url", s.AskURL, "number_status_url", s.NumberStatusURL)
	if s.PushNumberStatus {
		facts = append(facts, "push_number_status", "yes")
	}
	return append(facts, "require_registered", onlyYes(s.RequireRegistered), "risk", riskText(s.Risk))
}

// riskText is every rule that is set, in one line; "" for none.
func riskText(r models.Risk) string {
	values := riskValues(r)
	var parts []string
	for _, name := range riskNames() {
		v := fmt.Sprint(values[name])
		if minutes, isTime := values[name].(int); isTime && (name == "from" || name == "until") && r.Period != models.WatchOff {
			v = fmt.Sprintf("%02d:%02d", minutes/60, minutes%60)
		}
		if v != "" && v != "0" {
			parts = append(parts, name+"="+v)
		}
	}
	return strings.Join(parts, " ")
}
