package wire

import "testing"

func TestAnswers(t *testing.T) {
	for want, got := range map[string][]byte{
		"Content-Type: auth/request\n\n":                                                          AppendAuthRequest(nil),
		"Content-Type: command/reply\nReply-Text: +OK bye\n\n":                                    AppendReply(nil, "+OK bye"),
		"Content-Type: command/reply\nReply-Text: +OK Job-UUID: j\nJob-UUID: j\n\n":               AppendReply(nil, "+OK Job-UUID: j", Field{"Job-UUID", "j"}),
		"Content-Type: api/response\nContent-Length: 14\n\n-ERR no reply\n":                       AppendAPI(nil, ""),
		"Content-Type: api/response\nContent-Length: 4\n\ntrue":                                   AppendAPI(nil, "true"),
		"Content-Length: 30\nContent-Type: text/event-plain\n\nA: b%20c\nvariable_d: _undef_\n\n": AppendEvent(nil, []Field{{"A", "b c"}, {"variable_d", ""}}, ""),
		"x: y\nContent-Length: 3\n\nabc":                                                          AppendPlain(nil, []Field{{"x", "y"}}, "abc"),
		"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n":      AppendRejection(nil),
	} {
		if string(got) != want {
			t.Errorf("wrote %q, want %q", got, want)
		}
	}
}
