package secret

import (
	"context"
	"errors"
	"strings"
	"testing"

	"maskline/models"
)

const password = "correct horse 密码"

func TestHashAndVerify(t *testing.T) {
	ctx := context.Background()
	first, err := Hash(ctx, password)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Hash(ctx, password)
	if err != nil || first == second {
		t.Errorf("two hashes of one password: %q, %q, %v", first, second, err)
	}
	if !strings.HasPrefix(first, "$argon2id$v=19$m=19456,t=2,p=1$") || len(first) > 255 || Outdated(first) {
		t.Errorf("hash %q, outdated %v", first, Outdated(first))
	}
	flipped := first[:len(first)-2] + map[bool]string{true: "B", false: "A"}[first[len(first)-2] == 'A'] + first[len(first)-1:]
	for _, tt := range []struct {
		name, encoded, password string
		want                    bool
	}{
		{"right", first, password, true},
		{"right by the other salt", second, password, true},
		{"wrong", first, password + "!", false},
		{"empty", first, "", false},
		{"too long", first, strings.Repeat("x", bytesMost+1), false},
		{"altered hash", flipped, password, false},
		{"no account", "", password, false},
		{"no account, no password", "", "", false},
	} {
		got, err := Verify(ctx, tt.encoded, tt.password)
		if err != nil || got != tt.want {
			t.Errorf("%s: %v, %v; want %v", tt.name, got, err, tt.want)
		}
	}
}

func TestPasswordLength(t *testing.T) {
	for _, tt := range []struct {
		name, password string
		ok             bool
	}{
		{"short", strings.Repeat("密", PasswordLeast-1), false},
		{"least", strings.Repeat("密", PasswordLeast), true},
		{"most", strings.Repeat("😀", PasswordMost), true},
		{"long", strings.Repeat("a", PasswordMost+1), false},
		{"no UTF-8", strings.Repeat("\xff", PasswordLeast), false},
	} {
		encoded, err := Hash(context.Background(), tt.password)
		if (err == nil) != tt.ok || !tt.ok && models.CodeOf(err) != models.Invalid {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.ok {
			if same, err := Verify(context.Background(), encoded, tt.password); err != nil || !same {
				t.Errorf("%s is not verified: %v", tt.name, err)
			}
		}
	}
}

// reference is a test vector of the reference implementation (phc-winner-argon2, src/test.c: version 0x13, argon2id, t=2, m=2^8, p=1).
const reference = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"

// TestOthersHash: hashes of other programs and parameters are read as they are meant.
func TestOthersHash(t *testing.T) {
	if same, err := Verify(context.Background(), reference, "password"); err != nil || !same {
		t.Errorf("reference: %v, %v", same, err)
	}
	if !Outdated(reference) || !Outdated("") || !Outdated("x") {
		t.Error("a hash with other parameters is not outdated")
	}
}

func TestMalformed(t *testing.T) {
	for name, change := range map[string][2]string{
		"other function":  {"argon2id", "argon2i"},
		"other version":   {"v=19", "v=16"},
		"much memory":     {"m=256", "m=4294967295"},
		"little memory":   {"m=256", "m=7"},
		"many passes":     {"t=2", "t=1000000"},
		"no pass":         {"t=2", "t=0"},
		"no lane":         {"p=1", "p=0"},
		"many lanes":      {"p=1", "p=255"},
		"negative":        {"t=2", "t=-2"},
		"setting missing": {",p=1", ""},
		"short salt":      {"c29tZXNhbHQ", "c29t"},
		"no base64":       {"c29tZXNhbHQ", "!!!!"},
		"short key":       {"nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "nf65EOgL"},
		"no start":        {"$argon2id", "argon2id"},
		"tail":            {"Gi/4", "Gi/4$"},
	} {
		encoded := strings.Replace(reference, change[0], change[1], 1)
		if encoded == reference {
			t.Fatalf("%s changes nothing", name)
		}
		if same, err := Verify(context.Background(), encoded, "password"); same || !errors.Is(err, ErrEncoding) {
			t.Errorf("%s: %v, %v", name, same, err)
		}
	}
}

// TestFloodEnds: who waits for a turn stops with his context.
func TestFloodEnds(t *testing.T) {
	for range cap(atOnce) {
		atOnce <- struct{}{}
	}
	defer func() {
		for range cap(atOnce) {
			<-atOnce
		}
	}()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Hash(ctx, password); !errors.Is(err, context.Canceled) {
		t.Errorf("hash: %v", err)
	}
	if _, err := Verify(ctx, "", password); !errors.Is(err, context.Canceled) {
		t.Errorf("verify: %v", err)
	}
}

func TestToken(t *testing.T) {
	a, b := NewToken(), NewToken()
	if a == b || len(a) != 43 || strings.Trim(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("tokens %q and %q", a, b)
	}
	if got := HashToken("abc"); got != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" { // FIPS 180-2, appendix B.1
		t.Errorf("hash %s", got)
	}
}

// FuzzParse: no stored text makes Verify panic or take what is beyond bounds.
func FuzzParse(f *testing.F) {
	f.Add(reference)
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$$")
	f.Add("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, encoded string) {
		h, err := parse(encoded)
		if err != nil {
			return
		}
		if h.memory > bounds.memory || h.passes > bounds.passes || h.lanes > bounds.lanes || h.memory == 0 || h.passes == 0 || h.lanes == 0 || len(h.key) < 16 || len(h.salt) < 8 {
			t.Errorf("%q gives %+v", encoded, h)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	for b.Loop() {
		if _, err := Verify(b.Context(), "", password); err != nil {
			b.Fatal(err)
		}
	}
}
