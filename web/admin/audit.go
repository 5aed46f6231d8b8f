package admin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/web/serve"
)

// auditIn is how long the line of a change that is done already may take to be written.
const auditIn = 10 * time.Second

// change is what a request's audit line says of what it changed. What a handler leaves out is taken from the path and from the answer.
type change struct {
	action  string
	object  string
	tenant  int64
	before  any
	after   any // nil: the answer
	commits []func()
}

// was notes what stood there before the request, for its audit line.
func was(c *gin.Context, before any) { visitOf(c.Request.Context()).change.before = before }

// became notes what stands there now, where the answer does not tell it.
func became(c *gin.Context, after any) { visitOf(c.Request.Context()).change.after = after }

// about notes which thing the request changed, and whose it is; 0 is the platform's.
func about(c *gin.Context, object string, tenant int64) {
	ch := &visitOf(c.Request.Context()).change
	ch.object, ch.tenant = object, tenant
}

// later does something once the request's change has been committed, before the answer is sent; never when it is undone. It is for what must not see
// rows that may yet be rolled back, such as the courier.
func later(c *gin.Context, do func()) {
	ch := &visitOf(c.Request.Context()).change
	ch.commits = append(ch.commits, do)
}

// actionOf names what a route does: POST /apps is apps.add, PUT /tenants/:tenant/state is tenants.state.
func actionOf(method, path string) string {
	words := slices.DeleteFunc(strings.Split(strings.TrimPrefix(path, "/"), "/"), func(w string) bool { return strings.HasPrefix(w, ":") })
	switch {
	case method == http.MethodDelete:
		words = append(words, "remove")
	case method == http.MethodPatch:
		words = append(words, "change")
	case method == http.MethodPost && len(words) == 1:
		words = append(words, "add")
	}
	return strings.Join(words, ".")
}

// audited is a handler whose change leaves an audit line.
func (s *server) audited(handler gin.HandlerFunc, action string, how effect) gin.HandlerFunc {
	carry := s.auditWithin
	if how == outside {
		carry = s.auditAfter
	}
	return func(c *gin.Context) {
		visitOf(c.Request.Context()).change = change{action: action}
		carry(c, handler)
	}
}

// errUndone rolls back what a request did that answered with an error.
var errUndone = errors.New("the request failed")

// auditWithin runs a handler in one transaction with its audit line: both are there, or neither. The answer is held back until the commit, since the
// handler runs again when the transaction lost a deadlock.
func (s *server) auditWithin(c *gin.Context, handler gin.HandlerFunc) {
	body, err := io.ReadAll(c.Request.Body)
	if err != nil {
		s.fail(c, unreadable(err))
		return
	}
	request, plain, v := c.Request, c.Writer, visitOf(c.Request.Context())
	fresh := v.change
	restore := func() { c.Writer, c.Request = plain, request }
	defer restore()
	var held *heldAnswer
	var line models.Audit
	err = s.Store.Within(request.Context(), func(ctx context.Context) error {
		held, v.change = &heldAnswer{ResponseWriter: plain, status: http.StatusOK}, fresh
		c.Writer, c.Request = held, request.WithContext(ctx)
		c.Request.Body = io.NopCloser(bytes.NewReader(body))
		handler(c)
		if held.status >= http.StatusBadRequest {
			return errUndone
		}
		line = s.line(c, held.body.Bytes())
		return s.Store.Audited(ctx, line)
	})
	restore()
	switch {
	case err == nil:
		for _, do := range v.change.commits {
			do()
		}
		s.spread(line)
		held.send()
	case errors.Is(err, errUndone):
		held.send()
	default:
		s.fail(c, err)
	}
}

// auditAfter runs a handler and writes its audit line then. A line that cannot be written goes to the log: what is done cannot be taken back.
func (s *server) auditAfter(c *gin.Context, handler gin.HandlerFunc) {
	plain := c.Writer
	seen := &seenAnswer{ResponseWriter: plain}
	defer func() { c.Writer = plain }()
	c.Writer = seen
	handler(c)
	c.Writer = plain
	if plain.Status() >= http.StatusBadRequest {
		return
	}
	for _, do := range visitOf(c.Request.Context()).change.commits {
		do()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), auditIn)
	defer cancel()
	line := s.line(c, seen.body.Bytes())
	s.spread(line)
	if err := s.Store.Audited(ctx, line); err != nil {
		s.Log.LogAttrs(ctx, slog.LevelError, "audit line not written", slog.String("who", line.Who), slog.String("action", line.Action),
			slog.String("object", line.Object), slog.Int64("tenant", line.TenantID), slog.String("request", line.Request), slog.Any("error", err))
	}
}

// line makes a request's audit line.
func (s *server) line(c *gin.Context, answer []byte) models.Audit {
	v := visitOf(c.Request.Context())
	keep := ofPlatform(c.FullPath())
	object, tenant := v.change.object, v.change.tenant
	told := tell(answer)
	if object == "" {
		object = objectOf(c, told)
	}
	if tenant == 0 {
		tenant = tenantIn(c, v.caller, told)
	}
	after := v.change.after
	if after == nil && told != nil && c.Request.Method != http.MethodDelete {
		after = told
	}
	return models.Audit{
		Who: v.who(), Role: v.role, TenantID: tenant, Action: v.change.action, Object: object, Before: masked(v.change.before, keep),
		After: masked(after, keep), From: c.ClientIP(), Request: c.Writer.Header().Get(serve.RequestIDHeader),
	}
}

// objectOf is what the path names, or what the answer calls itself.
func objectOf(c *gin.Context, told map[string]any) string {
	var named []string
	for _, p := range c.Params {
		if p.Key == "party" { // a person's number
			p.Value = models.Mask(p.Value)
		}
		named = append(named, p.Value)
	}
	if len(named) > 0 {
		return strings.Join(named, "/")
	}
	for _, key := range []string{"id", "key", "template_id", "subscription_id", "number", "name"} {
		if s := plainText(told[key]); s != "" {
			return s
		}
	}
	return ""
}

// tenantIn is whose thing a request changed: the caller's tenant, or the one that the answer names, or the tenant itself.
func tenantIn(c *gin.Context, who caller, told map[string]any) int64 {
	if who.tenant != 0 {
		return who.tenant
	}
	if id := whole(told["tenant_id"]); id != 0 {
		return id
	}
	if rest, ok := strings.CutPrefix(c.FullPath(), Prefix+"/tenants"); ok && (rest == "" || strings.Count(rest, "/") <= 2) {
		return whole(told["id"])
	}
	return 0
}
