package admin

import (
	"bufio"
	"context"
	"encoding/csv"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/web/serve"
)

// routeExports registers what goes through all of a table: the lists as CSV files, and the look over the ledger. The files have the filters of the lists and no page: all rows that match are sent, in constant memory.
func (s *server) routeExports(long *gin.RouterGroup) {
	s.handle(long, http.MethodGet, "/cdrs.csv", CDRsView, s.exportCDRs)
	s.handle(long, http.MethodGet, "/charges.csv", MoneyView, s.exportCharges)
	s.handle(long, http.MethodGet, "/entries.csv", MoneyView, s.exportEntries)
	s.handle(long, http.MethodGet, "/audit.csv", AuditView, s.exportAuditTable)
	s.handle(long, http.MethodGet, "/ledger/verify", LedgerCheck, s.verifyLedger)
}

// exportPiece is how many rows are written before the reader gets time for the next ones.
const exportPiece = 500

// export sends rows as CSV: each gives them to its function one by one, row makes the cells. A file that begins is an answer of 200; when it cannot be
// finished, the connection is cut, so that the client sees that the rest is missing.
func export[M any](s *server, c *gin.Context, name string, head []string, each func(context.Context, func(M) error) error, row func(M) []string) {
	ctx := c.Request.Context()
	serve.Note(c, "exported", true)
	c.Header("Content-Type", "text/csv; charset=utf-8")
	c.Header("Content-Disposition", attachment(name))
	control := http.NewResponseController(c.Writer)
	buffer := bufio.NewWriterSize(c.Writer, 64<<10)
	if mark(c, "bom") {
		_, _ = buffer.WriteString("\ufeff") // spreadsheets read UTF-8 by it
	}
	out := csv.NewWriter(buffer)
	err := out.Write(head)
	n := 0
	if err == nil {
		err = each(ctx, func(m M) error {
			if n%exportPiece == 0 {
				_ = control.SetWriteDeadline(time.Now().Add(exportStep)) // one that cannot have a deadline has the server's
			}
			n++
			return out.Write(harmlessCells(row(m)))
		})
	}
	if err == nil {
		out.Flush()
		if err = out.Error(); err == nil {
			err = buffer.Flush()
		}
	}
	switch {
	case err == nil:
		serve.Note(c, "rows", n)
	case !c.Writer.Written():
		s.fail(c, err)
	default:
		s.Log.LogAttrs(ctx, slog.LevelError, "export cut short", slog.String("file", name), slog.Int("rows", n), slog.Any("error", err))
		panic(http.ErrAbortHandler)
	}
}

// harmlessCells keeps spreadsheets from taking a text that a tenant made for a formula. Numbers stay as they are.
func harmlessCells(cells []string) []string {
	for i, text := range cells {
		if text != "" && strings.Contains("=+-@\t\r", text[:1]) && strings.Trim(text[1:], "0123456789.*") != "" {
			cells[i] = "'" + text
		}
	}
	return cells
}

func count[N ~int | ~int64](n N) string { return strconv.FormatInt(int64(n), 10) }

// stamp is a time in a CSV file; "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

var cdrHead = []string{"session_id", "tenant_id", "app_id", "mode", "direction", "x", "extension", "area", "caller", "shown", "callee", "trunk", "switch",
	"call_in_at", "out_at", "out_answer_at", "start_at", "alerting_at", "answer_at", "end_at", "fail_at", "talk_seconds", "q850", "state", "state_text",
	"sip_status", "hung_up_by", "record", "record_file", "user_data", "source"}

func cdrRow(reveal bool) func(models.CDR) []string {
	show := shown(reveal)
	return func(r models.CDR) []string {
		return []string{r.SessionID, count(r.TenantID), count(r.AppID), string(r.Mode), count(r.Direction), r.X, r.Extension, r.Area, show(r.Caller), r.Display,
			show(r.Callee), r.Trunk, r.Switch, stamp(r.CallInAt), stamp(r.OutAt), stamp(r.OutAnswerAt), stamp(r.StartAt), stamp(r.AlertingAt), stamp(r.AnswerAt),
			stamp(r.EndAt), stamp(r.FailAt), count(talked(r)), count(r.Q850), count(r.Fail), r.Fail.Text(), count(r.SIPStatus), count(r.HungUpBy),
			strconv.FormatBool(r.Record), r.RecordFile, r.UserData, string(r.Source)}
	}
}

func (s *server) exportCDRs(c *gin.Context) {
	f, err := s.cdrFilter(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	export(s, c, "cdrs.csv", cdrHead, func(ctx context.Context, do func(models.CDR) error) error { return s.Store.EachCDR(ctx, f, do) }, cdrRow(revealing(c)))
}

var chargeHead = []string{"id", "session_id", "leg", "tenant_id", "app_id", "mode", "end_at", "seconds", "units", "minutes", "plan_id", "amount", "billed",
	"package_minutes", "entry_id", "settled_at", "why"}

func chargeRow(r models.Charge) []string {
	return []string{count(r.ID), r.SessionID, count(r.Leg), count(r.TenantID), count(r.AppID), string(r.Mode), stamp(r.EndAt), count(r.Seconds), count(r.Units),
		count(r.Minutes), count(r.PlanID), r.Amount.String(), r.Billed.String(), count(r.PackageMinutes), count(r.EntryID), stamp(r.SettledAt), r.Why}
}

func (s *server) exportCharges(c *gin.Context) {
	f, err := s.chargeFilter(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	export(s, c, "charges.csv", chargeHead, func(ctx context.Context, do func(models.Charge) error) error { return s.Store.EachCharge(ctx, f, do) }, chargeRow)
}

// An entry is one line: what it moved on the tenant's account, since every other posting is the platform's.
var entryHead = []string{"id", "key", "kind", "tenant_id", "at", "for", "amount", "memo", "by"}

func entryRow(e models.Entry) []string {
	var moved models.Amount
	for _, p := range e.Postings {
		if p.Account == models.TenantAccount(e.TenantID) {
			moved += p.Amount
		}
	}
	return []string{count(e.ID), e.Key, string(e.Kind), count(e.TenantID), stamp(e.At), stamp(e.For), moved.String(), e.Memo, e.By}
}

func (s *server) exportEntries(c *gin.Context) {
	f, err := s.entryFilter(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	export(s, c, "entries.csv", entryHead, func(ctx context.Context, do func(models.Entry) error) error { return s.Store.EachEntry(ctx, f, do) }, entryRow)
}

var auditHead = []string{"id", "at", "who", "role", "tenant_id", "action", "object", "before", "after", "from", "request", "previous", "hash"}

func auditRow(a models.Audit) []string {
	return []string{count(a.ID), stamp(a.At), a.Who, string(a.Role), count(a.TenantID), a.Action, a.Object, a.Before, a.After, a.From, a.Request, a.Previous, a.Hash}
}

func (s *server) exportAuditTable(c *gin.Context) {
	f, err := s.auditFilter(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	export(s, c, "audit.csv", auditHead, func(ctx context.Context, do func(models.Audit) error) error { return s.Store.EachAudit(ctx, f, do) }, auditRow)
}
