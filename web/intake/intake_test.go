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
	durable int // of records
}

func (k *kept) Take(record []byte) error {
	if k.fail {
		return errors.New("disk full")
	}
	k.records = append(k.records, string(record))
	return nil
}

func (k *kept) TakeDurably(record []byte) error {
	k.durable++
	return k.Take(record)
}

func TestIntake(t *testing.T) {
	for _, c := range []struct {
		name, user, password, body string
		fail                       bool
		status, kept               int
		query                      string
		durable                    int
	}{
		{"a record", "switch", "pw", "{}", false, http.StatusOK, 1, "?uuid=1", 0},
		{"a record whose sender will remove his own", "switch", "pw", "{}", false, http.StatusOK, 1, "?durable=true", 1},
		{"a wrong password", "switch", "pW", "{}", false, http.StatusUnauthorized, 0, "", 0},
		{"a wrong user", "", "pw", "{}", false, http.StatusUnauthorized, 0, "", 0},
		{"a gigabyte", "switch", "pw", strings.Repeat("x", cdr.MaxPost+1), false, http.StatusRequestEntityTooLarge, 0, "", 0},
		{"a full disk", "switch", "pw", "{}", true, http.StatusInsufficientStorage, 0, "?durable=true", 1},
	} {
		k := &kept{fail: c.fail}
		r := httptest.NewRequest(http.MethodPost, Path+c.query, strings.NewReader(c.body))
		r.SetBasicAuth(c.user, c.password)
		w := httptest.NewRecorder()
		New(k, "switch", "pw", slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
		if w.Code != c.status || len(k.records) != c.kept || k.durable != c.durable {
			t.Errorf("%s: status %d, %d kept, %d of them durably", c.name, w.Code, len(k.records), k.durable)
		}
	}
}
