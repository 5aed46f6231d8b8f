package admin

import (
	"context"
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
)

// table reads an export.
func (l *lab) table(path string) [][]string {
	l.t.Helper()
	req := httptest.NewRequestWithContext(l.t.Context(), http.MethodGet, Prefix+path, http.NoBody)
	req.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	l.engine.ServeHTTP(w, req)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/csv; charset=utf-8" || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
		l.t.Fatalf("%s: %d %v %s", path, w.Code, w.Header(), w.Body)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(w.Body.String(), "\ufeff"))).ReadAll()
	if err != nil {
		l.t.Fatal(err)
	}
	return rows
}

func TestExports(t *testing.T) {
	l := newLab(t)
	app, b := l.bound()
	l.called(app, b)
	l.pay("/tenants/Acme/recharge", "one", `{"amount":"5","reason":"=HYPERLINK(\"http://evil\")"}`, 201, nil)
	err := l.store.AddCharges(t.Context(), []models.Charge{{SessionID: "s", Leg: 2, TenantID: app.TenantID, AppID: app.ID, Mode: models.ModeAXB, EndAt: time.Now(), Units: 1, Minutes: 1, Amount: 1200}})
	if err != nil {
		t.Fatal(err)
	}
	rows := l.table("/cdrs.csv?app=" + app.Key)
	if len(rows) != 2 || rows[0][0] != "session_id" || rows[1][5] != "+8617000000001" || rows[1][8] != "+86138****0001" {
		t.Errorf("records %q", rows)
	}
	if rows = l.table("/cdrs.csv?reveal=true&sort=call_in_at&bom=true"); rows[1][8] != "+8613800000001" {
		t.Errorf("revealed %q", rows)
	}
	if !strings.Contains(l.log.String(), "revealed=true") {
		t.Error("the log does not say that numbers were revealed")
	}
	if rows = l.table("/cdrs.csv?caller_like=99999"); len(rows) != 1 {
		t.Errorf("nobody's records %q", rows)
	}
	if rows = l.table("/charges.csv?unsettled=true"); len(rows) != 2 || rows[1][11] != "0.1200" {
		t.Errorf("charges %q", rows)
	}
	if rows = l.table("/entries.csv"); len(rows) != 2 || rows[1][6] != "5.0000" || rows[1][7] != `'=HYPERLINK("http://evil")` {
		t.Errorf("entries %q", rows)
	}
	if rows = l.table("/audit.csv?action=tenants.recharge"); len(rows) != 2 || rows[1][2] != "config:ops" {
		t.Errorf("audit lines %q", rows)
	}
	l.do("GET", "/cdrs.csv?sort=talk", "", 400, nil)
	l.do("GET", "/cdrs.csv?since=yesterday", "", 400, nil)
}

func TestCellsThatSpreadsheetsWouldCompute(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "text": "text", "+8617000000001": "+8617000000001", "+86138****0001": "+86138****0001", "-3.5000": "-3.5000", "2026-01-01": "2026-01-01",
		"=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)", "+cmd|' /C calc'!A0": "'+cmd|' /C calc'!A0", "-2+3": "'-2+3", "\t=1": "'\t=1", "=": "=",
	} {
		if got := harmlessCells([]string{in})[0]; got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// An export that breaks off in the middle cuts the connection; one that never began fails as any request does.
func TestAnExportThatBreaksOffIsSeen(t *testing.T) {
	l := newLab(t)
	s := &server{Options: Options{Store: l.store, Log: slog.New(slog.DiscardHandler)}}
	for rows, want := range map[int]string{0: "500", 100_000: "cut"} {
		w := httptest.NewRecorder()
		c, _ := gin.CreateTestContext(w)
		c.Request = httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		got := func() (got string) {
			defer func() {
				if v := recover(); v != nil && errors.Is(v.(error), http.ErrAbortHandler) {
					got = "cut"
				}
			}()
			export(s, c, "x.csv", []string{"n"}, func(_ context.Context, do func(int) error) error {
				for i := range rows {
					if err := do(i); err != nil {
						return err
					}
				}
				return errors.New("the database is gone")
			}, func(n int) []string { return []string{count(n)} })
			return fmt.Sprint(w.Code)
		}()
		if got != want {
			t.Errorf("after %d rows: %s, want %s", rows, got, want)
		}
	}
}

// sink counts what is sent and keeps nothing; now and then it looks how much memory is in use.
type sink struct {
	header      http.Header
	lines, sent int
	status      int
	peak, next  uint64
}

func (s *sink) Header() http.Header  { return s.header }
func (s *sink) WriteHeader(code int) { s.status = code }
func (s *sink) Write(b []byte) (int, error) {
	s.lines += strings.Count(string(b), "\n")
	if s.sent += len(b); uint64(s.sent) > s.next {
		s.next += 4 << 20
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		s.peak = max(s.peak, m.HeapAlloc)
	}
	return len(b), nil
}

func TestAGreatExportTakesLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it writes 200000 rows")
	}
	const rows, bound = 200_000, 16 << 20
	dsn := filepath.Join(t.TempDir(), "m.db")
	st, err := store.Open(t.Context(), store.Config{Driver: store.SQLite, DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	if err := st.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	writeCDRs(t, dsn, rows)
	engine, err := New(Options{Store: st, Tokens: []Token{{"ops", token}}})
	if err != nil {
		t.Fatal(err)
	}
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	out := &sink{header: http.Header{}}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, Prefix+"/cdrs.csv", http.NoBody)
	req.Header.Set("Authorization", "Bearer "+token)
	engine.ServeHTTP(out, req)
	if out.status != http.StatusOK || out.lines != rows+1 {
		t.Errorf("%d, %d lines", out.status, out.lines)
	}
	if grown := int64(out.peak) - int64(before.HeapAlloc); out.peak == 0 || grown > bound {
		t.Errorf("memory grew by %d bytes while %d were sent", grown, out.sent)
	}
	t.Logf("%d bytes sent; memory in use before %d, at most %d", out.sent, before.HeapAlloc, out.peak)
}

// writeCDRs writes records past the store: a store's way of one call at a time would take minutes.
func writeCDRs(t *testing.T, dsn string, n int) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(t.Context(), `INSERT INTO cdrs (session_id, icid, tenant_id, app_id, binding_id, mode, direction, x, area, caller, display, callee, trunk, switch, host,
		call_in_at, start_at, alerting_at, answer_at, end_at, fail_at, q850, fail, sip_status, hung_up_by, record, record_at, record_file, user_data, source, completed_at)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		SELECT 'session-' || i, 'icid-' || i, 1, 1, 'binding', 'axb', 1, '+8617000000001', '0755', '+8613' || (800000000 + i), '+8617000000001', '+8613900000001', 'carrier', 'fs1', 'h',
		1000000 * i, 1000000 * i, 1000000 * i, 1000000 * i, 1000000 * (i + 30), 0, 0, 0, 0, 1, 0, 0, '', 'what the tenant wrote of it', 'events', 1000000 * (i + 31) FROM n`, n)
	if err != nil {
		t.Fatal(err)
	}
}

func TestSearchForPartOfANumber(t *testing.T) {
	l := newLab(t)
	app, b := l.bound()
	l.called(app, b)
	for query, n := range map[string]int64{
		"?caller_like=0001": 1, "?caller_like=13800": 1, "?caller_like=13800&callee_like=0002": 1, "?callee_like=0001": 0, "?caller_like=999": 0, "?sort=call_in_at": 1, "?sort=-call_in_at": 1,
	} {
		var list List[CDR]
		l.do("GET", "/cdrs"+query, "", 200, &list)
		if list.Total != n {
			t.Errorf("%s: %+v", query, list)
		}
	}
	for _, query := range []string{"?caller_like=12", "?caller_like=1380a", "?caller_like=%25%25%25", "?caller_like=123456789012345678901", "?sort=caller"} {
		l.do("GET", "/cdrs"+query, "", 400, nil)
	}
	// Who may not see numbers in full cannot find them out digit by digit.
	reader := l.account("reader", models.RoleTenantRead, "Acme")
	l.want(200, reader, "GET", "/cdrs?caller_like=0001", "")
	l.want(400, reader, "GET", "/cdrs?caller_like=00001", "")
	if body := l.want(200, reader, "GET", "/cdrs?caller_like=1380", "").Body.String(); !strings.Contains(body, `"total":0`) {
		t.Errorf("digits within a number: %s", body)
	}
}
