package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/models"
)

// RequestIDHeader carries the id that the log has for a request. It is always ours: one from outside could hold a number.
const RequestIDHeader = "X-Request-Id"

const noteKey = "maskline.note"

// Engine makes a Gin engine with nothing of its own in it: no logger, no recovery, and no proxy trusted but those named (addresses or
// prefixes), so that the client's address cannot be forged by a header.
func Engine(trustedProxies []string) (*gin.Engine, error) {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	if err := e.SetTrustedProxies(trustedProxies); err != nil {
		return nil, fmt.Errorf("trusted proxies: %w", err)
	}
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false
	e.RedirectFixedPath = false
	return e, nil
}

// RequestID numbers the request, answers with the number, and gives it to the access log.
func RequestID() gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Header(RequestIDHeader, models.NewID())
		c.Next()
	}
}

// Note adds an attribute to the request's line in the access log. A number is masked by whoever notes it.
func Note(c *gin.Context, key string, value any) {
	notes, _ := c.Value(noteKey).([]slog.Attr)
	c.Set(noteKey, append(notes, slog.Any(key, value)))
}

// AccessLog writes one line a request: method, the route's pattern, status, size, time taken, the client's address, the request id and
// what handlers noted. Server errors are errors, the rest is info.
func AccessLog(log *slog.Logger) gin.HandlerFunc {
	return func(c *gin.Context) {
		began := time.Now()
		c.Next()
		route := c.FullPath()
		if route == "" {
			route = "none"
		}
		attrs := []slog.Attr{
			slog.String("method", knownMethod(c.Request.Method)), slog.String("route", route), slog.Int("status", c.Writer.Status()),
			slog.Int("bytes", max(0, c.Writer.Size())), slog.Duration("took", time.Since(began)), slog.String("from", c.ClientIP()),
			slog.String("request", c.Writer.Header().Get(RequestIDHeader)),
		}
		notes, _ := c.Value(noteKey).([]slog.Attr)
		level := slog.LevelInfo
		if c.Writer.Status() >= http.StatusInternalServerError {
			level = slog.LevelError
		}
		log.LogAttrs(c.Request.Context(), level, "request", append(attrs, notes...)...)
	}
}

// knownMethod keeps a made-up method, which could hold anything, out of the log.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

// Recover turns a panic into answer, if nothing has been sent yet, and logs where it was. What was panicked with is logged only when it
// is the runtime's own error: anything else may hold a number.
func Recover(log *slog.Logger, answer gin.HandlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v) // net/http's own sign for: cut this connection
			}
			what := fmt.Sprintf("%T", v)
			if re, ok := v.(runtime.Error); ok {
				what = re.Error()
			}
			log.LogAttrs(c.Request.Context(), slog.LevelError, "handler panicked", slog.String("panic", what), slog.String("route", c.FullPath()),
				slog.String("request", c.Writer.Header().Get(RequestIDHeader)), slog.String("stack", string(debug.Stack())))
			c.Abort()
			if !c.Writer.Written() {
				answer(c)
			}
		}()
		c.Next()
	}
}

// Bound limits a request's body to bytes and what is done for it to timeout. Handlers see the limits as *http.MaxBytesError from the body
// and as the end of the request's context.
func Bound(bytes int64, timeout time.Duration) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, bytes)
		ctx, cancel := context.WithTimeout(c.Request.Context(), timeout)
		defer cancel()
		c.Request = c.Request.WithContext(ctx)
		c.Next()
	}
}

// ShortConnections asks net/http to close the connection behind each answer, as the original platform does
// (spec/privatenumber.md §0).
func ShortConnections() gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Header("Connection", "close")
		c.Next()
	}
}
