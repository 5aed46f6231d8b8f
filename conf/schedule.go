package conf

import (
	"fmt"

	"github.com/robfig/cron/v3"
)

// Schedule is when the daemon does what it does by itself: cron expressions of five fields in UTC, or @every DURATION.
type Schedule struct {
	ExpireBindings string `koanf:"expire_bindings"`
	PruneReplies   string `koanf:"prune_replies"`
	Recordings     string `koanf:"recordings"`
	DeadFiles      string `koanf:"dead_files"`
	Rate           string `koanf:"rate"`
	Settle         string `koanf:"settle"`
	Rent           string `koanf:"rent"`
	Arrears        string `koanf:"arrears"`
	EndNumbers     string `koanf:"end_numbers"`
	VerifyLedger   string `koanf:"verify_ledger"`
	VerifyAudit    string `koanf:"verify_audit"`
	PruneCDRs      string `koanf:"prune_cdrs"`
	PruneEvents    string `koanf:"prune_events"`
	PrunePushes    string `koanf:"prune_deliveries"`
	PruneLogins    string `koanf:"prune_logins"`
}

func defaultSchedule() Schedule {
	return Schedule{
		ExpireBindings: "@every 10s", PruneReplies: "@every 5m", Recordings: "30 3 * * *", DeadFiles: "0 4 * * *",
		Rate: "@every 5m", Settle: "5 * * * *", Rent: "10,25,40,55 * * * *", Arrears: "@every 1m", EndNumbers: "15 * * * *",
		VerifyLedger: "30 5 * * *", VerifyAudit: "45 5 * * *",
		PruneCDRs: "10 4 * * *", PruneEvents: "20 4 * * *", PrunePushes: "30 4 * * *", PruneLogins: "40 4 * * *",
	}
}

// Entry is one job's schedule.
type Entry struct{ Job, Spec string }

// Entries are the schedule by the jobs' names, which are those of the keys.
func (s Schedule) Entries() []Entry {
	return []Entry{
		{"expire_bindings", s.ExpireBindings}, {"prune_replies", s.PruneReplies}, {"recordings", s.Recordings}, {"dead_files", s.DeadFiles},
		{"rate", s.Rate}, {"settle", s.Settle}, {"rent", s.Rent}, {"arrears", s.Arrears}, {"end_numbers", s.EndNumbers},
		{"verify_ledger", s.VerifyLedger}, {"verify_audit", s.VerifyAudit},
		{"prune_cdrs", s.PruneCDRs}, {"prune_events", s.PruneEvents}, {"prune_deliveries", s.PrunePushes}, {"prune_logins", s.PruneLogins},
	}
}

func (s Schedule) check(f *faults) {
	for _, e := range s.Entries() {
		if err := CheckSpec(e.Spec); err != nil {
			f.add("schedule."+e.Job, "%s", err)
		}
	}
}

// CheckSpec checks a cron expression before cron parses it: its parser panics on a time zone without a blank behind it
// (robfig/cron issue 554), so expressions with one are refused.
func CheckSpec(spec string) error {
	for i := range len(spec) {
		if spec[i] == '=' {
			return fmt.Errorf("%q: time zones are not taken; times are UTC", spec)
		}
	}
	if _, err := cron.ParseStandard(spec); err != nil {
		return fmt.Errorf("%q is no schedule; write five fields such as 30 3 * * *, or @every 10s", spec)
	}
	return nil
}
