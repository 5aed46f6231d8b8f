package admin

import (
	"context"

	"github.com/gin-gonic/gin"

	"maskline/models"
)

// caller is who asks.
type caller struct {
	name     string // in the log, and in what he decides
	role     models.Role
	tenant   int64 // of a tenant's role: he sees and changes what is that tenant's
	operator int64 // 0 for a token of the configuration
	login    int64 // by which he came
	session  bool  // by a cookie
}

// who is the caller's name in audit lines: tokens of the configuration are told from accounts.
func (c caller) who() string {
	if c.operator == 0 {
		return "config:" + c.name
	}
	return c.name
}

// visit is one request: who asks, and what his audit line will say. It goes with the request's context, so that whatever is reached by it can narrow
// what it gives.
type visit struct {
	caller
	change change
}

type visitKey struct{}

// visitOf gives the request's visit; one of nobody when there is none.
func visitOf(ctx context.Context) *visit {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		return v
	}
	return &visit{}
}

// tenantOf is the tenant whose things alone the request may see; 0 when it may see those of all.
func tenantOf(ctx context.Context) int64 { return visitOf(ctx).tenant }

// operator is who asks, for the record of who decided.
func (s *server) operator(c *gin.Context) string { return visitOf(c.Request.Context()).name }
