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

// refuseErr answers with what an error is on the wire. Of one that is ours alone the log has the text, its numbers masked.
func refuseErr(c *gin.Context, err error) {
	r := resultOf(err, resultsOf(c))
	if r == internalError {
		serve.Note(c, "error", maskDigits(err.Error()))
	}
	refuse(c, r)
}

// maskDigits masks every run of digits in a text that is long enough to be a telephone number.
func maskDigits(s string) string {
	return longDigits.ReplaceAllStringFunc(s, models.Mask)
}

var longDigits = regexp.MustCompile(`\+?\d{7,}`)
