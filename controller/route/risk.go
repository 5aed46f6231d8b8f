package route

import (
	"fmt"

	"maskline/models"
)

// finding is a risk rule that a call meets.
type finding struct {
	watch models.Watch
	meets bool
	state models.StateCode
}

// watch judges a call that would go on by the app's risk rules: the first that refuses turns the plan into a refusal, and those that only
// report are noted. Rules about the callee wait until it is known who that is.
func (r Rules) watch(s models.Sight, d *models.Decision) {
	if s.App == nil || s.App.Settings.Risk == (models.Risk{}) {
		return
	}
	for _, f := range r.findings(s, d.Plan) {
		switch {
		case !f.meets || f.watch == models.WatchOff:
		case f.watch == models.WatchReport:
			d.Findings = append(d.Findings, f.state)
		default:
			d.Plan = turned(refuse(f.state, rejected, models.PromptNoPermission, s.App), d.Direction)
			d.Why = fmt.Sprintf("risk rule %d: %s", f.state, f.state.Text())
			return
		}
	}
}

func (r Rules) findings(s models.Sight, p models.Plan) []finding {
	k := s.App.Settings.Risk
	line := r.Numbering.Line(s.Caller.Reveal())
	found := []finding{
		{k.Period, !k.Open(s.Now), models.PeriodBarred},
		{k.Landline, line == models.LineFixed, models.LandlineCaller},
		{k.International, line == models.LineInternational, models.ForeignCaller},
	}
	if p.Connect != nil {
		found = append(found, finding{k.International, r.Numbering.Line(p.Connect.To) == models.LineInternational, models.ForeignCallee})
	}
	c := s.Conduct
	if c == nil {
		return found
	}
	itself := 0
	if s.Counted {
		itself = 1
	}
	found = append(found,
		finding{k.BlackLists, c.CallerBarred, models.CallerBarred},
		finding{k.Direction, c.OnlyReceive && p.Direction == fromA || c.OnlyPlace && p.Direction == toA, models.DirectionControl},
		finding{k.Frequency, k.PerCaller > 0 && c.ByCaller-itself >= k.PerCaller, models.CallerTooOften},
		finding{k.Frequency, k.PerNumber > 0 && c.OnNumber-itself >= k.PerNumber, models.NumberTooOften},
		finding{k.Behaviour, k.MinTalk > 0 && c.Answered >= enough && c.MeanTalk < k.MinTalk, models.TalkTimeControl},
		finding{k.Behaviour, k.MinConnected > 0 && c.Recent >= enough && 100*c.Answered < k.MinConnected*c.Recent, models.ConnectControl},
	)
	if p.Connect != nil {
		found = append(found,
			finding{k.BlackLists, c.CalleeBarred, models.CalleeBarred},
			finding{k.Frequency, k.PerCallee > 0 && c.ByCallee-itself >= k.PerCallee, models.CalleeTooOften},
			finding{k.TestDial, c.ShortInRow >= testDials, models.TestDialControl},
		)
	}
	return found
}

const (
	enough    = 10 // calls before a caller's behaviour is judged
	testDials = 5  // short calls to one callee in a row that make a test dialler
)
