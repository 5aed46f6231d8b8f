package wire

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"maskline/esl"
)

// readSet reads an argument as uuid_setvar_multi_function does.
func readSet(arg string) (string, []esl.Var) {
	id, rest, _ := strings.Cut(arg, " ")
	var vars []esl.Var
	for _, item := range separate(rest, ';', 64) {
		name, value, _ := strings.Cut(item, "=")
		vars = append(vars, esl.Var{Name: name, Value: value})
	}
	return id, vars
}

func TestSetVars(t *testing.T) {
	vars := []esl.Var{
		{Name: "plain", Value: "1"}, {Name: "empty", Value: ""}, {Name: "semi", Value: "a;b=c;"}, {Name: "quotes", Value: `it's "x"`},
		{Name: "slash", Value: `\d+\`}, {Name: "blanks", Value: "  a b  "}, {Name: "only_blanks", Value: "  "}, {Name: "sep", Value: "^^:x"}, {Name: "dollar", Value: "$5"},
	}
	args, err := SetVars(leg, vars...)
	if err != nil || len(args) != 1 {
		t.Fatalf("%q, %v", args, err)
	}
	if id, got := readSet(args[0]); id != leg || !slices.Equal(got, vars) {
		t.Errorf("%q is read as %q", args[0], got)
	}
}

func TestSetVarsMany(t *testing.T) {
	var vars []esl.Var
	for i := range 150 {
		vars = append(vars, esl.Var{Name: "v" + strconv.Itoa(i), Value: "x"})
	}
	args, err := SetVars(leg, vars...)
	if err != nil || len(args) != 3 {
		t.Fatalf("%d commands, %v", len(args), err)
	}
	var got []esl.Var
	for _, a := range args {
		_, some := readSet(a)
		got = append(got, some...)
	}
	if !slices.Equal(got, vars) {
		t.Errorf("read as %q", got)
	}
	if args, err := SetVars(leg); err != nil || len(args) != 0 {
		t.Errorf("no variables: %q, %v", args, err)
	}
}

func TestSetVarsRefuses(t *testing.T) {
	for _, v := range []esl.Var{{Name: "a", Value: "${x}"}, {Name: "a", Value: "x\ny"}, {Name: "a;b", Value: "x"}, {Name: "", Value: "x"}, {Name: "a", Value: "\xff"}} {
		if args, err := SetVars(leg, v); !errors.Is(err, esl.ErrUnsafe) || args != nil {
			t.Errorf("%q: %q, %v", v, args, err)
		}
	}
	if _, err := SetVars("a b", esl.Var{Name: "a", Value: "x"}); !errors.Is(err, esl.ErrUnsafe) {
		t.Errorf("leg: %v", err)
	}
}

func FuzzSetVars(f *testing.F) {
	f.Add("a", `it's; \s fine`, "b", " ")
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2 string) {
		vars := []esl.Var{{Name: n1, Value: v1}, {Name: n2, Value: v2}}
		args, err := SetVars(leg, vars...)
		if err != nil {
			return
		}
		if _, got := readSet(args[0]); !slices.Equal(got, vars) {
			t.Errorf("%q is read as %q", args[0], got)
		}
	})
}
