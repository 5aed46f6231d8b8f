package delivery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"maskline/models"
)

// askMost is how long a question may take at most, whatever its context says.
const askMost = 10 * time.Second

// Ask puts a call of mode X to its tenant: the callin event, signed like a push, with notifyMode Block, to the app's AskURL, else its StatusURL
// (spec/privatenumber.md §4.3). It gives the answer's body as it came, unread, when that is HTTP 200 and at most 64 kB; status is 0 when
// no status came. Everything else is an error, which names no number.
//
// It is sent once, on a connection of its own, and never again; redirects are not followed. It ends with ctx, and after 10 s in any case. When too
// many questions are under way, to this URL or in all, it fails at once (see gate). No row is stored. It may be called from anywhere, whether Run
// runs or not, and works in the caller's goroutine.
func (c *Courier) Ask(ctx context.Context, app models.App, s models.Session, e models.CallEvent) (reply []byte, status int, err error) {
	target := askURL(app)
	if target == "" {
		return nil, 0, errors.New("ask the tenant: the app has no URL to ask at")
	}
	reply, a := c.ask(ctx, app, target, eventBody(app.Mode, modeBlock, s, e))
	c.o.Observe.Attempted(models.DeliverEvent, a.result, a.took)
	if a.err != nil {
		return nil, a.status, fmt.Errorf("ask %s: %w", bare(target), a.err)
	}
	return reply, a.status, nil
}

func askURL(app models.App) string {
	if app.Settings.AskURL != "" {
		return app.Settings.AskURL
	}
	return app.StatusURL
}

// ask takes a place, signs, sends, and reads the answer.
func (c *Courier) ask(ctx context.Context, app models.App, target string, body []byte) (reply []byte, a answer) {
	if !c.asks.enter(target) {
		return nil, answer{result: Skipped, err: errors.New("not sent: too many questions are under way")}
	}
	defer func() { c.asks.leave(target, heard(ctx, a)) }()
	limited, cancel := context.WithTimeout(ctx, askMost)
	defer cancel()
	started := time.Now()
	key, err := c.look(limited, app.ID)
	if err != nil {
		return nil, answer{result: Skipped, err: fmt.Errorf("not sent: read the app's secret: %w", err)}
	}
	header := http.Header{}
	sign(header, app, key.secret, target, newNonce(), c.o.created(app.Mode, time.Now()))
	resp, a := send(limited, c.asker, target, header, body) //nolint:bodyclose // read closes it
	if resp != nil {
		reply, a = read(resp, a)
	}
	a.took = time.Since(started)
	return reply, a
}

// read takes the body of an answer that is HTTP 200. One that does not end within its bound is no answer: half of a decision decides nothing.
func read(resp *http.Response, a answer) ([]byte, answer) {
	defer func() { _ = resp.Body.Close() }()
	if a.err != nil {
		return nil, a
	}
	reply, err := io.ReadAll(io.LimitReader(resp.Body, answerMax+1))
	switch {
	case err != nil:
		a.result, a.err = explain(err)
	case len(reply) > answerMax:
		a.result, a.err = Rejected, fmt.Errorf("the answer is longer than %d bytes", answerMax)
	}
	return reply, a
}
