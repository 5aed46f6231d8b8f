package intake

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"maskline/controller/cdr"
)

type kept struct {
	records []string
	fail    bool
}

func (k *kept) Take(record []byte) error {
	if k.fail {
		return errors.New("disk full")
	}
	k.records = append(k.records, string(record))
	return nil
}

func TestIntake(t *testing.T) {
	for _, c := range []struct {
		name, user, password, body string
		fail                       bool
		status, kept               int
	}{
		{"a record", "switch", "pw", "{}", false, http.StatusOK, 1},
		{"a wrong password", "switch", "pW", "{}", false, http.StatusUnauthorized, 0},
		{"a wrong user", "", "pw", "{}", false, http.StatusUnauthorized, 0},
		{"a gigabyte", "switch", "pw", strings.Repeat("x", cdr.MaxPost+1), false, http.StatusRequestEntityTooLarge, 0},
		{"a full disk", "switch", "pw", "{}", true, http.StatusInsufficientStorage, 0},
	} {
		k := &kept{fail: c.fail}
		r := httptest.NewRequest(http.MethodPost, Path, strings.NewReader(c.body))
		r.SetBasicAuth(c.user, c.password)
		w := httptest.NewRecorder()
		New(k, "switch", "pw", slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
		if w.Code != c.status || len(k.records) != c.kept {
			t.Errorf("%s: status %d, %d kept", c.name, w.Code, len(k.records))
		}
	}
}
