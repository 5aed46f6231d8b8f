// Package esl is the port to FreeSWITCH: what a call flow may ask of a switch, and what it hears from it. It knows nothing of
// tenants, bindings or money, and nothing of how the switch is reached: esl/wire holds the words of the Event Socket,
// esl/freeswitch is the one adapter, esl/sim a simulated switch that speaks the same wire.
//
// Goroutines: a Switch owns its connections and calls the Handler from one goroutine, in the order in which the switch sent its
// events. A Call belongs to the one goroutine that reads it with Next; its commands may be given from any goroutine.
package esl

import (
	"context"
	"errors"
	"time"
)

// Errors of the port. Adapters wrap them with what was tried.
var (
	// ErrDown says that no connection to the switch is up now. The call may well be alive.
	ErrDown = errors.New("switch is not connected")
	// ErrGone says that the leg a command was for exists no more.
	ErrGone = errors.New("leg is gone")
	// ErrClaimed says that the leg was claimed by somebody else, or is over.
	ErrClaimed = errors.New("leg is claimed already")
	// ErrOverflow says that a call's mailbox was full: its reader was too slow and has missed events.
	ErrOverflow = errors.New("call mailbox overflowed")
	// ErrClosed says that the call's mailbox was closed.
	ErrClosed = errors.New("call is closed")
	// ErrRefused says that the switch answered -ERR; the wrapped text holds its words.
	ErrRefused = errors.New("switch refused the command")
	// ErrUncertain says that the connection broke while a call was being placed: it may be on the switch or not. Place gives the Call with it.
	ErrUncertain = errors.New("the switch may or may not have taken the command")
	// ErrUnsafe says that a value may not be given to the switch: it holds a character outside its allow-list.
	ErrUnsafe = errors.New("unsafe value")
)

// Switch is one FreeSWITCH.
type Switch interface {
	// Name is the switch's name in our configuration.
	Name() string
	// Run keeps the connections up, resynchronises after every loss, and tells h what happens, until ctx ends.
	// It returns ctx's error, or an error of the configuration; a lost connection is not an error but a reconnect.
	Run(ctx context.Context, h Handler) error
	// Status tells how the connections are now.
	Status() Status
	// Place dials a call of our own: the endpoints of d one after the other, until one answers; that leg then executes the applications of
	// then in order, in the switch, without us. id becomes the call's, and the uuid of the first endpoint's leg if that names none. Every leg
	// gets maskline_call and maskline_role "a" unless d says otherwise. The Call is open before anything is sent, so that no event is missed.
	// An error says that nothing was dialled, but for ErrUncertain. What became of the dialling comes as a Placed event, before or after the
	// events of the leg that answered and after those of legs that failed; or as a Lost event of the leg id, when the switch turns out to
	// have no leg of the call and nobody heard how its dialling ended, or whether it was dialled at all. A switch does not dial an id
	// whose leg lives: Placed has DESTINATION_OUT_OF_ORDER then. ErrDown while events do not flow.
	Place(ctx context.Context, id string, d Dial, then []App) (Call, error)
	// API runs one api command that answers at once (status, show channels …) and gives its answer's text.
	API(ctx context.Context, command, arg string) (string, error)
}

// Status of a switch's connections.
type Status struct {
	Up       bool      // events flow and commands are taken
	Since    time.Time // when Up last changed
	LastBeat time.Time // the last HEARTBEAT or event
	Core     string    // Core-UUID: changes when the switch restarts
	Hostname string    // FreeSWITCH-Hostname of the core
	Sessions int       // Session-Count of the last HEARTBEAT
	// MaxSessions is Max-Sessions of the last HEARTBEAT, 0 before the first; BeatAt is when that came.
	MaxSessions int
	BeatAt      time.Time
	Version     string        // FreeSWITCH-Version
	Err         error         // why it is down
	Backoff     time.Duration // wait before the next attempt
}

// Handler is told what no Call waits for. Its methods must not block: they run on the goroutine that reads the switch's events.
type Handler interface {
	// Arrived tells of a leg that the hand-off dialplan parked and nobody has claimed. Events of the call queue up in its mailbox from
	// now on; a handler that does not want it calls Close.
	Arrived(c Call, parked Event)
	// Found tells of a call of ours that a resync saw on the switch and this process did not know; one Snapshot event a live leg.
	Found(c Call, legs []Event)
	// Synced tells that a resync has succeeded: calls are the ids of all calls of ours that are on the switch now, those of Arrived and
	// Found among them. A call that is not among them is over. It is never told of a snapshot that could not be read (DESIGN §6.5).
	Synced(calls []string)
	// Stranger tells of a caller whom the dialplan refused because he comes from no trunk of ours.
	Stranger(e Event)
	// Stray tells of the end of a leg that carries our variables but belongs to no open Call.
	Stray(e Event)
	// Restarted tells that the switch's core is a new one: every call of the old core is over. Open Calls get their Lost events.
	Restarted(core string)
}

// Call is one call on a switch: the leg that came in (or that we placed first), and every leg dialled for it.
type Call interface {
	// ID is the uuid of the first leg, and the value of maskline_call on every leg.
	ID() string
	// Switch is the switch it is on.
	Switch() Switch
	// Next waits for the call's next event, of whichever leg, in the order the switch sent them. It fails with ctx's error, with
	// ErrOverflow once the mailbox had been full, and with ErrClosed after Close.
	Next(ctx context.Context) (Event, error)
	// Claim takes the parked first leg: it deletes the hang-up that the dialplan armed (DESIGN §4.2). ErrClaimed if that is gone.
	Claim(ctx context.Context) error
	// Set sets channel variables on a leg.
	Set(ctx context.Context, leg string, vars ...Var) error
	// Execute queues an application on a leg. The token comes back as Token of the Executed event that ends it: the switch's +OK says
	// queued, not done.
	Execute(ctx context.Context, leg, app, arg string) (token string, err error)
	// Ring tells a leg that came in that it rings, without sound: at once, not as an application that waits its turn. ErrGone if it has ended.
	Ring(ctx context.Context, leg string) error
	// Bridge queues a bridge on a leg to the first endpoint of d that answers.
	Bridge(ctx context.Context, leg string, d Dial) (token string, err error)
	// Break ends the application that runs on a leg.
	Break(ctx context.Context, leg string) error
	// Hangup ends a leg. ErrGone if it has ended already.
	Hangup(ctx context.Context, leg string, cause Cause) error
	// Close frees the mailbox. It does not touch the call on the switch.
	Close()
}
