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
		a := c.push(ctx, s, j)
		if a.err != nil {
			return a.status, a.took, fmt.Errorf("push to %s: %w", bare(j.members[0].URL), a.err)
		}
		status, took = a.status, max(took, a.took)
	}
	return status, took, nil
}

func (c *Courier) samples(app models.App, now time.Time) (out []*job) {
	id := models.SessionID("test-"+models.NewID(), "maskline")
	test := func(d models.Delivery) {
		out = append(out, &job{kind: models.DeliverTest, members: []models.Delivery{d}})
	}
	session, event := sampleEvent(app, id, now)
	if target := askURL(app); app.Mode == models.ModeX && target != "" {
		test(models.Delivery{URL: target, Body: eventBody(app.Mode, modeBlock, models.Session{ID: id}, event)})
	}
	if d, ok := c.Event(app, session, event); ok {
		test(d)
	}
	for _, d := range NumberStatus(app, []NumberItem{{Number: testX, Status: models.NumberNormal}}) {
		test(d)
	}
	a, _ := models.NewParty(testCaller)
	b, _ := models.NewParty(testCallee)
	record := models.CDR{
		SessionID: id, ICID: id, Mode: session.Mode, Direction: 1, X: testX, Caller: a, Display: testX, Callee: b, CallInAt: now, EndAt: now,
		FailAt: now, Fail: models.CallerLeftEarly, UserData: session.UserData,
	}
	if session.Mode.Placed() { // nobody was dialled
		record.ICID, record.Fail = models.PlacedICID(id, now), models.NotConnected
	}
	if d, ok := c.CDR(app, "test", session, record); ok {
		out = append(out, &job{kind: models.DeliverCDR, members: []models.Delivery{d}})
	}
	return out
}

// sampleEvent is the first event of a call: of one that came in, or of a notification.
func sampleEvent(app models.App, id string, now time.Time) (models.Session, models.CallEvent) {
	a, _ := models.NewParty(testCaller)
	x, _ := models.NewParty(testX)
	s := models.Session{ID: id, Mode: app.Mode, UserData: "test"}
	if app.Mode == models.ModeVoice {
		s.Mode = models.ModeNotify
		return s, models.CallEvent{SessionID: id, Type: models.EventCallOut, At: now, Caller: x, Called: a}
	}
	return s, models.CallEvent{SessionID: id, Type: models.EventCallIn, At: now, Caller: a, Called: x}
}
