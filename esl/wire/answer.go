package wire

import (
	"slices"
	"strconv"
)

// What the switch's side writes. Each function appends one whole frame to dst, so that a caller can send several in one write.
// They write exactly what mod_event_socket writes; the caller answers for what it puts into them.

// Field is one header of an event.
type Field struct{ Name, Value string }

// AppendAuthRequest asks for the password: the first frame of a connection.
func AppendAuthRequest(dst []byte) []byte {
	return append(dst, "Content-Type: auth/request\n\n"...)
}

// AppendReply answers a command, such as "+OK accepted". Extra headers follow the text, such as Job-UUID.
func AppendReply(dst []byte, text string, extra ...Field) []byte {
	dst = append(dst, "Content-Type: command/reply\nReply-Text: "...)
	dst = append(append(dst, text...), '\n')
	for _, f := range extra {
		dst = append(append(dst, f.Name...), ": "...)
		dst = append(append(dst, f.Value...), '\n')
	}
	return append(dst, '\n')
}

// AppendAPI answers an api command. FreeSWITCH has its own words for an answer of nothing (api_exec).
func AppendAPI(dst []byte, body string) []byte {
	if body == "" {
		body = "-ERR no reply\n"
	}
	return appendBody(append(dst, "Content-Type: api/response\nContent-Length: "...), body)
}

// AppendRejection turns a peer away that the access list does not allow.
func AppendRejection(dst []byte) []byte {
	return appendBody(append(dst, "Content-Type: text/rude-rejection\nContent-Length: "...), "Access Denied, go away.\n")
}

// AppendDisconnect says that the connection ends now.
func AppendDisconnect(dst []byte) []byte {
	return appendBody(append(dst, "Content-Type: text/disconnect-notice\nContent-Length: "...), "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n")
}

// AppendLinger says that the session's channel has ended and the socket stays for so many seconds.
func AppendLinger(dst []byte, session, channel string, seconds int) []byte {
	dst = append(append(dst, "Content-Type: text/disconnect-notice\nControlled-Session-UUID: "...), session...)
	dst = append(append(dst, "\nContent-Disposition: linger\nChannel-Name: "...), channel...)
	dst = strconv.AppendInt(append(dst, "\nLinger-Time: "...), int64(seconds), 10)
	return append(dst, "\nContent-Length: 0\n\n"...)
}

// AppendEvent sends an event in a text/event-plain frame.
func AppendEvent(dst []byte, fields []Field, body string) []byte {
	// The length comes first, so room for it is kept and what is too much of it is cut out again.
	const most = len("2147483647")
	dst = append(dst, "Content-Length: "...)
	at := len(dst)
	dst = append(dst, "0000000000\nContent-Type: text/event-plain\n\n"...)
	start := len(dst)
	dst = AppendPlain(dst, fields, body)
	n := strconv.Itoa(len(dst) - start)
	return slices.Replace(dst, at, at+most, []byte(n)...)
}

// AppendPlain appends an event in its plain form without a frame: also what uuid_dump answers.
func AppendPlain(dst []byte, fields []Field, body string) []byte {
	for _, f := range fields {
		dst = append(append(dst, f.Name...), ": "...)
		dst = append(AppendEscaped(dst, f.Value), '\n')
	}
	if body == "" {
		return append(dst, '\n')
	}
	return appendBody(append(dst, "Content-Length: "...), body)
}

func appendBody(dst []byte, body string) []byte {
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	return append(append(dst, "\n\n"...), body...)
}
