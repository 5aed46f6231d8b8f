// Package switches carries out what operators order of whole switches: to drain, that is to take no new calls, to let those that are up come to
// their own end, and then, if it was ordered so, to end; and to serve again.
//
// The orders stand in the database, so that any daemon can be told and a restart forgets nothing. They are carried out by the daemon whose
// connections to the switch are up (esl.Status.Up): of several daemons that is one a switch. It may assume nothing else about the others; what it
// does to a switch can be done twice.
//
// How a switch drains (seen on FreeSWITCH 1.11.1): `fsctl pause inbound` answers each new INVITE with 503 before there is a channel, and lets calls
// that are up dial their second party. Our own calls are kept away by whoever places them: he asks Draining. When the switch has counted no session
// at two looks, both directions are paused, and if the count is still none, the switch is drained.
//
// Goroutines: Orders.Run owns one for each switch while that is looked at, for 5 s at most, and returns when they have ended.
package switches
