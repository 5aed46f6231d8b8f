// Package doctor checks what a daemon stands on, without the daemon: the database, the switches, the trunks, clocks, directories,
// certificates and keys. It changes nothing, and each check has a deadline. It starts no goroutine that outlives Examine.
package doctor

import (
	"context"
	"time"

	"maskline/conf"
)

// Level is how bad a finding is.
type Level string

// The levels.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "fail"
)

// Finding is one line of the examination.
type Finding struct {
	Level Level  `json:"level"`
	About string `json:"about"`
	Says  string `json:"says"`
	Do    string `json:"do,omitempty"` // what to do about it
}

// checkIn bounds each check.
const checkIn = 8 * time.Second

// check looks at one thing and may find several.
type check func(ctx context.Context, cfg conf.Config) []Finding

var checks = []check{keys, database, directories, speech, recordings, sounds, certificates, switches, trunks, intake, mail, exposure}

// Examine runs every check.
func Examine(ctx context.Context, cfg conf.Config) []Finding {
	var all []Finding
	for _, c := range checks {
		bounded, cancel := context.WithTimeout(ctx, checkIn)
		all = append(all, c(bounded, cfg)...)
		cancel()
	}
	return all
}

// Worst is the highest level among findings.
func Worst(findings []Finding) Level {
	worst := OK
	for _, f := range findings {
		if f.Level == Fail || f.Level == Warn && worst == OK {
			worst = f.Level
		}
	}
	return worst
}

func ok(about, says string) Finding         { return Finding{Level: OK, About: about, Says: says} }
func warn(about, says, do string) Finding   { return Finding{Warn, about, says, do} }
func failed(about, says, do string) Finding { return Finding{Fail, about, says, do} }
