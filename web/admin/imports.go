package admin

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
	"maskline/web/admin/sheet"
)

// fileLimit bounds the upload of a table or a document, bytes: the largest file, and what a form puts around it.
const fileLimit = 5<<20 + 64<<10

// routeFiles registers the uploads of tables and documents. Tables are written in parts, so that nobody is held up for 5000 rows; each row of the
// answer says what became of it.
func (s *server) routeFiles(tables *gin.RouterGroup) {
	s.handle(tables, http.MethodPost, "/stock/import", StockChange, s.importStock, outside)
	s.handle(tables, http.MethodPost, "/numbers/changes", NumbersChange, s.changeNumbers, outside)
	s.handle(tables, http.MethodPost, "/tenants/:tenant/enterprise/documents", EnterprisesSubmit, s.addDocument, outside)
	s.handle(tables, http.MethodGet, "/tenants/:tenant/enterprise/documents/:hash", EnterprisesView, s.getDocument)
}

// tableOf reads the table of an upload: a form with the field file, or the file itself as the body.
func tableOf(c *gin.Context, columns []sheet.Column) ([]sheet.Row, error) {
	var file io.Reader = c.Request.Body
	if kind, params, err := mime.ParseMediaType(c.GetHeader("Content-Type")); err == nil && kind == "multipart/form-data" {
		if file, err = fileOf(multipart.NewReader(c.Request.Body, params["boundary"])); err != nil {
			return nil, err
		}
	}
	rows, err := sheet.Read(file, columns)
	if _, ours := errors.AsType[*models.Error](err); err != nil && !ours {
		err = unreadable(err)
	}
	return rows, err
}

// fileOf finds the field file of a form.
func fileOf(form *multipart.Reader) (*multipart.Part, error) {
	for {
		part, err := form.NextPart()
		if _, long := errors.AsType[*http.MaxBytesError](err); long {
			return nil, unreadable(err)
		}
		if err != nil {
			return nil, models.Fail(models.Invalid, "file", "the form has no field file")
		}
		if part.FormName() == "file" {
			return part, nil
		}
	}
}

// batch is a table on its way into the store: the rows that can be read, as T, and where each of them stands in the report.
type batch[T any] struct {
	report Report
	list   []T
	at     []int
}

// batchOf reads each row. What cannot be read is refused in the report, and the rest goes on.
func batchOf[T any](rows []sheet.Row, number func(T) string, one func(sheet.Row) (T, error)) batch[T] {
	b := batch[T]{report: Report{Rows: make([]ReportRow, 0, len(rows))}}
	for i, r := range rows {
		line, err := ReportRow{Line: r.Line, Number: r.Get("number")}, r.Err
		var v T
		if err == nil {
			v, err = one(r)
		}
		if err != nil {
			line.Error = sentence(err)
		} else {
			line.Number = number(v)
			b.list, b.at = append(b.list, v), append(b.at, i)
		}
		b.report.Rows = append(b.report.Rows, line)
	}
	return b
}

// told puts into the report what became of the rows that were read.
func (b *batch[T]) told(rows []error) Report {
	for i, err := range rows {
		line := &b.report.Rows[b.at[i]]
		if line.OK = err == nil; !line.OK {
			line.Error = sentence(err)
		}
	}
	for _, line := range b.report.Rows {
		if line.OK {
			b.report.Done++
		}
	}
	b.report.Refused = len(b.report.Rows) - b.report.Done
	return b.report
}

// sentence is what an error of a row says to people. One that is ours is not told.
func sentence(err error) string {
	e, ok := errors.AsType[*models.Error](err)
	if !ok || e.Code == models.Internal {
		return "the daemon failed; try this row again"
	}
	if e.Detail == "" {
		return string(e.Code)
	}
	return e.Detail
}

// reported answers with a report. Its audit line tells the counts alone.
func reported(c *gin.Context, r Report) {
	became(c, Report{Done: r.Done, Refused: r.Refused, Rows: []ReportRow{}})
	c.JSON(http.StatusOK, r)
}

// numberIn reads a number of a table.
func (s *server) numberIn(r sheet.Row) (string, error) {
	n, err := s.Numbering.Global(r.Get("number"))
	if err != nil {
		return "", models.Fail(models.Invalid, "number", "%s is not a telephone number such as +8617000000001", r.Get("number"))
	}
	return n, nil
}

// What the tables of new numbers and of changes of numbers have.
var (
	numberColumn  = sheet.Column{Name: "number", Also: []string{"号码", "号码(e.164)", "phone"}, Needed: true}
	areaColumn    = sheet.Column{Name: "area", Also: []string{"区号", "城市区号", "city"}}
	trunkColumn   = sheet.Column{Name: "trunk", Also: []string{"中继"}}
	stateColumn   = sheet.Column{Name: "state", Also: []string{"状态"}}
	carrierColumn = sheet.Column{Name: "carrier", Also: []string{"运营商"}}
	kindColumn    = sheet.Column{Name: "kind", Also: []string{"类型"}}
	appColumn     = sheet.Column{Name: "app", Also: []string{"应用", "app_key"}}
	stockTable    = []sheet.Column{numberColumn, {Name: "area", Also: areaColumn.Also, Needed: true}, kindColumn, carrierColumn, trunkColumn}
	changeTable   = []sheet.Column{numberColumn, stateColumn, {Name: "cause", Also: []string{"原因"}}, areaColumn, trunkColumn, appColumn}
)

func (s *server) importStock(c *gin.Context) {
	rows, err := tableOf(c, stockTable)
	if err != nil {
		s.fail(c, err)
		return
	}
	b := batchOf(rows, func(v models.Stock) string { return v.Number }, s.stockIn)
	_, results, err := s.Store.AddStock(c.Request.Context(), b.list)
	if err != nil {
		s.fail(c, err)
		return
	}
	reported(c, b.told(results))
}

func (s *server) stockIn(r sheet.Row) (v models.Stock, err error) {
	v = models.Stock{Kind: models.NumberKind(r.Get("kind")), Carrier: r.Get("carrier"), Trunk: r.Get("trunk")}
	if v.Number, err = s.numberIn(r); err != nil {
		return v, err
	}
	if v.AreaCode, err = s.Numbering.AreaCode(r.Get("area")); err != nil {
		return v, models.Fail(models.Invalid, "area", "%s", err)
	}
	return v, s.knownTrunk(v.Trunk)
}

func (s *server) changeNumbers(c *gin.Context) {
	rows, err := tableOf(c, changeTable)
	if err != nil {
		s.fail(c, err)
		return
	}
	apps := map[string]int64{}
	b := batchOf(rows, func(v store.NumberChange) string { return v.Number }, func(r sheet.Row) (store.NumberChange, error) { return s.changeIn(c, r, apps) })
	results, told, err := s.Store.ChangeNumbers(c.Request.Context(), b.list, s.Tell)
	if s.Offer != nil {
		s.Offer(told)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	reported(c, b.told(results))
}

// changeIn reads a change. apps remembers those that rows name.
func (s *server) changeIn(c *gin.Context, r sheet.Row, apps map[string]int64) (v store.NumberChange, err error) {
	if v.Number, err = s.numberIn(r); err != nil {
		return v, err
	}
	if v.State, err = numberState(r.Get("state")); err != nil {
		return v, err
	}
	if raw := r.Get("cause"); raw != "" {
		if len(raw) != 1 || raw[0] < '0' || raw[0] > '9' {
			return v, models.Fail(models.Invalid, "cause", "cause is 1 to 9, of state unavailable alone")
		}
		v.Cause = int(raw[0] - '0')
	}
	if raw := r.Get("area"); raw != "" {
		if v.AreaCode, err = s.Numbering.AreaCode(raw); err != nil {
			return v, models.Fail(models.Invalid, "area", "%s", err)
		}
	}
	if trunk := r.Get("trunk"); trunk != "" {
		if err := s.knownTrunk(trunk); err != nil {
			return v, err
		}
		v.Trunk = &trunk
	}
	v.AppID, err = s.appIn(c, r.Get("app"), apps)
	if err == nil && v.State == 0 && v.AreaCode == "" && v.Trunk == nil && v.AppID == 0 {
		err = models.Fail(models.Invalid, "", "the row changes nothing; it names a state, area, trunk or app")
	}
	return v, err
}

func (s *server) appIn(c *gin.Context, ref string, apps map[string]int64) (int64, error) {
	if ref == "" || apps[ref] != 0 {
		return apps[ref], nil
	}
	a, err := s.namedApp(c.Request.Context(), ref)
	if err == nil {
		apps[ref] = a.ID
	}
	return a.ID, err
}
