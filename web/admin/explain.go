package admin

import (
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/models"
)

// question is what explain is asked.
type question struct {
	dialled   string
	caller    models.Party
	extension string
	at        time.Time // zero: now
}

// keys are what a telephone can key.
var keys = regexp.MustCompile(`^[0-9A-D*#]{1,16}$`)

func (s *server) question(c *gin.Context) (q question, err error) {
	if q.dialled, err = s.number("dialled", c.Query("dialled")); err != nil {
		return q, err
	}
	if q.dialled == "" {
		return q, models.Fail(models.Invalid, "dialled", "dialled is the number that is called")
	}
	if q.caller, err = s.party("caller", c.Query("caller")); err != nil {
		return q, err
	}
	if q.caller.IsZero() {
		return q, models.Fail(models.Invalid, "caller", "caller is who calls, or anonymous")
	}
	switch q.extension = c.Query("extension"); {
	case q.extension == "":
		q.extension = models.NoExtension
	case !keys.MatchString(q.extension):
		return q, models.Fail(models.Invalid, "extension", "extension is what the caller keys, such as 1234")
	}
	q.at, err = moment(c, "at")
	return q, err
}

// explain says whom a caller would reach, by the code that routes calls. It places no call and changes nothing: where a call would go on
// with another look-up, it says so and stops.
func (s *server) explain(c *gin.Context) {
	ctx := c.Request.Context()
	q, err := s.question(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	var sight models.Sight
	if q.at.IsZero() {
		sight, err = s.Store.Sight(ctx, q.dialled, q.caller, q.extension)
	} else {
		sight, err = s.Store.SightAt(ctx, q.dialled, q.caller, q.extension, q.at)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, explained(sight, s.Decide(sight), !q.at.IsZero(), revealing(c)))
}

func explained(sight models.Sight, d models.Decision, past, reveal bool) Explanation {
	e := Explanation{
		Dialled: sight.Dialled, Caller: shown(reveal)(sight.Caller), At: sight.Now.UTC(), Side: string(d.Side), TenantID: d.TenantID, AppID: d.AppID,
		Binding: d.BindingID, Why: strings.TrimSpace(d.Why), Past: past,
	}
	if sight.App != nil {
		e.Mode = string(sight.App.Mode)
	}
	if sight.Extension != models.NoExtension {
		e.Extension = sight.Extension
	}
	switch {
	case d.Connect != nil:
		e.Outcome, e.To, e.Shown = OutcomeConnect, models.Mask(d.Connect.To), d.Connect.Show
		if reveal {
			e.To = d.Connect.To
		}
		e.Temporary, e.CallBack = d.Connect.UsesTemp, d.Connect.CallBack
	case d.Refuse != nil:
		e.Outcome, e.State, e.StateText, e.Prompt = OutcomeRefuse, int(d.Refuse.State), d.Refuse.State.Text(), d.Refuse.Prompt
	case d.Collect != nil:
		e.Outcome, e.Prompt = OutcomeCollect, d.Collect.Input
		e.Collect = &Collect{Digits: d.Collect.Digits, Repeats: d.Collect.Repeats, Gap: int(d.Collect.Gap.Seconds()), AnswerFirst: d.Collect.Answer}
	case d.Ask != nil:
		e.Outcome, e.AskURL = OutcomeAsk, d.Ask.URL
	case d.Allocate != nil:
		e.Outcome = OutcomeAllocate
	}
	for _, f := range d.Findings {
		e.Findings = append(e.Findings, Finding{State: int(f), StateText: f.Text()})
	}
	return e
}
