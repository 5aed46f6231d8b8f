package models

import "time"

// SwitchState is how a switch stands towards new calls.
type SwitchState string

// The states of a switch. An operator orders the first or the second; the third is reached.
const (
	SwitchServing  SwitchState = "serving"
	SwitchDraining SwitchState = "draining" // takes no new calls; those that it has go on to their own end
	SwitchDrained  SwitchState = "drained"  // draining, and the last call has gone
)

// SwitchOrder is what an operator wants of a switch. It holds until the next one, across restarts of the switch and of daemons.
type SwitchOrder struct {
	Wanted   SwitchState // SwitchServing or SwitchDraining
	Shutdown bool        // end the switch's process once it is drained
	By       string      // who ordered it
	At       time.Time   // zero: nobody has ever ordered anything, and the switch serves
}

// SwitchSight is how the daemon that holds a switch's connections saw it last.
type SwitchSight struct {
	State    SwitchState
	Since    time.Time // when State began
	Daemon   string    // who saw it
	Up       bool
	Core     string // Core-UUID
	Version  string
	Sessions int
	// ShutCore is the core that was told to shut down. One that was started since is not told again: it stays draining until it is let go.
	ShutCore string
	At       time.Time // of this look; zero: nobody has ever seen it
}

// SwitchRow is what is known of one switch, the same for every daemon.
type SwitchRow struct {
	Name  string
	Order SwitchOrder
	Sight SwitchSight
}

// Draining says whether the switch is ordered to take no new calls.
func (r SwitchRow) Draining() bool { return r.Order.Wanted == SwitchDraining }
