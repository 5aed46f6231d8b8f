package models

import "time"

// Watch is whether a risk rule acts, only reports what it would do, or is off.
type Watch string

// The ways. The zero value is off.
const (
	WatchOff    Watch = ""
	WatchReport Watch = "report" // dry run: the call goes on, the finding is logged and counted
	WatchRefuse Watch = "refuse"
)

// Risk are an app's rules against misuse, judged in the routing path (spec/privatenumber.md §9.2).
type Risk struct {
	BlackLists    Watch `json:"black_lists,omitempty"`   // caller 7005, callee 7004
	Landline      Watch `json:"landline,omitempty"`      // a fixed line as caller: 8023
	International Watch `json:"international,omitempty"` // a foreign caller 8042, a foreign callee 8043
	Direction     Watch `json:"direction,omitempty"`     // numbers that may only receive, or only place: 8057
	TestDial      Watch `json:"test_dial,omitempty"`     // short calls to one callee in a row, as test diallers place them: 8056

	Frequency   Watch `json:"frequency,omitempty"`
	PerCaller   int   `json:"per_caller,omitempty"`   // calls of one caller an hour; beyond it 8047. 0 is no bound
	PerCallee   int   `json:"per_callee,omitempty"`   // calls to one callee an hour: 8048
	PerNumber   int   `json:"per_number,omitempty"`   // calls on one X an hour: 8049
	Period      Watch `json:"period,omitempty"`       // calls outside From to Until, minutes of the local day: 8050
	From        int   `json:"from,omitempty"`         // 0 to 1439
	Until       int   `json:"until,omitempty"`        // 1 to 1440; less than From spans midnight
	OffsetHours int   `json:"offset_hours,omitempty"` // of local time to UTC; 0 is 8, Beijing's

	Behaviour    Watch `json:"behaviour,omitempty"`
	MinTalk      int   `json:"min_talk,omitempty"`      // seconds of mean talk over the caller's last 20 answered calls; less is 8044. 0 is no bound
	MinConnected int   `json:"min_connected,omitempty"` // per cent of the caller's last 20 calls that were answered; less is 8046. 0 is no bound
}

// Validate checks the rules' ranges.
func (r Risk) Validate() error {
	for name, w := range map[string]Watch{"black_lists": r.BlackLists, "landline": r.Landline, "international": r.International, "direction": r.Direction,
		"test_dial": r.TestDial, "frequency": r.Frequency, "period": r.Period, "behaviour": r.Behaviour} {
		if w != WatchOff && w != WatchReport && w != WatchRefuse {
			return Fail(Invalid, "risk."+name, "a rule is off (empty), report or refuse")
		}
	}
	for name, v := range map[string][3]int{"per_caller": {r.PerCaller, 0, 1e6}, "per_callee": {r.PerCallee, 0, 1e6}, "per_number": {r.PerNumber, 0, 1e6},
		"from": {r.From, 0, 1439}, "until": {r.Until, 0, 1440}, "offset_hours": {r.OffsetHours, -12, 14}, "min_talk": {r.MinTalk, 0, 3600}, "min_connected": {r.MinConnected, 0, 100}} {
		if v[0] < v[1] || v[0] > v[2] {
			return Fail(Invalid, "risk."+name, "%s is %d to %d", name, v[1], v[2])
		}
	}
	if r.Period != WatchOff && r.From == r.Until {
		return Fail(Invalid, "risk.until", "the period of calls has no length")
	}
	return nil
}

// Open says whether calls may be placed at t.
func (r Risk) Open(t time.Time) bool {
	offset := r.OffsetHours
	if offset == 0 {
		offset = 8
	}
	local := t.Add(time.Duration(offset) * time.Hour).UTC()
	minute := local.Hour()*60 + local.Minute()
	if r.From < r.Until {
		return minute >= r.From && minute < r.Until
	}
	return minute >= r.From || minute < r.Until
}

// ListKind is what a black-list entry bars.
type ListKind string

// The kinds.
const (
	BarCaller   ListKind = "caller"  // places no calls: 7005
	BarCallee   ListKind = "callee"  // is not called: 7004
	OnlyReceive ListKind = "receive" // an X that takes calls to A only: 8057 for A's own
	OnlyPlace   ListKind = "place"   // an X that A may only call from: 8057 for others
)

// Barred is one entry of an app's black lists. App 0 is every app of the tenant, tenant 0 everybody.
type Barred struct {
	ID        int64
	TenantID  int64
	AppID     int64
	Kind      ListKind
	Party     Party
	Reason    string
	CreatedAt time.Time
}

// Conduct is what the store knows of a caller's, a callee's and a number's recent calls, as far as an app's rules ask.
type Conduct struct {
	CallerBarred, CalleeBarred   bool
	ByCaller, ByCallee, OnNumber int // calls in the hour before
	Recent, Answered             int // the caller's last calls, at most 20
	MeanTalk                     int // seconds over the answered ones
	ShortInRow                   int // calls to this callee under 5 s, one after the other, by this caller
	OnlyReceive, OnlyPlace       bool
}
