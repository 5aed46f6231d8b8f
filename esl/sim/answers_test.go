package sim

import (
	"testing"
	"testing/synctest"
)

// The answers that scripts and the adapter read, word for word as FreeSWITCH 1.11.1 gave them.
func TestAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Gateways: []string{"t1"}})
		defer s.Close()
		c := dialSwitch(t, s)
		for _, tt := range [][2]string{
			{"api show channels as json", `{"row_count": 0}` + "\n"},
			{"api uuid_exists x", "false"},
			{"api uuid_dump x", noChannel},
			{"api uuid_kill x", noChannel},
			{"api uuid_kill", "-USAGE: <uuid> [cause]\n"},
			{"api uuid_setvar x a b", noChannel},
			{"api uuid_setvar_multi x a=b", noChannel + "-USAGE: <uuid> <var>=<value>;<var>=<value>...\n"},
			{"api uuid_break x", noChannel},
			{"api uuid_broadcast x foo", "-ERR invalid uuid\n"},
			{"api sched_del x", "+OK Deleted: 0\n"},
			{"api hupall", "+OK hangup all channels with cause MANAGER_REQUEST\n"},
			{"api sofia status gateway nope", "Invalid Gateway!\n"},
			{"api nosuch", "-ERR nosuch Command not found!\n"},
			{"api reloadxml", "+OK [Success]\n"},
			{"api expand eval ${hostname}", "sim"},
			{"bgapi status\nJob-UUID: abc", "+OK Job-UUID: abc"},
			{"sendmsg x\ncall-command: hangup", "-ERR invalid session id [x]"},
			{"foo", "-ERR command not found"},
			{"event plain", "-ERR no keywords supplied"},
			{"filter a b", "+OK filter added. [a]=[b]"},
			{"filter delete a", "+OK filter deleted. [a][]"},
			{"linger", "-ERR not controlling a session"},
			{"nixevent HEARTBEAT", "+OK events nixed"},
			{"noevents", "+OK no longer listening for events"},
			{"noevents", "-ERR not listening for events"},
			{"exit", "+OK bye"},
		} {
			if got := c.do("%s", tt[0]); got != tt[1] {
				t.Errorf("%s: %q, want %q", tt[0], got, tt[1])
			}
		}
	})
}
