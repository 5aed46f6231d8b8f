package admin

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/esl"
	"maskline/models"
)

// seenIn is how old what another daemon told of a switch may be before the switch counts as not connected. It tells every 5 s.
const seenIn = 15 * time.Second

// Switch tells how one FreeSWITCH stands. Up, LastBeat, Hostname and Error are of this daemon's connections; of a switch that another daemon holds, Up,
// Version and Sessions are what that daemon told last.
type Switch struct {
	Name     string     `json:"name"`
	Up       bool       `json:"up"`
	Since    *time.Time `json:"since,omitempty"`
	LastBeat *time.Time `json:"last_beat,omitempty"`
	Hostname string     `json:"hostname,omitempty"`
	Version  string     `json:"version,omitempty"`
	Sessions int        `json:"sessions"`
	Error    string     `json:"error,omitempty"`

	Daemon     string     `json:"daemon,omitempty"` // that holds the switch; "" when nobody has told of it lately
	State      string     `json:"state"`            // serving, draining, drained
	StateSince *time.Time `json:"state_since,omitempty"`
	Wanted     string     `json:"wanted"` // serving, draining
	Shutdown   bool       `json:"shutdown,omitempty"`
	OrderedBy  string     `json:"ordered_by,omitempty"`
	OrderedAt  *time.Time `json:"ordered_at,omitempty"`
	Warning    string     `json:"warning,omitempty"` // of the order just given
}

// SwitchStateRequest orders a switch to drain or to serve.
type SwitchStateRequest struct {
	State    string `json:"state"`
	Shutdown bool   `json:"shutdown,omitempty"` // with draining: end the process once it is drained
}

// switchStore is what it needs to know and order of switches.
type switchStore interface {
	Now(ctx context.Context) (time.Time, error)
	Switches(ctx context.Context, page models.Page) ([]models.SwitchRow, int, error)
	OrderSwitch(ctx context.Context, name string, o models.SwitchOrder) (models.SwitchRow, error)
}

func showSwitch(sw esl.Switch, r models.SwitchRow, now time.Time) Switch {
	st, is := sw.Status(), r.Sight
	out := Switch{Name: sw.Name(), Up: st.Up, Since: at(st.Since), LastBeat: at(st.LastBeat), Hostname: st.Hostname, Version: st.Version, Sessions: st.Sessions,
		State: orServing(is.State), StateSince: at(is.Since), Wanted: orServing(r.Order.Wanted), Shutdown: r.Order.Shutdown, OrderedBy: r.Order.By, OrderedAt: at(r.Order.At)}
	fresh := !is.At.IsZero() && now.Sub(is.At) < seenIn
	if fresh {
		out.Daemon = is.Daemon
	}
	switch {
	case st.Up:
	case fresh && is.Up:
		out.Up, out.Since, out.Version, out.Sessions = true, nil, is.Version, is.Sessions
	case st.Err != nil:
		out.Error = st.Err.Error()
	}
	if out.Up && is.State != "" && is.State != models.SwitchServing {
		out.Sessions = is.Sessions // counted every second then; else as of the last HEARTBEAT
	}
	return out
}

func orServing(s models.SwitchState) string {
	if s == "" {
		s = models.SwitchServing
	}
	return string(s)
}

// standings are all switches of the configuration, in its order.
func (s *server) standings(ctx context.Context) ([]Switch, error) {
	now, err := s.Store.Now(ctx)
	if err != nil {
		return nil, err
	}
	rows, _, err := s.Store.Switches(ctx, models.Page{Limit: models.PageMax})
	if err != nil {
		return nil, err
	}
	byName := map[string]models.SwitchRow{}
	for _, r := range rows {
		byName[r.Name] = r
	}
	list := make([]Switch, 0, len(s.Switches))
	for _, sw := range s.Switches {
		list = append(list, showSwitch(sw, byName[sw.Name()], now))
	}
	return list, nil
}

func (s *server) listSwitches(c *gin.Context) {
	all, err := s.standings(c.Request.Context())
	if err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, inMemory(all), func(sw Switch) Switch { return sw })
}

// setSwitchState orders a switch to drain or to serve. The daemon that holds the switch carries it out within a second or two.
func (s *server) setSwitchState(c *gin.Context) {
	var in SwitchStateRequest
	if err := read(c, &in); err != nil {
		s.fail(c, err)
		return
	}
	ctx, name := c.Request.Context(), c.Param("switch")
	before, all, err := s.findSwitch(ctx, name)
	if err != nil {
		s.fail(c, err)
		return
	}
	was(c, before)
	about(c, name, 0)
	r, err := s.Store.OrderSwitch(ctx, name, models.SwitchOrder{Wanted: models.SwitchState(in.State), Shutdown: in.Shutdown, By: visitOf(ctx).who()})
	after := before
	after.Wanted, after.Shutdown, after.OrderedBy, after.OrderedAt = orServing(r.Order.Wanted), r.Order.Shutdown, r.Order.By, at(r.Order.At)
	after.Warning = warningOf(after, all)
	s.answer(c, http.StatusOK, after, err)
}

func (s *server) findSwitch(ctx context.Context, name string) (is Switch, all []Switch, err error) {
	if all, err = s.standings(ctx); err != nil {
		return is, nil, err
	}
	names := make([]string, 0, len(all))
	for _, sw := range all {
		if sw.Name == name {
			return sw, all, nil
		}
		names = append(names, sw.Name)
	}
	if len(names) == 0 {
		names = []string{"none"}
	}
	return is, nil, models.Fail(models.NotFound, "switch", "no switch of the configuration has the name %q; there is: %s", name, strings.Join(names, ", "))
}

// warningOf is what whoever gave an order should know. It is given all the same.
func warningOf(is Switch, all []Switch) string {
	takes := func(sw Switch) bool { return sw.Up && sw.Wanted == string(models.SwitchServing) && sw.Name != is.Name }
	var w []string
	if is.Wanted == string(models.SwitchDraining) && !slices.ContainsFunc(all, takes) {
		w = append(w, "no other switch takes calls: every new call is refused until maskline switch resume "+is.Name)
	}
	if !is.Up {
		w = append(w, "no daemon is connected to "+is.Name+": the order is carried out as soon as one is")
	}
	return strings.Join(w, "; ")
}

func showTrunk(t models.Trunk) Trunk {
	out := Trunk{Name: t.Name, Addresses: []string{}, Registers: t.Registers, Proxy: t.Proxy, TrustCaller: t.TrustCaller, ShowIn: []string{},
		DialForm: string(t.DialForm), Channels: t.Channels, Rate: t.Rate, Order: t.Order}
	for _, p := range t.Addresses {
		out.Addresses = append(out.Addresses, p.String())
	}
	for _, f := range t.ShowIn {
		out.ShowIn = append(out.ShowIn, string(f))
	}
	return out
}

func (s *server) listTrunks(c *gin.Context) { listed(s, c, inMemory(s.Trunks), showTrunk) }

// inMemory pages through a list of the configuration.
func inMemory[T any](all []T) func(models.Page) ([]T, int, error) {
	return func(p models.Page) ([]T, int, error) {
		from := min(p.Offset, len(all))
		return all[from:min(from+p.Limit, len(all))], len(all), nil
	}
}
