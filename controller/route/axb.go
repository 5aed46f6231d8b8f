package route

import (
	"fmt"
	"time"

	"maskline/models"
)

// axb: A dials X and reaches B, B dials X and reaches A, each seeing X (spec/privatenumber.md §3). Nobody else reaches anybody: 8014.
func axb(r Rules, s models.Sight) (models.Plan, string) {
	switch {
	case s.Route == nil || s.Binding == nil:
		return refuse(models.NoBinding, rejected, models.PromptNoBinding, s.App), fmt.Sprintf("no binding on %s holds caller %s", s.Dialled, s.Caller)
	case !s.Route.Live(s.Now):
		return refuse(models.NoBinding, rejected, models.PromptNoBinding, s.App), fmt.Sprintf("binding %s expired at %s", s.Binding.ID, s.Route.ExpiresAt.Format(time.RFC3339))
	case s.Route.Forbidden:
		return refuse(models.DirectionBarred, rejected, models.PromptDirection, s.App), fmt.Sprintf("binding %s has callDirection %d, which bars side %s", s.Binding.ID, s.Binding.Direction, s.Route.Side)
	}
	return models.Plan{Connect: connect(r, s)}, fmt.Sprintf("binding %s: side %s on %s reaches %s, who sees %s", s.Binding.ID, s.Route.Side, s.Dialled, s.Route.Destination, s.Route.Display)
}

// connect is what every mode with a binding does once it knows the destination.
func connect(r Rules, s models.Sight) *models.Connect {
	b := s.Binding
	c := &models.Connect{To: s.Route.Destination.Reveal(), Show: s.Route.Display, AnswerIn: r.answerIn(), PreVoice: b.PreVoiceA}
	if s.Route.Side == models.SideB {
		c.PreVoice = b.PreVoiceB
	}
	// The app's capability is asked again at each call: an operator may have withdrawn it since the bind.
	if b.Record && s.App.Record {
		c.Record, c.RecordTone = true, b.RecordHintTone
		if c.RecordTone == "" {
			c.RecordTone = Prompt(s.App, models.PromptRecordHint)
		}
	}
	c.MaxTalk = r.MaxTalk
	if own := time.Duration(b.MaxDuration) * time.Minute; own > 0 && (c.MaxTalk == 0 || own < c.MaxTalk) {
		c.MaxTalk = own
	}
	// The last-minute prompt belongs to the tenant's own limit, and a call of one minute has no minute before its last.
	if b.MaxDuration > 0 && c.MaxTalk > time.Minute {
		c.LastMinute = b.LastMinVoice
	}
	return c
}
