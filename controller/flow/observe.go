package flow

import (
	"time"

	"maskline/models"
)

// Observe hears what metrics count. Its methods are called from many goroutines and must return at once. No argument is a number.
type Observe interface {
	CallStarted(mode models.Mode)
	CallEnded(mode models.Mode, state models.StateCode, source models.Source)
	Stage(name string, took time.Duration) // claim, route, begin, dial, setup, commit
	StrangerRefused(switchName string)
	Claimed(won bool)
	Overloaded(why Overload) // a call that came in, for being one too many
	PromptMissing()
	LeakPrevented(where string)          // a string was withheld from the switch (controller/guard); where is one of a few words
	RiskReported(state models.StateCode) // a risk rule that only reports was met
	TollRefused(app, limit string)       // a call was refused to protect its tenant: destination, at_once, per_hour, per_day or minutes_per_day
	CommitRetried()
	ReportDropped(why string)
	Untaken(switchName, why string) // a call that no daemon took was written from the switch's record: nobody, overload
	// Rescued: a caller whose leg nobody held was taken up or ended; why is claim (its daemon died right after the claim), link (a command was lost
	// with the link) or callee (leg 2 went while nobody heard).
	Rescued(why string)
	Panicked()
}

// Silent observes nothing.
type Silent struct{}

var _ Observe = Silent{}

func (Silent) CallStarted(models.Mode)                                {}
func (Silent) CallEnded(models.Mode, models.StateCode, models.Source) {}
func (Silent) Stage(string, time.Duration)                            {}
func (Silent) StrangerRefused(string)                                 {}
func (Silent) Claimed(bool)                                           {}
func (Silent) Overloaded(Overload)                                    {}
func (Silent) RiskReported(models.StateCode)                          {}
func (Silent) PromptMissing()                                         {}
func (Silent) LeakPrevented(string)                                   {}
func (Silent) TollRefused(string, string)                             {}
func (Silent) CommitRetried()                                         {}
func (Silent) ReportDropped(string)                                   {}
func (Silent) Untaken(string, string)                                 {}
func (Silent) Rescued(string)                                         {}
func (Silent) Panicked()                                              {}
