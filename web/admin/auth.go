package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/web/serve"
)

// Forbidden is the code of a request that its caller may not make.
const Forbidden models.Code = "forbidden"

// authorise lets a request pass whose caller may use its route.
func (s *server) authorise(c *gin.Context) {
	p, ok := s.permissions[c.Request.Method+" "+c.FullPath()]
	if !ok {
		s.fail(c, models.Fail(Forbidden, "", "the route has no permission, so nobody may use it"))
		return
	}
	who, known, err := s.recognise(c)
	switch {
	case err != nil:
		s.fail(c, err)
		return
	case !known && p != Anybody:
		c.Header("WWW-Authenticate", `Bearer realm="maskline"`)
		c.AbortWithStatusJSON(http.StatusUnauthorized, Failure{Code: "unauthorised", Message: "log in, or send a token as: Authorization: Bearer TOKEN"})
		return
	case !may(who.role, p):
		s.fail(c, models.Fail(Forbidden, "", "role %s may not do this: it needs %s", who.role, p))
		return
	}
	if known {
		serve.Note(c, "operator", who.name)
	}
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), visitKey{}, &visit{caller: who}))
	c.Next()
}

// recognise finds out who asks.
func (s *server) recognise(c *gin.Context) (caller, bool, error) {
	given, ok := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer ")
	if !ok {
		return caller{}, false, nil
	}
	who, known := s.configured(strings.TrimSpace(given))
	return who, known, nil
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
