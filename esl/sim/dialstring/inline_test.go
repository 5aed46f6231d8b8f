package dialstring

import (
	"slices"
	"testing"

	"maskline/esl"
)

func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"":                       nil,
		"a b":                    {"a", "b"},
		"  a   b ":               {"a", "b"},
		"'a b' c":                {"a b", "c"},
		"'a b' 'm:;:x:1 2' i":    {"a b", "m:;:x:1 2", "i"},
		`a\sb c`:                 {"a b", "c"},
		"{x='1 2'}sofia/x &park": {"{x=1 2}sofia/x", "&park"},
		"1 2 3 4 5 6 7 8 9 0 11": {"1", "2", "3", "4", "5", "6", "7", "8", "9", "0"},
	} {
		if got := Words(text); !slices.Equal(got, want) {
			t.Errorf("%q is read as %q, want %q", text, got, want)
		}
	}
}

func TestInline(t *testing.T) {
	for text, want := range map[string][]esl.App{
		"playback:/x.wav,hangup":        {{Name: "playback", Arg: "/x.wav"}, {Name: "hangup"}},
		"m:;:playback:a,b; hangup:X":    {{Name: "playback", Arg: "a,b"}, {Name: "hangup", Arg: "X"}},
		"m:~:set:a=b:c~sleep:1":         {{Name: "set", Arg: "a=b:c"}, {Name: "sleep", Arg: "1"}},
		"set:a='x,y',park":              {{Name: "set", Arg: "a=x,y"}, {Name: "park"}},
		"m:;:bridge:{^^~a=1;2}x;hangup": {{Name: "bridge", Arg: "{^^~a=1"}, {Name: "2}x"}, {Name: "hangup"}},
	} {
		if got := Inline(text); len(got) != len(want) || !slices.Equal(got, want) {
			t.Errorf("%q is read as %v, want %v", text, got, want)
		}
	}
}

func FuzzInline(f *testing.F) {
	f.Add("'{^^~a=b}sofia/gateway/g/1' 'm:;:playback:/x.wav;hangup' inline")
	f.Add(`'\'\ \s' m:`)
	f.Fuzz(func(t *testing.T, text string) {
		words := Words(text)
		if len(words) > mostWords {
			t.Fatalf("%d words", len(words))
		}
		for _, w := range words {
			if n := len(Inline(w)); n > mostApps {
				t.Fatalf("%d applications", n)
			}
		}
	})
}
