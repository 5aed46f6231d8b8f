package freeswitch

import (
	"fmt"
	"regexp"
	"strings"

	"maskline/esl"
	"maskline/esl/wire"
)

// maxWords bounds what an error repeats of the switch's words.
const maxWords = 120

// numbers finds what may be somebody's number.
var numbers = regexp.MustCompile(`\d{5,}`)

// refused makes an error of an answer that is not +OK.
func refused(text string) error {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "-ERR No such channel") || strings.HasPrefix(text, "-ERR invalid session id") {
		return esl.ErrGone
	}
	if len(text) > maxWords {
		text = strings.ToValidUTF8(text[:maxWords], "") + "…"
	}
	text = numbers.ReplaceAllString(text, "…") // an error ends up in a log
	return fmt.Errorf("%w: %s", esl.ErrRefused, text)
}

// want is the kind of reply that a command gets.
type want int

const (
	wantReply want = iota // command/reply
	wantAPI               // api/response; a command/reply when mod_event_socket itself refuses
)

// answer reads a reply. Doubt says that the frame cannot be the answer, so that the connection is out of step.
func answer(f wire.Frame, w want) (text string, doubt, err error) {
	text = f.Text()
	failed := strings.HasPrefix(text, "-ERR") || strings.HasPrefix(text, "-USAGE")
	switch {
	case w == wantAPI && f.Type == wire.APIResponse, w == wantReply && f.Type == wire.CommandReply:
	case w == wantAPI && f.Type == wire.CommandReply && failed:
	default:
		return "", fmt.Errorf("%w: %s is not the reply that was due", wire.ErrFrame, f.Type), nil
	}
	if failed {
		return "", nil, refused(text)
	}
	return text, nil, nil
}
