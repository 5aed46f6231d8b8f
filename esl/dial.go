package esl

import "time"

// Var is one channel variable.
type Var struct{ Name, Value string }

// Endpoint is one way to reach the callee: a trunk's gateway and a number on it.
type Endpoint struct {
	Leg     string // the uuid that the new leg shall have; chosen by us before it is dialled
	Gateway string // the trunk's name: letters, digits, - _ .
	Number  string // what the trunk dials: digits, +, *, #
	Timeout time.Duration
	Vars    []Var // variables of this leg only
}

// Dial is a dial string as parts. The adapter renders it through wire's safe builder, so that no value can end its own
// quoting; a value that could not be rendered safely fails with ErrUnsafe and nothing is sent.
type Dial struct {
	Vars      []Var      // variables of every endpoint's leg
	Endpoints []Endpoint // tried one after the other
}

// App is one application of the switch with its argument. Where Dial is set the argument is the dial string that the adapter renders of it,
// as for Call.Bridge: what Dial's legs lack of our variables they get, with role "b".
type App struct {
	Name, Arg string
	Dial      *Dial
}

// BridgeApp is the application that dials d from the leg that executes it.
func BridgeApp(d Dial) App { return App{Name: "bridge", Dial: &d} }
