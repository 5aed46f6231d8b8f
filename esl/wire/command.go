package wire

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/percipia/eslgo/command"
	"github.com/percipia/eslgo/command/call"

	"maskline/esl"
)

// Command is one whole command frame. It can only be made by the functions of this package, which refuse with esl.ErrUnsafe
// whatever would end a line early, so a command is always one command. The words are eslgo's message builders where these are
// right; they check nothing themselves, so every argument is checked before it reaches them.
type Command struct{ frame string }

// WriteTo writes the frame in one write.
func (c Command) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, c.frame)
	return int64(n), err
}

// String is the frame's text. It may hold numbers and the password: not for a log.
func (c Command) String() string { return c.frame }

// built closes a message of eslgo's that has no body.
func built(m command.Command) Command { return Command{m.BuildMessage() + "\r\n\r\n"} }

// Auth logs in with the socket's password.
func Auth(password string) (Command, error) {
	if err := plain("password", password); err != nil {
		return Command{}, err
	}
	return built(command.Auth{Password: password}), nil
}

// API runs an api command that answers at once, in an api/response frame. FreeSWITCH runs it in the thread that also writes this
// connection's events.
func API(name, arg string) (Command, error) {
	if err := apiWords(name, arg); err != nil {
		return Command{}, err
	}
	return built(command.API{Command: name, Arguments: arg}), nil
}

// BackgroundAPI runs an api command in a thread of its own. The answer comes as a BACKGROUND_JOB event with this Job-UUID. eslgo's
// builder takes no job id, and an id known only from the reply is known too late.
func BackgroundAPI(name, arg, job string) (Command, error) {
	if err := apiWords(name, arg); err != nil {
		return Command{}, err
	}
	if err := UUID("job", job); err != nil {
		return Command{}, err
	}
	m := command.API{Command: name, Arguments: arg, Background: true}
	return Command{m.BuildMessage() + "\r\nJob-UUID: " + job + "\r\n\r\n"}, nil
}

// Execute queues an application on a leg. The argument travels in the body, so its length has no bound of a line. Token comes back
// as Application-UUID of the CHANNEL_EXECUTE and CHANNEL_EXECUTE_COMPLETE events. FreeSWITCH expands variables and calls api
// functions in the argument (switch_core_session_exec), so `${` is refused, and so is the `%[` that opens scoped variables.
func Execute(leg, app, arg, token string) (Command, error) {
	if err := UUID("leg", leg); err != nil {
		return Command{}, err
	}
	if err := UUID("token", token); err != nil {
		return Command{}, err
	}
	if err := word("application", app); err != nil {
		return Command{}, err
	}
	if err := Argument("argument of "+app, arg); err != nil {
		return Command{}, err
	}
	m := call.Execute{UUID: leg, AppName: app, AppArgs: arg, AppUUID: token, ForceBody: true}
	if arg == "" {
		return built(&m), nil
	}
	return Command{m.BuildMessage()}, nil // the body ends the frame
}

// Subscribe asks for events by name, in the plain form.
func Subscribe(events ...string) (Command, error) { return eventWords(false, events) }

// Unsubscribe takes events off the list.
func Unsubscribe(events ...string) (Command, error) { return eventWords(true, events) }

func eventWords(ignore bool, events []string) (Command, error) {
	if len(events) == 0 {
		return Command{}, fmt.Errorf("no events named: %w", esl.ErrUnsafe)
	}
	for _, e := range events {
		if err := word("event", e); err != nil {
			return Command{}, err
		}
	}
	m := command.Event{Ignore: ignore, Format: "plain", Listen: events}
	if ignore { // nixevent takes no format: FreeSWITCH would look for an event named plain
		return Command{"nixevent " + strings.Join(events, " ") + "\r\n\r\n"}, nil
	}
	return built(m), nil
}

// Filter lets only events through whose header has this value.
func Filter(header, value string) (Command, error) {
	if err := name("header", header); err != nil {
		return Command{}, err
	}
	if err := plain("filter", value); err != nil {
		return Command{}, err
	}
	return built(command.Filter{EventHeader: header, FilterValue: value}), nil
}

// Exit ends the connection politely.
func Exit() Command { return built(command.Exit{}) }

// Linger keeps the socket of an outbound session for so long after its channel has ended, in whole seconds. eslgo writes its
// Duration in nanoseconds.
func Linger(d time.Duration) Command {
	return Command{"linger " + strconv.FormatInt(int64(max(d, 0)/time.Second), 10) + "\r\n\r\n"}
}

func apiWords(name, arg string) error {
	if err := word("api command", name); err != nil {
		return err
	}
	return plain("argument of "+name, arg)
}
