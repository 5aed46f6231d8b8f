package conf

import (
	"errors"
	"strings"

	"maskline/models"
)

// Destinations are prefixes of numbers that may be called, and that may not. The longest that fits decides. An empty Allow is the platform's own
// country.
type Destinations struct {
	Allow []string `koanf:"allow"`
	Deny  []string `koanf:"deny"`
}

// Limits bound each tenant's calls, where he has none of his own; 0 is no bound.
type Limits struct {
	AtOnce        int `koanf:"at_once"`
	PerHour       int `koanf:"per_hour"`
	PerDay        int `koanf:"per_day"`
	MinutesPerDay int `koanf:"minutes_per_day"`
}

// Model is the limits as the domain has them.
func (l Limits) Model() models.Limits {
	return models.Limits{AtOnce: l.AtOnce, PerHour: l.PerHour, PerDay: l.PerDay, Minutes: l.MinutesPerDay}
}

// DestinationModel is call.destinations as the domain has it.
func (c Config) DestinationModel() models.Destinations {
	d := models.Destinations{Allow: c.Call.Destinations.Allow, Deny: c.Call.Destinations.Deny}
	if len(d.Allow) == 0 {
		d.Allow = []string{"+" + c.Numbering.Country}
	}
	return d
}

// neverCheap are ranges that fraud calls and that no country's list holds: codes that are assigned to no country (ITU-T E.164, list of assigned
// codes: shared cost 808, Inmarsat 870, personal numbers 878, satellite 881, international networks 882 and 883, disaster relief 888, premium rate
// 979), and China's premium-rate services (160 and 168, 8 digits: Google's libphonenumber). Other countries' premium ranges are the operator's to name.
func neverCheap() []string {
	return []string{"+808", "+870", "+878", "+881", "+882", "+883", "+888", "+979", "+86160", "+86168"}
}

func (c Config) checkToll(f *faults) {
	d := models.Destinations{Allow: c.Call.Destinations.Allow, Deny: c.Call.Destinations.Deny}
	if e, bad := errors.AsType[*models.Error](d.Validate()); bad {
		f.add("call.destinations."+e.Param, "%s", e.Detail)
	}
	if e, bad := errors.AsType[*models.Error](c.Call.Limits.Model().Validate()); bad {
		f.add("call.limits."+e.Param, "%s", strings.Replace(e.Detail, "0 for the platform's, or -1 for no bound", "or 0 for no bound", 1))
	}
	if c.API.International && len(d.Allow) == 0 {
		f.add("call.destinations.allow", "is empty, so calls go to country %s alone, but api.international takes others' numbers; name where calls may go, such as [\"+%s\", \"+852\"], or [\"+\"] for everywhere",
			c.Numbering.Country, c.Numbering.Country)
	}
}
