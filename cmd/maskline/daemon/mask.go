package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strconv"
	"strings"

	"maskline/conf"
	"maskline/models"
)

// Logger writes to w as the configuration says, with every telephone number masked.
func Logger(w io.Writer, cfg conf.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		level = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(masking{slog.NewJSONHandler(w, o)})
	}
	return slog.New(masking{slog.NewTextHandler(w, o)})
}

// masking masks what looks like a telephone number in the message and in every attribute, whatever its type. Those who log mask
// already; this is the net below them.
type masking struct{ slog.Handler }

func (m masking) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, maskText(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(maskAttr(a))
		return true
	})
	return m.Handler.Handle(ctx, out)
}

func (m masking) WithAttrs(attrs []slog.Attr) slog.Handler {
	masked := make([]slog.Attr, 0, len(attrs))
	for _, a := range attrs {
		masked = append(masked, maskAttr(a))
	}
	return masking{m.Handler.WithAttrs(masked)}
}

func (m masking) WithGroup(name string) slog.Handler {
	return masking{m.Handler.WithGroup(maskText(name))}
}

// resultCode is the attribute that holds a code of the tenant API: seven digits, which are no number.
const resultCode = "resultcode"

func maskAttr(a slog.Attr) slog.Attr {
	if a.Key == resultCode {
		return a
	}
	return slog.Attr{Key: maskText(a.Key), Value: maskValue(a.Value.Resolve())}
}

// suspiciousInt is the smallest integer that could be a number written without its plus. Sizes and counts are rarely so large.
const suspiciousInt = 1_000_000_000

func maskValue(v slog.Value) slog.Value {
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(maskText(v.String()))
	case slog.KindInt64:
		if n := v.Int64(); n >= suspiciousInt || n <= -suspiciousInt {
			return slog.StringValue(maskText(strconv.FormatInt(n, 10)))
		}
	case slog.KindUint64:
		if n := v.Uint64(); n >= suspiciousInt {
			return slog.StringValue(maskText(strconv.FormatUint(n, 10)))
		}
	case slog.KindGroup:
		attrs := make([]slog.Attr, 0, len(v.Group()))
		for _, a := range v.Group() {
			attrs = append(attrs, maskAttr(a))
		}
		return slog.GroupValue(attrs...)
	case slog.KindAny:
		return maskAny(v.Any())
	}
	return v
}

func maskAny(x any) slog.Value {
	switch x := x.(type) {
	case nil:
		return slog.AnyValue(nil)
	case error:
		return slog.AnyValue(errors.New(maskText(x.Error())))
	case []byte:
		return slog.StringValue(maskText(string(x)))
	}
	return slog.StringValue(maskText(fmt.Sprintf("%+v", x)))
}

// numbers finds what may be a telephone number: seven digits or more in a row, percent-encoded plus and all, or a Chinese mobile number
// in groups. UUIDs, session ids (32 hex digits) and times are found too, so that their digits are left alone.
var numbers = regexp.MustCompile(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}` +
	`|\b[0-9a-f]{32}\b` +
	`|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+` +
	`|(?:\+|%2[Bb])?[0-9]{7,}` +
	`|1[3-9][0-9][ -][0-9]{4}[ -][0-9]{4}`)

// sessionDigits is the length of a session id before its "@". No telephone number is so long.
const sessionDigits = 32

func maskText(s string) string {
	if !strings.ContainsAny(s, "0123456789") {
		return s
	}
	return numbers.ReplaceAllStringFunc(s, func(found string) string {
		if strings.Count(found, "-") == 4 || strings.Contains(found, "T") || len(found) == sessionDigits {
			return found
		}
		found = strings.NewReplacer("%2B", "+", "%2b", "+", " ", "", "-", "").Replace(found)
		return models.Mask(found)
	})
}
