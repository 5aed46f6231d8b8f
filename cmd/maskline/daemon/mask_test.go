package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"maskline/conf"
	"maskline/models"
)

type valuer struct{ number string }

func (v valuer) LogValue() slog.Value { return slog.StringValue(v.number) }

type stringer struct{ number string }

func (s stringer) String() string { return "callee " + s.number }

func TestNumbersDoNotLeakIntoTheLog(t *testing.T) {
	const number = "13812345678"
	spellings := []string{"+86" + number, "0086" + number, "86" + number, number, "%2B86" + number, "sip:+86" + number + "@10.0.0.1", "tel:" + number,
		"138 1234 5678", "138-1234-5678", "x" + number + "y", "075528123456", `{"callerNum":"+86` + number + `"}`}
	for _, format := range []string{"text", "json"} {
		for _, s := range spellings {
			var out bytes.Buffer
			log := Logger(&out, conf.Log{Level: "debug", Format: format})
			log.Info("call from "+s, "a", s)
			log.With("b", s).WithGroup("g").Info("x", "c", []byte(s), "d", errors.New(s), "e", fmt.Errorf("wrap: %w", errors.New(s)))
			log.Info("x", "f", valuer{s}, "g", stringer{s}, "h", []string{s}, "i", map[string]string{s: s}, "j", struct{ N string }{s}, "k", &struct{ N string }{s})
			log.Info("x", slog.Group("l", "m", s, slog.Group("n", "o", s)), s, "key")
			log.Info("x", "p", models.MustParty("+86"+number), "q", 13812345678, "r", uint64(8613812345678), "s", int64(13812345678))
			log.Debug("x", slog.Any("t", any(s)))
			plain := strings.NewReplacer(" ", "", "-", "").Replace(out.String())
			for _, secret := range []string{"12345678", "28123456", "81234567"} {
				if strings.Contains(plain, secret) {
					t.Errorf("%s: %q leaks: %s", format, s, out.String())
				}
			}
		}
	}
}

func TestWhatIsNoNumberStays(t *testing.T) {
	var out bytes.Buffer
	log := Logger(&out, conf.Log{Level: "info", Format: "text"})
	const session = "12345678-1234-4123-8123-123456789012@fs1"
	const digest = "b84342e8e9fdeae9df82a12428042923@fs1"
	log.Info("request", "sessionId", digest, "resultcode", "1010013")
	log.Info("listening on 127.0.0.1:8080", "sessionId", session, "n", 123456, "at", "2026-11-20T08:24:05.123456789Z", "nil", nil, "version", "1.11.2")
	for _, want := range []string{"127.0.0.1:8080", session, digest, "resultcode=1010013", "123456 ", "05.123456789Z", "1.11.2"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is gone: %s", want, out.String())
		}
	}
}

func FuzzMask(f *testing.F) {
	f.Add("+8613812345678")
	f.Add("12345678-1234-4123-8123-123456789012@fs1")
	f.Fuzz(func(t *testing.T, s string) {
		once := maskText(s)
		if !numbers.MatchString(s) && once != s {
			t.Errorf("%q became %q without a number in it", s, once)
		}
	})
}
