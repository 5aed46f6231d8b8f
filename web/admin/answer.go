package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/web/serve"
)

// statuses maps the domain's failures to HTTP. What is missing here is our own fault: 500.
var statuses = map[models.Code]int{
	models.Invalid:            http.StatusBadRequest,
	models.PromptMissing:      http.StatusBadRequest,
	models.ModeMismatch:       http.StatusBadRequest,
	models.NotFound:           http.StatusNotFound,
	models.UnknownApp:         http.StatusNotFound,
	models.RecordMissing:      http.StatusNotFound,
	models.NumberNotOwned:     http.StatusConflict,
	models.NumberAbnormal:     http.StatusConflict,
	models.NumberBound:        http.StatusConflict,
	models.NoNumber:           http.StatusConflict,
	models.Conflict:           http.StatusConflict,
	models.SessionOver:        http.StatusConflict,
	models.InUse:              http.StatusConflict,
	models.BindingDeadAlready: http.StatusConflict,
	models.AppUnavailable:     http.StatusConflict,
	models.TenantFrozen:       http.StatusConflict,
	Forbidden:                 http.StatusForbidden,
	Unauthorised:              http.StatusUnauthorized,
	models.FlowControl:        http.StatusTooManyRequests,
}

// fail answers with an error. What it is caused by goes to the log alone.
func (s *server) fail(c *gin.Context, err error) {
	e, ok := errors.AsType[*models.Error](err)
	status := http.StatusInternalServerError
	if ok && statuses[e.Code] != 0 {
		status = statuses[e.Code]
	}
	if status == http.StatusInternalServerError {
		id := c.Writer.Header().Get(serve.RequestIDHeader)
		s.Log.ErrorContext(c.Request.Context(), "admin request failed", "route", c.FullPath(), "request", id, "error", err)
		c.AbortWithStatusJSON(status, Failure{Code: models.Internal, Message: "the daemon failed; its log says why beside request " + id})
		return
	}
	message := e.Detail
	if e.Param != "" && !strings.Contains(message, e.Param) {
		message = e.Param + ": " + message
	}
	c.AbortWithStatusJSON(status, Failure{Code: e.Code, Param: e.Param, Message: message})
}

// answer sends v, or the error.
func (s *server) answer(c *gin.Context, status int, v any, err error) {
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(status, v)
}

// page reads offset and limit.
func page(c *gin.Context) (models.Page, error) {
	var p models.Page
	for _, q := range []struct {
		name string
		to   *int
		most int
	}{{"offset", &p.Offset, 1 << 30}, {"limit", &p.Limit, models.PageMax}} {
		raw := c.Query(q.name)
		if raw == "" {
			continue
		}
		n, err := strconv.Atoi(raw)
		if err != nil || n < 0 || n > q.most {
			return p, models.Fail(models.Invalid, q.name, "%s is a number from 0 to %d", q.name, q.most)
		}
		*q.to = n
	}
	p.Offset, p.Limit = p.Bounds()
	return p, nil
}

// listed answers with a page: get reads the rows, show makes each one's document.
func listed[M, T any](s *server, c *gin.Context, get func(models.Page) ([]M, int, error), show func(M) T) {
	p, err := page(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	rows, total, err := get(p)
	if err != nil {
		s.fail(c, err)
		return
	}
	l := List[T]{Items: make([]T, 0, len(rows)), Total: int64(total), Offset: p.Offset, Limit: p.Limit}
	for _, r := range rows {
		l.Items = append(l.Items, show(r))
	}
	c.JSON(http.StatusOK, l)
}

// read decodes the request's JSON.
func read(c *gin.Context, into any) error { return decode(c.Request.Body, into) }

// decode decodes one JSON document; what it does not name stays as it is in into. Unknown fields are errors: a misspelt one would be lost
// in silence.
func decode(body io.Reader, into any) error {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil && d.More() {
		err = errors.New("there is more than one document")
	}
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*models.Error](err); ok {
		return e // of an amount
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Type == reflect.TypeFor[models.Amount]() {
		return models.Fail(models.Invalid, wrong.Field, `%s is an amount, a string such as "12.50"`, wrong.Field)
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return models.Fail(models.Invalid, wrong.Field, "%s is no %s", wrong.Field, wrong.Type)
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return unreadable(err)
	}
	if errors.Is(err, io.EOF) {
		return models.Fail(models.Invalid, "", "the body is empty; send a JSON document")
	}
	return models.Fail(models.Invalid, "", "the body is not the JSON expected here: %s", strings.TrimPrefix(err.Error(), "json: "))
}

// unreadable is the failure of a body that did not come whole.
func unreadable(err error) error {
	if long, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return models.Fail(models.Invalid, "", "the body is longer than %d bytes", long.Limit)
	}
	return models.Fail(models.Invalid, "", "the body did not come whole")
}

// moment reads a time of the query; zero when it is not there.
func moment(c *gin.Context, name string) (time.Time, error) {
	raw := c.Query(name)
	if raw == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, raw)
	if err != nil {
		return t, models.Fail(models.Invalid, name, "%s is a time such as 2006-01-02T15:04:05Z", name)
	}
	return t.UTC(), nil
}

// span reads since and until.
func span(c *gin.Context) (since, until time.Time, err error) {
	if since, err = moment(c, "since"); err != nil {
		return since, until, err
	}
	until, err = moment(c, "until")
	return since, until, err
}

// mark reads a yes or no of the query.
func mark(c *gin.Context, name string) bool {
	b, err := strconv.ParseBool(c.Query(name))
	return err == nil && b
}

// revealing says whether real numbers are to be shown, and notes it in the log.
func revealing(c *gin.Context) bool {
	if !mark(c, "reveal") {
		return false
	}
	serve.Note(c, "revealed", true)
	return true
}

// shown gives a party's number masked, or as it is.
func shown(reveal bool) func(models.Party) string {
	if reveal {
		return models.Party.Reveal
	}
	return models.Party.String
}

// at is a time for an optional field.
func at(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// number reads a private number of the query or path in global form; "" stays "".
func (s *server) number(param, raw string) (string, error) {
	if raw == "" {
		return "", nil
	}
	n, err := s.Numbering.Global(restorePlus(raw))
	if err != nil {
		return "", models.Fail(models.Invalid, param, "%s is not a telephone number such as +8617000000001", param)
	}
	return n, nil
}

// party reads a person's number of the query; "anonymous" is the hidden caller.
func (s *server) party(param, raw string) (models.Party, error) {
	switch raw {
	case "":
		return models.Party{}, nil
	case "anonymous":
		return models.Hidden, nil
	}
	p, err := s.Numbering.Party(restorePlus(raw))
	if err != nil {
		return p, models.Fail(models.Invalid, param, "%s is not a telephone number such as +8613800000001, nor anonymous", param)
	}
	return p, nil
}

// restorePlus puts back the plus that a query sent without percent-encoding turns into a blank.
func restorePlus(raw string) string {
	if rest, ok := strings.CutPrefix(raw, " "); ok {
		return "+" + rest
	}
	return raw
}

// query reads the filters that many lists share; each is looked up only when it is named.
type query struct {
	app, tenant    int64
	caller, callee models.Party
	since, until   time.Time
}

func (s *server) query(c *gin.Context) (q query, err error) {
	if q.app, err = s.appID(c, c.Query("app")); err != nil {
		return q, err
	}
	if q.tenant, err = s.tenantID(c, c.Query("tenant")); err != nil {
		return q, err
	}
	if q.caller, err = s.party("caller", c.Query("caller")); err != nil {
		return q, err
	}
	if q.callee, err = s.party("callee", c.Query("callee")); err != nil {
		return q, err
	}
	q.since, q.until, err = span(c)
	return q, err
}

// oneOf checks a word of the query.
func oneOf[T ~string](param string, value T, allowed ...T) error {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return models.Fail(models.Invalid, param, "%s is one of %s", param, strings.Trim(fmt.Sprint(allowed), "[]"))
}
