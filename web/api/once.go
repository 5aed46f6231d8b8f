package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
	"maskline/web/serve"
)

// replayedHeader marks an answer that was given before.
const replayedHeader = "X-Maskline-Replayed"

// request is what an operation reads.
type request struct {
	caller
	query string
	body  []byte
}

// work is what an operation does once its parameters have been read; it gives the answer to a success.
type work func(ctx context.Context) (any, error)

// operation reads a request's parameters. It touches no database: what it gives back does.
type operation func(ctx context.Context, r request) (work, error)

// answer makes an operation a handler. One that changes something is done once: a repeat (same app, nonce, method, path, query and body)
// gets the first answer again, refusals included, so that a client that lost an answer can ask again.
//
// A query is done anew each time, since clients reuse a nonce and want the news; a refusal of the parameters needs no memory either. Only
// an app that allows a nonce once has every request remembered.
func (a *api) answer(op operation) gin.HandlerFunc {
	return func(c *gin.Context) {
		r, err := readRequest(c)
		if err != nil {
			refuseErr(c, err)
			return
		}
		do, err := op(c.Request.Context(), r)
		if err != nil {
			do = func(context.Context) (any, error) { return nil, err }
		}
		status, body, err := a.once(c, r, err == nil && c.Request.Method != http.MethodGet, settle(do, resultsOf(c)))
		reply(c, status, body, err)
	}
}

func readRequest(c *gin.Context) (request, error) {
	body, err := readBody(c.Request)
	return request{caller: callerOf(c), query: c.Request.URL.RawQuery, body: body}, err
}

// once does a request's work, or gives the answer it got before when it is one to be remembered.
func (a *api) once(c *gin.Context, r request, remember bool, do func(context.Context) (int, []byte, error)) (status int, body []byte, err error) {
	if !remember && !r.OneUseNonce {
		return do(c.Request.Context())
	}
	status, body, replayed, err := a.Store.Once(c.Request.Context(), replyKey(c.Request, r), a.ReplayWindow, do)
	if replayed {
		c.Header(replayedHeader, "true")
	}
	return status, body, err
}

// repeated says whether the request's answer had been given before.
func repeated(c *gin.Context) bool { return c.Writer.Header().Get(replayedHeader) != "" }

// settle turns work into the answer that is kept: a refusal is one too.
func settle(do work, own map[models.Code]result) func(ctx context.Context) (int, []byte, error) {
	return func(ctx context.Context) (int, []byte, error) {
		v, err := do(ctx)
		if err != nil {
			return refusal(err, own)
		}
		return http.StatusOK, encode(v), nil
	}
}

// refusal is an error as an answer, in the words of a surface, or the error itself when it is a fault of ours.
func refusal(err error, own map[models.Code]result) (status int, body []byte, fault error) {
	r := resultOf(err, own)
	if r == internalError {
		return 0, nil, err
	}
	return r.status, r.body(), nil
}

func reply(c *gin.Context, status int, body []byte, err error) {
	if err != nil {
		refuseErr(c, err)
		return
	}
	var said struct {
		Code string `json:"resultcode"`
	}
	if json.Unmarshal(body, &said) == nil {
		serve.Note(c, "resultcode", said.Code)
	}
	c.Data(status, contentType, body)
}

func replyKey(r *http.Request, q request) store.ReplyKey {
	sum := sha256.Sum256(q.body)
	return store.ReplyKey{AppKey: q.Key, Nonce: q.nonce, Method: r.Method, Path: r.URL.RequestURI(),
		BodyHash: hex.EncodeToString(sum[:]), OneUse: q.OneUseNonce}
}
