package dialstring_test

import (
	"slices"
	"testing"

	"maskline/esl"
	"maskline/esl/sim/dialstring"
	"maskline/esl/wire"
)

// What the safe builder writes, this reader must read back as it was.
func TestDialStringRoundTrip(t *testing.T) {
	in := esl.Dial{
		Vars: []esl.Var{{Name: "ringback", Value: "file_string://a.wav!tone_stream://%(1000,4000,450);loops=-1"}, {Name: "b", Value: "x, y"}},
		Endpoints: []esl.Endpoint{
			{Leg: "l1", Gateway: "g1", Number: "+861", Vars: []esl.Var{{Name: "execute_on_answer_1", Value: "record_session /a b.wav"}}},
			{Leg: "l2", Gateway: "g2", Number: "862"},
		},
	}
	text, err := wire.DialString(in)
	if err != nil {
		t.Fatal(err)
	}
	d, err := dialstring.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(d.Vars, in.Vars) || len(d.Ways) != 2 || d.Ways[1][0].URL != "sofia/gateway/g2/862" {
		t.Errorf("read %+v", d)
	}
	if want := append([]esl.Var{{Name: "origination_uuid", Value: "l1"}}, in.Endpoints[0].Vars...); !slices.Equal(d.Ways[0][0].Vars, want) {
		t.Errorf("read %+v", d.Ways[0][0])
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "{", "{}", "{a=b}", "{^^", "{^^:a=b:c=d}sofia/gateway/g/1", "[a=b,c='d,e']sofia/gateway/g/1,[x=y]error/USER_BUSY|user/1", "{a=b}{c=d}[e=f][g=h]x", `{a='b\'c'}x`, "[^^", "[",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := dialstring.Parse(s)
		if err == nil && len(d.Ways) == 0 {
			t.Error("nothing to dial and no error")
		}
	})
}
