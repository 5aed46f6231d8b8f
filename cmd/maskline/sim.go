package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"maskline/esl/sim"
)

func (c *cli) simCommand() *cobra.Command {
	return c.group("sim", "The simulated switch of a daemon that runs one (simulated: true); it carries no real calls", "", "", c.simCall())
}

// simFlags are what sim call may say of the two telephones.
type simFlags struct {
	answer, talk, cancel, digits time.Duration
	ends, script                 string
}

func (c *cli) simCall() *cobra.Command {
	var script sim.CallScript
	var b sim.PhoneScript
	var f simFlags
	cmd := c.leaf("call --from A --to X [flags] | call --script FILE", "Place a call on the simulated switch and tell what both telephones see",
		`  maskline sim call --from +8613800000001 --to +8617000000001 --answer 2s --talk 10s
  maskline sim call --from +8613800000001 --to +8617000000001 --busy
  maskline sim call --from +8613800000001 --to +8617000000001 --no-answer --cancel 20s
  maskline sim call --from +8613800000001 --to +8617000000001 --digits 1234# --digits-after 2s
  maskline sim call --script call.json`, noArgs,
		func(ctx context.Context, _ []string) error {
			if err := f.apply(&script, &b); err != nil {
				return err
			}
			return c.follow(ctx, script)
		})
	fl := cmd.Flags()
	fl.StringVar(&script.From, "from", "", "who calls: A's number")
	fl.StringVar(&script.To, "to", "", "what is dialled: X")
	fl.BoolVar(&script.Hidden, "hidden", false, "the caller hides his number")
	fl.StringVar(&script.PAI, "pai", "", "a `NUMBER` in P-Asserted-Identity")
	fl.StringVar(&script.Address, "address", "", "`HOST:PORT` the INVITE comes from; 127.0.0.1:5070 if empty")
	fl.StringVar(&script.Digits, "digits", "", "keys that A presses, such as an extension: 1234#")
	fl.DurationVar(&f.digits, "digits-after", 2*time.Second, "how long A listens before he presses the first of them")
	fl.StringVar(&f.script, "script", "", "the whole call from a JSON `FILE`, as POST /sim/calls takes it; other flags do not count")
	fl.DurationVar(&f.answer, "answer", 2*time.Second, "how long B rings before it answers, or does what else is named")
	fl.DurationVar(&f.talk, "talk", 5*time.Second, "how long they talk")
	fl.StringVar(&f.ends, "ends", "a", "who hangs up: a or b")
	fl.DurationVar(&f.cancel, "cancel", 0, "A gives up after so long without an answer; 0 is never")
	fl.BoolVar(&b.Busy, "busy", false, "B is busy (486)")
	fl.BoolVar(&b.Rejects, "rejects", false, "B rejects (603)")
	fl.BoolVar(&b.PoweredOff, "powered-off", false, "B is switched off (480)")
	fl.BoolVar(&b.NotExist, "not-exist", false, "B does not exist (404)")
	fl.BoolVar(&b.NoAnswer, "no-answer", false, "B rings until somebody gives up")
	fl.BoolVar(&b.EarlyMedia, "early-media", false, "B sends sound of his own instead of ringing")
	fl.IntVar(&b.Status, "status", 0, "any other final answer of B, 300 to 699")
	cmd.MarkFlagsRequiredTogether("from", "to")
	cmd.MarkFlagsOneRequired("from", "script")
	cmd.MarkFlagsMutuallyExclusive("from", "script")
	cmd.MarkFlagsMutuallyExclusive("busy", "rejects", "powered-off", "not-exist", "no-answer", "status")
	return cmd
}

// apply puts the flags into the script.
func (f simFlags) apply(script *sim.CallScript, b *sim.PhoneScript) error {
	if f.script != "" {
		return readScript(f.script, script)
	}
	if f.answer < 0 || f.talk < 0 || f.cancel < 0 || f.digits < 0 {
		return usagef("--answer, --talk, --cancel and --digits-after are durations of 0 or more, such as 2s")
	}
	script.Early, script.After = script.Digits != "", sim.Wait(f.digits)
	b.Rings, script.Cancels, script.Callee = sim.Wait(f.answer), sim.Wait(f.cancel), b
	switch f.ends {
	case "a":
		script.HangsUp = sim.Wait(f.talk)
	case "b":
		b.HangsUp = sim.Wait(f.talk)
	default:
		return usagef("--ends is a or b")
	}
	return nil
}

// readScript reads a call from a file.
func readScript(file string, script *sim.CallScript) error {
	text, err := os.ReadFile(file) //nolint:gosec // the operator names the file
	if err != nil {
		return fmt.Errorf("read --script: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(script); err != nil {
		return usagef("--script %s: %w", file, err)
	}
	return nil
}

// follow places the call and prints each thing as it happens.
func (c *cli) follow(ctx context.Context, script sim.CallScript) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	cl.http.Timeout = 0 // a call may last; ctx ends it
	body, err := cl.open(ctx, http.MethodPost, "/sim/calls", nil, script)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	var began time.Time
	lines := bufio.NewScanner(io.LimitReader(body, answerMax))
	for lines.Scan() {
		if c.json {
			if err := c.printf("%s\n", lines.Bytes()); err != nil {
				return err
			}
			continue
		}
		var h sim.Happening
		if err := json.Unmarshal(lines.Bytes(), &h); err != nil {
			return fmt.Errorf("read what happened: %w", err)
		}
		if began.IsZero() {
			began = h.At
		}
		if err := c.printHappening(h, h.At.Sub(began)); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("follow the call: %w", err)
	}
	return nil
}

func (c *cli) printHappening(h sim.Happening, after time.Duration) error {
	side, way := map[string]string{"a": "A", "b": "            B"}[h.Side], "◀─"
	if h.Sent {
		way = "─▶"
	}
	text := h.Text
	switch {
	case h.What == "end":
		return c.printf("%7.2f  the call is over: %s\n", after.Seconds(), h.Cause)
	case h.Shown != "":
		text = "shows " + h.Shown
	}
	return c.printf("%7.2f  %s %s %s %s\n", after.Seconds(), side, way, h.What, text)
}
