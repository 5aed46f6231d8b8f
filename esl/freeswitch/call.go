package freeswitch

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"maskline/esl"
	"maskline/esl/wire"
)

// call is an open esl.Call.
type call struct {
	s       *Switch
	id      string
	box     *mailbox
	claimed atomic.Bool
	job     string    // that places it; the book's, as is
	doubted time.Time // since when it is not known whether the switch took that
}

func (s *Switch) newCall(id string) *call {
	return &call{s: s, id: id, box: newMailbox(s.opt.Mailbox)}
}

// ID is the uuid of the first leg.
func (c *call) ID() string { return c.id }

// Switch is the switch it is on.
func (c *call) Switch() esl.Switch { return c.s }

// Next waits for the call's next event.
func (c *call) Next(ctx context.Context) (esl.Event, error) { return c.box.next(ctx) }

// Close frees the mailbox. Closing twice is closing once.
func (c *call) Close() {
	c.s.book.close(c)
	c.box.close()
}

// Claim deletes the hang-up that the dialplan armed; whoever deletes it has the call.
func (c *call) Claim(ctx context.Context) error {
	text, err := c.s.API(ctx, "sched_del", c.id)
	if err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	count, ok := strings.CutPrefix(strings.TrimSpace(text), "+OK Deleted: ")
	n, err := strconv.Atoi(count)
	if !ok || err != nil {
		return fmt.Errorf("claim: %w: answer not understood", esl.ErrRefused)
	}
	if n < 1 {
		return fmt.Errorf("claim: %w", esl.ErrClaimed)
	}
	c.claimed.Store(true)
	return nil
}

// Set sets channel variables; an empty value unsets one.
func (c *call) Set(ctx context.Context, leg string, vars ...esl.Var) error {
	args, err := wire.SetVars(leg, vars...)
	if err != nil {
		return err
	}
	for _, arg := range args {
		if _, err := c.s.API(ctx, "uuid_setvar_multi", arg); err != nil {
			return fmt.Errorf("set variables: %w", err)
		}
	}
	return nil
}

// Execute queues an application on a leg.
func (c *call) Execute(ctx context.Context, leg, app, arg string) (string, error) {
	token := newToken()
	cmd, err := wire.Execute(leg, app, arg, token)
	if err != nil {
		return "", err
	}
	if _, err := c.s.do(ctx, "sendmsg", cmd, wantReply); err != nil {
		return "", fmt.Errorf("execute %s: %w", app, err)
	}
	return token, nil
}

// Ring sends 180. The application ring_ready would do the same later: a parked leg without media looks every 20 ms for one thing to do, and
// what is queued behind it waits for the next look (switch_ivr_park).
func (c *call) Ring(ctx context.Context, leg string) error {
	if err := wire.UUID("leg", leg); err != nil {
		return err
	}
	_, err := c.s.API(ctx, "uuid_ring_ready", leg)
	if errors.Is(err, esl.ErrRefused) { // "-ERROR", and there is no other reason
		return fmt.Errorf("ring: %w", esl.ErrGone)
	}
	return err
}

// Bridge queues a bridge on a leg. Legs without maskline_call, maskline_role and presence_data get them: dispatch and resync know a leg by
// these.
func (c *call) Bridge(ctx context.Context, leg string, d esl.Dial) (string, error) {
	d = c.own(d, "b")
	text, err := wire.DialString(d)
	if err != nil {
		return "", fmt.Errorf("bridge: %w", err)
	}
	c.plan(d)
	return c.Execute(ctx, leg, "bridge", text)
}

// Break ends the application that runs on a leg, and those that are queued behind it.
func (c *call) Break(ctx context.Context, leg string) error {
	if err := wire.UUID("leg", leg); err != nil {
		return err
	}
	_, err := c.s.API(ctx, "uuid_break", leg+" all")
	return err
}

// Hangup ends a leg; without a cause as NORMAL_CLEARING.
func (c *call) Hangup(ctx context.Context, leg string, cause esl.Cause) error {
	if err := wire.UUID("leg", leg); err != nil {
		return err
	}
	if cause == esl.CauseNone {
		cause = esl.NormalClearing
	}
	if strings.Trim(string(cause), "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		return fmt.Errorf("hang-up cause: %w", esl.ErrUnsafe)
	}
	_, err := c.s.API(ctx, "uuid_kill", leg+" "+string(cause))
	return err
}

// newToken makes a random uuid (version 4).
func newToken() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
