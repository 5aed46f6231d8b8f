package route

import (
	"errors"
	"fmt"

	"maskline/models"
)

// ErrDestination says that a callee's destination is barred.
var ErrDestination = errors.New("destination is barred")

// bar refuses a call whose callee may not be dialled: the platform's destinations, or the tenant's own, leave him out. A number abroad is 8043, one
// at home, such as a premium one, 8018 (spec/privatenumber.md §9.2).
func (r Rules) bar(s models.Sight, p models.Plan) (models.Plan, error) {
	if p.Connect == nil || r.May(s.Tenant, p.Connect.To) {
		return p, nil
	}
	state := models.NoPermission
	if r.Numbering.Line(p.Connect.To) == models.LineInternational {
		state = models.ForeignCallee
	}
	barred := turned(refuse(state, rejected, models.PromptNoPermission, s.App), p.Direction)
	r.reprompt(s, barred.Refuse)
	return barred, fmt.Errorf("%w: %s may not be called", ErrDestination, models.Mask(p.Connect.To))
}

// May says whether a tenant's calls may go to a number in global form.
func (r Rules) May(t *models.Tenant, number string) bool {
	if t == nil {
		return r.Destinations.Permits(number)
	}
	return t.Toll.Within(r.Destinations, number)
}
