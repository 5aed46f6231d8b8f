package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/web/serve"
)

// What only this API says.
const (
	Forbidden    models.Code = "forbidden"    // the caller is known, and may not do this
	Unauthorised models.Code = "unauthorised" // the caller is not known
)

// sessionCookie holds a session's secret. It goes to this API alone, no script reads it, and no other site makes a browser send it.
const sessionCookie = "maskline_session"

// fromScript is the header that changes made with a cookie need: a form of another site cannot send it.
const fromScript = "X-Requested-With"

// authorise lets a request pass whose caller may use its route.
func (s *server) authorise(c *gin.Context) {
	p, ok := s.permissions[c.Request.Method+" "+c.FullPath()]
	if !ok {
		s.fail(c, models.Fail(Forbidden, "", "the route has no permission, so nobody may use it"))
		return
	}
	var who caller
	var err error
	if p != Anybody {
		who, err = s.recognise(c)
	}
	if err == nil {
		err = s.allowed(c, who, p)
	}
	if err != nil {
		if models.CodeOf(err) == Unauthorised {
			c.Header("WWW-Authenticate", `Bearer realm="maskline"`)
		}
		s.fail(c, err)
		return
	}
	if who.role != "" {
		serve.Note(c, "operator", who.name)
	}
	narrowQuery(c, who.tenant)
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), visitKey{}, &visit{caller: who}))
	c.Next()
}

// allowed says whether a caller may use a route with these parameters.
func (s *server) allowed(c *gin.Context, who caller, p Permission) error {
	switch {
	case !may(who.role, p):
		return models.Fail(Forbidden, "", "role %s may not do this: it needs %s", who.role, p)
	case who.role != "" && mark(c, "reveal") && !may(who.role, Reveal):
		return models.Fail(Forbidden, "reveal", "role %s sees persons' numbers masked", who.role)
	case (who.session || p == Anybody) && c.Request.Method != http.MethodGet && c.GetHeader(fromScript) == "":
		return models.Fail(Forbidden, "", "send the header %s with what a browser changes, such as %s: maskline", fromScript, fromScript)
	}
	return nil
}

// recognise finds out who asks: by a token, of the configuration or of an account, or by a session's cookie.
func (s *server) recognise(c *gin.Context) (caller, error) {
	nobody := models.Fail(Unauthorised, "", "log in, or send a token as: Authorization: Bearer TOKEN")
	if header := c.GetHeader("Authorization"); header != "" {
		given, ok := strings.CutPrefix(header, "Bearer ")
		given = strings.TrimSpace(given)
		if !ok || given == "" {
			return caller{}, nobody
		}
		if who, known := s.configured(given); known {
			return who, nil
		}
		return s.loggedIn(c, models.LoginToken, given, nobody)
	}
	given, err := c.Cookie(sessionCookie)
	if err != nil || given == "" {
		return caller{}, nobody
	}
	return s.loggedIn(c, models.LoginSession, given, nobody)
}

// configured finds a token of the configuration; it may do everything. Every token is compared, in constant time, so that the time taken tells
// nothing of which one was near.
func (s *server) configured(token string) (who caller, known bool) {
	sum := sha256.Sum256([]byte(token))
	for i := range s.tokens {
		if subtle.ConstantTimeCompare(sum[:], s.tokens[i][:]) == 1 {
			who, known = caller{name: s.Tokens[i].Name, role: models.RoleAdmin}, true
		}
	}
	return who, known
}

// loggedIn finds the account of a session or token. A token is no session and a session no token: what protects one does not protect the other.
func (s *server) loggedIn(c *gin.Context, kind models.LoginKind, secret string, nobody error) (caller, error) {
	l, o, err := s.Store.LoginByHash(c.Request.Context(), hashSecret(secret))
	switch {
	case models.CodeOf(err) == models.NotFound, err == nil && l.Kind != kind:
		return caller{}, nobody
	case err != nil:
		return caller{}, err
	}
	return caller{name: o.Name, role: o.Role, tenant: o.TenantID, operator: o.ID, login: l.ID, session: kind == models.LoginSession}, nil
}

// hashSecret is what is kept of a session's or token's secret. It has 128 bits and more of its own, so one plain hash is enough.
func hashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// narrowQuery names a tenant's people's own tenant where they name none: a list is theirs without a word. One that they do name is looked up like
// any other, and not found unless it is theirs.
func narrowQuery(c *gin.Context, tenant int64) {
	q := c.Request.URL.Query()
	if tenant == 0 || q.Get("tenant") != "" {
		return
	}
	q.Set("tenant", strconv.FormatInt(tenant, 10))
	c.Request.URL.RawQuery = q.Encode()
}
