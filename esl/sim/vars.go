package sim

import (
	"strings"

	"maskline/esl"
	"maskline/esl/wire"
)

// variables are a channel's variables in the order in which they were first set, as FreeSWITCH sends them. The zero value is empty.
type variables struct {
	names  []string
	values map[string]string
}

// set gives a variable a value; an empty one unsets it, as switch_channel_set_variable does.
func (v *variables) set(name, value string) {
	if name == "" {
		return
	}
	if value == "" {
		v.unset(name)
		return
	}
	if v.values == nil {
		v.values = map[string]string{}
	}
	if _, known := v.values[name]; !known {
		v.names = append(v.names, name)
	}
	v.values[name] = value
}

func (v *variables) unset(name string) {
	if _, known := v.values[name]; !known {
		return
	}
	delete(v.values, name)
	for i, n := range v.names {
		if n == name {
			v.names = append(v.names[:i:i], v.names[i+1:]...)
			return
		}
	}
}

func (v *variables) get(name string) string { return v.values[name] }

func (v *variables) yes(name string) bool { return truth(v.values[name]) }

func (v *variables) setAll(vars []esl.Var) {
	for _, x := range vars {
		v.set(x.Name, x.Value)
	}
}

// fields appends the variables as an event carries them.
func (v *variables) fields(to []wire.Field) []wire.Field {
	for _, n := range v.names {
		to = append(to, wire.Field{Name: "variable_" + n, Value: v.values[n]})
	}
	return to
}

// truth is switch_true.
func truth(s string) bool {
	switch strings.ToLower(s) {
	case "yes", "on", "true", "t", "enabled", "active", "allow":
		return true
	}
	return s != "" && strings.Trim(s, "0123456789") == "" && strings.Trim(s, "0") != ""
}
