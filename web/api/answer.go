package api

import (
	"regexp"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/web/serve"
)

// contentType of every JSON answer (spec/privatenumber.md §0).
const contentType = "application/json;charset=utf-8"

// refuse answers with r and ends the chain.
func refuse(c *gin.Context, r result) {
	serve.Note(c, "resultcode", r.code)
	c.Abort()
	c.Data(r.status, contentType, r.body())
}

// refuseErr answers with what an error is on the wire. An internal one is kept for the log.
func refuseErr(c *gin.Context, err error) {
	if r := resultOf(err); r != internalError {
		refuse(c, r)
		return
	}
	noteFailure(c, err)
	refuse(c, internalError)
}

// noteFailure gives an internal error to the access log, its numbers masked.
func noteFailure(c *gin.Context, err error) {
	if models.CodeOf(err) == models.Internal || resultOf(err) == internalError {
		serve.Note(c, "error", maskDigits(err.Error()))
	}
}

// maskDigits masks every run of digits in a text that is long enough to be a telephone number.
func maskDigits(s string) string {
	return longDigits.ReplaceAllStringFunc(s, models.Mask)
}

var longDigits = regexp.MustCompile(`\+?\d{7,}`)
