package admin

import (
	"cmp"
	"encoding/json"
	"fmt"

	"maskline/models"
)

// item is what contacts are told of one action: its kind, and a sentence about the thing.
type item struct {
	kind models.Notice
	what string
	// state: the sentence also takes the state, and nothing is told when that did not change.
	state bool
}

// newsworthy are the actions that a tenant's contacts are told of. What his own people do is told too: another of them may not know.
var newsworthy = map[string]item{
	"prompts.approve":            {kind: models.NoticeReview, what: "The prompt %s was approved."},
	"prompts.reject":             {kind: models.NoticeReview, what: "The prompt %s was rejected."},
	"templates.approve":          {kind: models.NoticeReview, what: "The template %s was approved."},
	"templates.reject":           {kind: models.NoticeReview, what: "The template %s was rejected."},
	"tenants.enterprise.approve": {kind: models.NoticeReview, what: "The enterprise %s was approved."},
	"tenants.enterprise.reject":  {kind: models.NoticeReview, what: "The enterprise %s was rejected."},
	"orders.approve":             {kind: models.NoticeReview, what: "The order %s was approved."},
	"orders.reject":              {kind: models.NoticeReview, what: "The order %s was rejected."},
	"orders.deliver":             {kind: models.NoticeNumber, what: "The numbers of order %s were delivered."},
	"numbers.state":              {kind: models.NoticeNumber, what: "The number %s is %s now.", state: true},
	"numbers.return":             {kind: models.NoticeNumber, what: "The number %s was taken back."},
	"tenants.state":              {kind: models.NoticeService, what: "The service of %s is %s now.", state: true},
	"apps.change":                {kind: models.NoticeService, what: "The app %s is %s now.", state: true},
}

// aspect is what news needs of a side of an audit line. Persons' numbers are masked in it.
type aspect struct {
	Name   string `json:"name"`
	Number string `json:"number"`
	State  string `json:"state"`
	Reason string `json:"reason"`
}

// spread tells the contacts of a tenant what was done, once it has been done for good.
func (s *server) spread(line models.Audit) {
	of, worthy := newsworthy[line.Action]
	if s.News == nil || !worthy || line.TenantID == 0 {
		return
	}
	var before, after aspect
	_ = json.Unmarshal([]byte(line.Before), &before) // a side that is none, or too long, leaves the object's id to name it
	_ = json.Unmarshal([]byte(line.After), &after)
	if of.state && (after.State == "" || before.State == after.State) {
		return
	}
	named := []any{cmp.Or(after.Name, after.Number, line.Object)}
	if of.state {
		named = append(named, after.State)
	}
	text := fmt.Sprintf(of.what, named...)
	subject := text[:len(text)-1]
	if after.Reason != "" {
		text += " The reason: " + after.Reason
	}
	s.News(line.TenantID, of.kind, subject, text)
}
