// Package wire is the Event Socket on the wire, in both directions: frames, events, commands and the strings inside them. The
// adapter (esl/freeswitch) reads frames and writes commands; the simulated switch (esl/sim) reads requests and writes frames.
//
// Nothing here starts a goroutine, keeps a clock or knows of calls. A Reader belongs to one goroutine. A Frame and an Event own
// their bytes and may be handed on; they are never changed after they were made, so any goroutine may read them.
//
// Facts about the wire are from FreeSWITCH's mod_event_socket.c, switch_event.c and switch_utils.c (1.10 and 1.11).
package wire

import "errors"

// Bounds of what is read. FreeSWITCH stays far below them; a peer that does not is not one, or the stream is out of step.
const (
	// MaxLine bounds one line of a frame's own headers. FreeSWITCH formats replies in buffers of 1 KiB; the answer to connect
	// carries a channel's variables, whose longest (an SDP, percent-encoded) stay below this.
	MaxLine = 32 << 10
	// MaxCommand bounds a command's line, as a server reads it: an originate with its script is the longest.
	MaxCommand = 128 << 10
	// MaxHead bounds a frame's own headers altogether: the answer to connect, with every variable of a channel.
	MaxHead = 256 << 10
	// MaxBody bounds a frame's body: `show channels as json` is about 1 KiB a channel, so this is thirty thousand channels.
	MaxBody = 32 << 20
	// MaxRequest bounds the body of a request, as a server reads it. FreeSWITCH stops at 10 MiB (read_packet's max_len).
	MaxRequest = 10 << 20
)

// bodyStep is how much room a body gets before any of it has come: a length is only a claim.
const bodyStep = 64 << 10

// ErrFrame says that what came is no frame of the Event Socket. The stream cannot be trusted after it: close the connection.
var ErrFrame = errors.New("bad frame")

// Content types of frames.
const (
	AuthRequest  = "auth/request"
	CommandReply = "command/reply"
	APIResponse  = "api/response"
	EventPlain   = "text/event-plain"
	EventJSON    = "text/event-json"
	EventXML     = "text/event-xml"
	Disconnect   = "text/disconnect-notice"
	Rejection    = "text/rude-rejection"
	LogData      = "log/data"
)
