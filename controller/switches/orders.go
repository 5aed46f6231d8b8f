package switches

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"maskline/esl"
	"maskline/models"
)

// Store is what Orders needs of the database.
type Store interface {
	Switches(ctx context.Context, page models.Page) ([]models.SwitchRow, int, error)
	SeeSwitch(ctx context.Context, name string, is models.SwitchSight) error
	MarkShut(ctx context.Context, r models.SwitchRow, core string) (marked bool, err error)
}

// Observe is told what is worth counting. Its methods must not block.
type Observe interface {
	// SwitchStands tells how a switch stands, at every look.
	SwitchStands(name string, wanted, is models.SwitchState)
	// SwitchOrderFailed tells that an order could not be carried out; it is tried again at the next look.
	SwitchOrderFailed(name string)
}

// Silent is an Observe that keeps nothing.
type Silent struct{}

// SwitchStands does nothing.
func (Silent) SwitchStands(string, models.SwitchState, models.SwitchState) {}

// SwitchOrderFailed does nothing.
func (Silent) SwitchOrderFailed(string) {}

// Options are what Orders are made of. Store, Switches and Daemon are required.
type Options struct {
	Store    Store
	Switches []esl.Switch
	Daemon   string // who we are, for those who read the list
	Observe  Observe
	Log      *slog.Logger
}

const (
	every   = time.Second     // between two looks
	lookIn  = 5 * time.Second // one look, the switch's answers included
	tellAll = 5 * time.Second // how old what is told of a switch may get while nothing changes
	looks   = 2               // at which a switch must have been empty
)

// Orders carries out what is ordered of switches. Make it with New, Load it, and Run it once.
type Orders struct {
	o     Options
	hands []*hand
	begun sync.WaitGroup // looks at one switch that go on

	mu   sync.Mutex
	rows map[string]models.SwitchRow
}

// New makes Orders. Until Load or Run nothing is known to be ordered.
func New(o Options) *Orders {
	if o.Observe == nil {
		o.Observe = Silent{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := &Orders{o: o, rows: map[string]models.SwitchRow{}}
	for _, sw := range o.Switches {
		d.hands = append(d.hands, &hand{Options: o, sw: sw})
	}
	return d
}

// Load reads the orders, so that Draining is right from the first call on.
func (d *Orders) Load(ctx context.Context) error {
	rows := map[string]models.SwitchRow{}
	for page := (models.Page{Limit: models.PageMax}); ; page.Offset += models.PageMax {
		list, total, err := d.o.Store.Switches(ctx, page)
		if err != nil {
			return err
		}
		for _, r := range list {
			rows[r.Name] = r
		}
		if page.Offset+len(list) >= total || len(list) == 0 {
			break
		}
	}
	d.mu.Lock()
	d.rows = rows
	d.mu.Unlock()
	for _, h := range d.hands {
		r := rows[h.sw.Name()]
		d.o.Observe.SwitchStands(h.sw.Name(), known(r.Order.Wanted), known(r.Sight.State))
	}
	return nil
}

// known is a state of which nothing may have been written yet: a switch serves.
func known(s models.SwitchState) models.SwitchState {
	if s == "" {
		return models.SwitchServing
	}
	return s
}

// Draining says whether a switch is ordered to take no new calls, as of the last look. Whoever places calls asks it.
func (d *Orders) Draining(name string) bool { return d.row(name).Draining() }

// Row is what was known of a switch at the last look.
func (d *Orders) Row(name string) models.SwitchRow { return d.row(name) }

func (d *Orders) row(name string) models.SwitchRow {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rows[name]
}

// Run looks every second until ctx ends, and returns when what it has begun has ended. While the database does not answer, the orders of the last
// look hold.
func (d *Orders) Run(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	defer d.begun.Wait()
	failed := false
	for ctx.Err() == nil {
		if err := d.look(ctx); err != nil && ctx.Err() == nil {
			if !failed {
				d.o.Log.LogAttrs(ctx, slog.LevelWarn, "orders to switches could not be read; the last ones hold", slog.Any("error", err))
			}
			failed = true
		} else {
			failed = false
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// look reads the orders and lets each switch that we hold be seen to. One whose last look still goes on, because it does not answer, is left out: it holds
// no other up.
func (d *Orders) look(ctx context.Context) error {
	reading, cancel := context.WithTimeout(ctx, lookIn)
	defer cancel()
	err := d.Load(reading)
	for _, h := range d.hands {
		if !h.busy.TryLock() {
			continue
		}
		d.begun.Go(func() {
			defer h.busy.Unlock()
			if !h.sw.Status().Up {
				h.away()
				return
			}
			limited, cancel := context.WithTimeout(ctx, lookIn)
			defer cancel()
			h.look(limited, d.row(h.sw.Name()))
		})
	}
	return err
}
