package admin

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
	"maskline/web/serve"
)

// exportStep is how long the reader of an export may take for a piece of it.
const exportStep = 30 * time.Second

func (s *server) audits(g *gin.RouterGroup) {
	s.handle(g, http.MethodGet, "/audit", AuditView, s.listAudit)
}

// longAudits are those that go through all lines.
func (s *server) longAudits(g *gin.RouterGroup) {
	s.handle(g, http.MethodGet, "/audit/verify", AuditVerify, s.verifyAudit)
	s.handle(g, http.MethodGet, "/audit/export", AuditView, s.exportAudit)
}

func showAudit(a models.Audit) AuditLine {
	return AuditLine{ID: a.ID, At: a.At.UTC(), Who: a.Who, Role: string(a.Role), TenantID: a.TenantID, Action: a.Action, Object: a.Object,
		Before: side(a.Before), After: side(a.After), From: a.From, Request: a.Request, Previous: a.Previous, Hash: a.Hash}
}

// side is the JSON of one side of a line; what is none, a string of it.
func side(text string) json.RawMessage {
	if text == "" {
		return nil
	}
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	quoted, _ := json.Marshal(text)
	return quoted
}

func (s *server) auditFilter(c *gin.Context) (store.AuditFilter, error) {
	tenant, err := s.tenantID(c, c.Query("tenant"))
	f := store.AuditFilter{Who: c.Query("who"), TenantID: tenant, Action: c.Query("action"), Object: c.Query("object")}
	if err == nil {
		f.Since, f.Until, err = span(c)
	}
	return f, err
}

func (s *server) listAudit(c *gin.Context) {
	f, err := s.auditFilter(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, func(p models.Page) ([]models.Audit, int, error) { return s.Store.AuditLines(c.Request.Context(), f, p) }, showAudit)
}

// verifyAudit computes the chain of hashes anew. The end that it tells, kept elsewhere, proves later that nothing before it was altered.
func (s *server) verifyAudit(c *gin.Context) {
	ctx := c.Request.Context()
	_ = http.NewResponseController(c.Writer).SetWriteDeadline(time.Time{}) // its own bound is the request's
	checked, broken, err := s.Store.VerifyAudit(ctx)
	var end store.AuditEnd
	if err == nil {
		end, err = s.Store.AuditHead(ctx)
	}
	s.answer(c, http.StatusOK, AuditCheck{OK: broken == 0, Checked: checked, Broken: broken, Length: end.Length, Hash: end.Hash, At: at(end.At)}, err)
}

// exportAudit sends audit lines as JSON, one a line, oldest first, in constant memory. A file that ends without a line feed, or a connection that is
// cut, is incomplete.
func (s *server) exportAudit(c *gin.Context) {
	f, err := s.auditFilter(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	serve.Note(c, "exported", true)
	c.Header("Content-Type", "application/jsonl")
	c.Header("Content-Disposition", attachment("audit.jsonl"))
	control := http.NewResponseController(c.Writer)
	out := json.NewEncoder(c.Writer)
	err = s.Store.EachAudit(c.Request.Context(), f, func(a models.Audit) error {
		_ = control.SetWriteDeadline(time.Now().Add(exportStep)) // one that cannot have a deadline has the server's
		return out.Encode(showAudit(a))
	})
	if err != nil && !c.Writer.Written() {
		s.fail(c, err)
		return
	}
	if err != nil {
		s.Log.ErrorContext(c.Request.Context(), "audit export cut short", "error", err)
		panic(http.ErrAbortHandler) // the one way to tell a client of HTTP that the rest is missing
	}
}
