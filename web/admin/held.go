package admin

import (
	"bytes"

	"github.com/gin-gonic/gin"
)

// heldAnswer is an answer that waits for the commit. Headers go to the real one at once: they are set anew by a second run.
type heldAnswer struct {
	gin.ResponseWriter
	status int
	body   bytes.Buffer
}

func (h *heldAnswer) WriteHeader(status int)               { h.status = status }
func (h *heldAnswer) WriteHeaderNow()                      {}
func (h *heldAnswer) Write(b []byte) (int, error)          { return h.body.Write(b) }
func (h *heldAnswer) WriteString(text string) (int, error) { return h.body.WriteString(text) }
func (h *heldAnswer) Status() int                          { return h.status }
func (h *heldAnswer) Size() int                            { return h.body.Len() }
func (h *heldAnswer) Written() bool                        { return h.body.Len() > 0 }
func (h *heldAnswer) Flush()                               {}

// send sends what was held. A client that is gone gets nothing; what was done stays done.
func (h *heldAnswer) send() {
	h.ResponseWriter.WriteHeader(h.status)
	_, _ = h.ResponseWriter.Write(h.body.Bytes())
}

// seenAnswer keeps a copy of the beginning of an answer while it is sent.
type seenAnswer struct {
	gin.ResponseWriter
	body bytes.Buffer
}

func (a *seenAnswer) keep(b []byte) { a.body.Write(b[:min(len(b), max(0, 2*auditMost-a.body.Len()))]) }

func (a *seenAnswer) Write(b []byte) (int, error) {
	a.keep(b)
	return a.ResponseWriter.Write(b) //nolint:wrapcheck // a writer gives what it was given
}

func (a *seenAnswer) WriteString(text string) (int, error) {
	a.keep([]byte(text))
	return a.ResponseWriter.WriteString(text) //nolint:wrapcheck // the same
}
