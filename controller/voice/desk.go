package voice

import (
	"context"
	"fmt"
	"time"

	"maskline/esl"
	"maskline/models"
	"maskline/models/store"
)

// DeskStore is what the Desk asks of the database. Called with the context of a transaction (store.Once), its methods join it.
type DeskStore interface {
	Number(ctx context.Context, number string) (models.Number, error)
	DisplayNumbers(ctx context.Context, appID int64) ([]models.Number, error)
	Template(ctx context.Context, tenantID int64, id string) (models.Template, error)
	QueueDepth(ctx context.Context, appID int64) (waiting int, err error)
	Enqueue(ctx context.Context, o models.Outgoing, caps []store.Cap) error
}

// Prompts finds a tenant's approved tone file.
type Prompts interface {
	Find(spID, name string) (path string, ok bool)
}

// Ports is what the Desk asks of the Queue.
type Ports interface {
	// Idle is how many ports of the app no call uses.
	Idle(app models.App) int
	// Offer tells of a call that waits now, or will once its transaction is committed.
	Offer(o models.Outgoing)
}

// Seat is a switch that calls are placed on, and the host that its session ids end with.
type Seat struct {
	Switch esl.Switch
	Host   string
}

// DeskOptions are what a Desk is made of. Store, Prompts, Ports and at least one seat are required.
type DeskOptions struct {
	Store     DeskStore
	Prompts   Prompts
	Ports     Ports
	Seats     []Seat // in the order of the configuration
	Numbering models.Numbering
	// International lets calls be placed to numbers outside Numbering's country.
	International bool
	// Destinations are the numbers that may be called, where a tenant has no list of his own. The zero value is all. Barred hears of requests for
	// others, by app key; nil: nobody does.
	Destinations models.Destinations
	Barred       func(app string)
	Values       models.ValueLimits // of templates' values
}

// Desk accepts requests for calls. Its errors are models.Error with the wire's parameter names, but for faults of ours.
type Desk struct{ o DeskOptions }

// NewDesk makes a Desk.
func NewDesk(o DeskOptions) *Desk {
	if o.Barred == nil {
		o.Barred = func(string) {}
	}
	return &Desk{o: o}
}

// draft is a request on its way to become a waiting call.
type draft struct {
	app    models.App
	tenant models.Tenant
	asked  Asked
	mode   models.Mode
	shown  models.Number // what leg 1 sees
	first  models.Party  // who is on leg 1
	second models.Party
	place  models.Place
}

// begin checks what every request has: the mode, the URLs, userData. It touches no database.
func begin(app models.App, tenant models.Tenant, mode models.Mode, asked Asked) (*draft, error) {
	if app.Mode != models.ModeVoice || !app.Settings.Voice.Serves(mode) {
		return nil, models.Fail(models.ModeMismatch, "", "the app does not serve %s", mode)
	}
	if err := models.ValidURL("statusUrl", asked.StatusURL); err != nil {
		return nil, err
	}
	if err := models.ValidURL("feeUrl", asked.FeeURL); err != nil {
		return nil, err
	}
	// The rules of userData are the same as a binding's.
	if err := (models.BindingSettings{UserData: asked.UserData}).Validate(); err != nil {
		return nil, err
	}
	v := app.Settings.Voice
	return &draft{app: app, tenant: tenant, asked: asked, mode: mode, place: models.Place{
		AnswerIn: v.AnswerIn(), Replays: v.ReplaysMost(), BargeIn: v.BargeIn, HashEnds: v.HashEnds, StatusURL: asked.StatusURL, FeeURL: asked.FeeURL}}, nil
}

// accept stores the call, within the bounds of its app, and says how it is called.
func (d *Desk) accept(ctx context.Context, r *draft) (Accepted, error) {
	depth, err := d.room(ctx, r)
	if err != nil {
		return Accepted{}, err
	}
	o := d.outgoing(r, time.Now().UTC().Truncate(time.Microsecond))
	v := r.app.Settings.Voice
	caps := []store.Cap{
		{Scope: fmt.Sprint("tenant:", r.tenant.ID), CallCap: r.tenant.Calls, Code: models.TenantTooOften},
		{Scope: fmt.Sprint("app:", r.app.ID), CallCap: v.App, Code: models.AppTooOften},
		{Scope: "number:" + r.shown.Number, CallCap: v.Number.CallCap, Code: models.NumberTooOftenUsed},
	}
	if err := d.o.Store.Enqueue(ctx, o, caps); err != nil {
		return Accepted{}, err
	}
	d.o.Ports.Offer(o)
	answer := Accepted{SessionID: o.Session.ID}
	if r.asked.IdlePort {
		answer.IdlePort = max(0, d.o.Ports.Idle(r.app)-depth-1)
	}
	return answer, nil
}

// room refuses a call that may not even wait, and says how many wait before it, as far as that was needed.
func (d *Desk) room(ctx context.Context, r *draft) (depth int, err error) {
	if depth, err = d.o.Store.QueueDepth(ctx, r.app.ID); err != nil {
		return 0, err
	}
	most := r.app.Settings.Voice.QueueMost()
	switch {
	case most == 0 && d.o.Ports.Idle(r.app)-depth <= 0:
		return 0, models.Fail(models.PortsFull, "", "all ports of the app are in use")
	case most > 0 && depth >= most:
		return 0, models.Fail(models.PortsFull, "", "%d calls of the app wait already", depth)
	}
	return depth, nil
}

func (d *Desk) outgoing(r *draft, now time.Time) models.Outgoing {
	leg, host := models.NewID(), d.host()
	return models.Outgoing{
		Session: models.Session{
			ID: models.SessionID(leg, host), LegA: leg, Host: host, TenantID: r.tenant.ID, AppID: r.app.ID, Mode: r.mode, Dialled: r.shown.Number, Area: r.shown.AreaCode,
			Caller: r.first, Callee: r.second, UserData: r.asked.UserData, Plan: models.Plan{Place: &r.place}, Stage: models.StageQueued, StartedAt: now,
		},
		Priority: models.VoicePriority[r.mode], State: models.OutgoingQueued, QueuedAt: now, GiveUpAt: now.Add(r.app.Settings.Voice.Patience()),
	}
}

// host is the first switch's that is up. Which switch will dial is not known yet; the id stays whichever it is.
func (d *Desk) host() string {
	for _, s := range d.o.Seats {
		if s.Switch.Status().Up {
			return s.Host
		}
	}
	return d.o.Seats[0].Host
}
