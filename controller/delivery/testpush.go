package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"maskline/models"
)

// Numbers of the test push. They belong to nobody: no Chinese mobile number begins with 10.
const (
	testCaller = "+8610000000001"
	testCallee = "+8610000000002"
	testX      = "+8610000000009"
)

// TestPush sends a signed sample to each URL of an app, at once and once: an event to the status URL, an unanswered call's CDR (which
// nobody bills) to the fee URL, the question of mode X to where it is asked (the answer is not judged), and the state of a number that
// nobody has to where number status goes. status and took are those of the slower one, or of the one that failed; the error names it.
// Neither breaker nor queue takes part, and nothing is stored.
func (c *Courier) TestPush(ctx context.Context, app models.App) (status int, took time.Duration, err error) {
	s, err := c.look(ctx, app.ID)
	if err != nil {
		return 0, 0, fmt.Errorf("read the app's secret: %w", err)
	}
	s.app = app // as the caller has it: perhaps changed just now
	samples := c.samples(app, time.Now())
	if len(samples) == 0 {
		return 0, 0, errors.New("the app has no URL to push to")
	}
	for _, j := range samples {
		a := c.push(ctx, s, j.members[0].URL, j.body())
		if a.err != nil {
			return a.status, a.took, fmt.Errorf("push to %s: %w", bare(j.members[0].URL), a.err)
		}
		status, took = a.status, max(took, a.took)
	}
	return status, took, nil
}

func (c *Courier) samples(app models.App, now time.Time) (out []job) {
	id := models.SessionID("test-"+models.NewID(), "maskline")
	a, _ := models.NewParty(testCaller)
	b, _ := models.NewParty(testCallee)
	x, _ := models.NewParty(testX)
	event := models.CallEvent{SessionID: id, Type: models.EventCallIn, At: now, Caller: a, Called: x}
	test := func(d models.Delivery) {
		out = append(out, job{kind: models.DeliverTest, members: []models.Delivery{d}})
	}
	if target := askURL(app); app.Mode == models.ModeX && target != "" {
		test(models.Delivery{URL: target, Body: eventBody(app.Mode, modeBlock, models.Session{ID: id}, event)})
	}
	if d, ok := c.Event(app, models.Session{ID: id, UserData: "test"}, event); ok {
		test(d)
	}
	for _, d := range NumberStatus(app, []NumberItem{{Number: testX, Status: models.NumberNormal}}) {
		test(d)
	}
	record := models.CDR{
		SessionID: id, ICID: id, Mode: app.Mode, Direction: 1, X: testX, Caller: a, Display: testX, Callee: b, CallInAt: now, EndAt: now,
		FailAt: now, Fail: models.CallerLeftEarly, UserData: "test",
	}
	if d, ok := c.CDR(app, "test", record); ok {
		out = append(out, job{kind: models.DeliverCDR, members: []models.Delivery{d}})
	}
	return out
}
