package admin

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
)

// numberStates are the words for a number's states.
var numberStates = map[models.NumberState]string{
	models.NumberNormal: "normal", models.NumberSuspended: "suspended", models.NumberUnavailable: "unavailable", models.NumberBindFrozen: "bind-frozen",
}

// numberState reads such a word; 0 for "".
func numberState(word string) (models.NumberState, error) {
	for state, name := range numberStates {
		if name == word {
			return state, nil
		}
	}
	if word == "" {
		return 0, nil
	}
	return 0, models.Fail(models.Invalid, "state", "a number's state is normal, suspended, unavailable or bind-frozen")
}

func showNumber(n models.Number) Number {
	return Number{Number: n.Number, TenantID: n.TenantID, AppID: n.AppID, Area: n.AreaCode, Kind: string(n.Kind), State: numberStates[n.State], Cause: n.Cause, Trunk: n.Trunk,
		SuspendedFor: n.SuspendedFor, UnsubscribedAt: at(n.EndsAt), CreatedAt: n.CreatedAt.UTC()}
}

func (s *server) listNumbers(c *gin.Context) {
	q, err := s.query(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	f := store.NumberFilter{AppID: q.app, TenantID: q.tenant, Number: restorePlus(c.Query("prefix")),
		Kind: models.NumberKind(c.Query("kind"))}
	if err := oneOf("kind", f.Kind, models.NumberPrivate, models.NumberDisplay); err != nil {
		s.fail(c, err)
		return
	}
	if f.State, err = numberState(c.Query("state")); err != nil {
		s.fail(c, err)
		return
	}
	if area := c.Query("area"); area != "" {
		if f.Area, err = s.Numbering.AreaCode(area); err != nil {
			s.fail(c, models.Fail(models.Invalid, "area", "%s", err))
			return
		}
	}
	listed(s, c, func(p models.Page) ([]models.Number, int, error) { return s.Store.Numbers(c.Request.Context(), f, p) }, showNumber)
}

func (s *server) addNumbers(c *gin.Context) {
	ctx := c.Request.Context()
	var in NumbersRequest
	err := read(c, &in)
	if err == nil && len(in.Numbers) == 0 {
		err = models.Fail(models.Invalid, "numbers", "numbers lists at least one number such as +8617000000001")
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	rows, err := s.newNumbers(c, in)
	if len(rows) > 0 {
		about(c, in.App, rows[0].TenantID)
	}
	if err == nil {
		err = s.Store.AddNumbers(ctx, rows)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	out := List[Number]{Items: make([]Number, 0, len(rows)), Total: int64(len(rows)), Limit: len(rows)}
	for _, r := range rows {
		stored, err := s.Store.Number(ctx, r.Number)
		if err != nil {
			s.fail(c, err)
			return
		}
		out.Items = append(out.Items, showNumber(stored))
	}
	c.JSON(http.StatusCreated, out)
}

func (s *server) newNumbers(c *gin.Context, in NumbersRequest) ([]models.Number, error) {
	a, err := s.app(c.Request.Context(), in.App)
	if err != nil {
		return nil, err
	}
	area, err := s.Numbering.AreaCode(in.Area)
	if err != nil {
		return nil, models.Fail(models.Invalid, "area", "%s", err)
	}
	if err := s.knownTrunk(in.Trunk); err != nil {
		return nil, err
	}
	kind, err := kindFor(a, models.NumberKind(in.Kind))
	if err != nil {
		return nil, err
	}
	rows := make([]models.Number, 0, len(in.Numbers))
	for _, raw := range in.Numbers {
		n, err := s.Numbering.Global(raw)
		if err != nil {
			return nil, models.Fail(models.Invalid, raw, "is not a telephone number such as +8617000000001")
		}
		rows = append(rows, models.Number{TenantID: a.TenantID, AppID: a.ID, Number: n, AreaCode: area, Kind: kind, State: models.NumberNormal, Trunk: in.Trunk})
	}
	return rows, nil
}

// kindFor is what a number of an app is for: placed calls show display numbers, every other mode has private ones.
func kindFor(a models.App, asked models.NumberKind) (models.NumberKind, error) {
	kind := models.NumberPrivate
	if a.Mode == models.ModeVoice {
		kind = models.NumberDisplay
	}
	if asked != "" && asked != kind {
		return "", models.Fail(models.Invalid, "kind", "the numbers of an app of mode %s are of kind %s", a.Mode, kind)
	}
	return kind, nil
}

func (s *server) knownTrunk(name string) error {
	for _, t := range s.Trunks {
		if t.Name == name {
			return nil
		}
	}
	if name == "" {
		return nil
	}
	return models.Fail(models.Invalid, "trunk", "no trunk is named %q; list them with: maskline trunk list", name)
}

func (s *server) showNumber(c *gin.Context) {
	number, err := s.number("number", c.Param("number"))
	var n models.Number
	if err == nil {
		n, err = s.Store.Number(c.Request.Context(), number)
	}
	s.answer(c, http.StatusOK, showNumber(n), err)
}

// setNumberState sets a number's state. The pushes that tell the tenant commit with it.
func (s *server) setNumberState(c *gin.Context) {
	var in NumberStateRequest
	if err := read(c, &in); err != nil {
		s.fail(c, err)
		return
	}
	state, err := numberState(in.State)
	if err == nil && state == 0 {
		err = models.Fail(models.Invalid, "state", "a number's state is normal, suspended, unavailable or bind-frozen")
	}
	var number string
	if err == nil {
		number, err = s.number("number", c.Param("number"))
	}
	var n models.Number
	var told []models.Delivery
	if err == nil {
		n, err = s.Store.Number(c.Request.Context(), number)
		was(c, showNumber(n))
	}
	if err == nil {
		n, told, err = s.Store.SetNumberState(c.Request.Context(), number, state, in.Cause, s.Tell)
	}
	if err == nil && s.Offer != nil {
		later(c, func() { s.Offer(told) })
	}
	s.answer(c, http.StatusOK, showNumber(n), err)
}
