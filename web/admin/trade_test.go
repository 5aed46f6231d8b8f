package admin

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"maskline/controller/media"
	"maskline/models"
)

const xlsxKind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// put uploads a file.
func (l *lab) put(path, kind string, body []byte, status int, out any) {
	l.t.Helper()
	req := httptest.NewRequestWithContext(l.t.Context(), http.MethodPost, Prefix+path, bytes.NewReader(body))
	req.Header.Set("Content-Type", kind)
	l.send(req, status, out)
}

// formOf puts a file into a form.
func formOf(t *testing.T, name string, file []byte) (kind string, body []byte) {
	t.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	part, err := w.CreateFormFile("file", name)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(file)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), out.Bytes()
}

func spreadsheet(t *testing.T, rows ...[]any) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	for i, r := range rows {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &r); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestStockIsImported(t *testing.T) {
	l := newLab(t)
	var r Report
	l.put("/stock/import", "text/csv", []byte("number,area,carrier\n+8617000000001,0755,cmcc\n17000000001,0755,\n1.7E+10,0755,\nno number,0755,\n17000000002,shenzhen,\n17000000003,0755,cmcc\n"), 200, &r)
	var got []string
	for _, row := range r.Rows {
		got = append(got, fmt.Sprintf("%d:%t", row.Line, row.OK))
		if row.OK != (row.Error == "") {
			t.Errorf("row %+v", row)
		}
	}
	if strings.Join(got, " ") != "2:true 3:false 4:false 5:false 6:false 7:true" || r.Done != 2 || r.Refused != 4 {
		t.Errorf("report %v %+v", got, r)
	}
	kind, body := formOf(t, "stock.xlsx", spreadsheet(t, []any{"号码", "区号", "类型"}, []any{17000000004, "0755", "private"}, []any{"+867552878080", "0755", "display"}, []any{17000000003, "0755", ""}))
	l.put("/stock/import", kind, body, 200, &r)
	if r.Done != 2 || r.Refused != 1 || r.Rows[2].Number != "+8617000000003" || !strings.Contains(r.Rows[2].Error, "already") {
		t.Errorf("of a spreadsheet: %+v", r)
	}
	l.put("/stock/import", xlsxKind, spreadsheet(t, []any{"number", "area", "trunk"}, []any{"17000000005", "0755", "carrier-z"}), 200, &r)
	if r.Done != 0 || !strings.Contains(r.Rows[0].Error, "carrier-z") {
		t.Errorf("of an unknown trunk: %+v", r)
	}
	for name, body := range map[string]string{"no heading": "17000000001,0755\n", "empty": "", "too many": "number,area\n" + strings.Repeat("1,2\n", 5001), "too long": strings.Repeat("x", 5<<20)} {
		var f Failure
		l.put("/stock/import", "text/csv", []byte(body), 400, &f)
		if f.Message == "" {
			t.Errorf("%s: %+v", name, f)
		}
	}
	l.put("/stock/import", "multipart/form-data; boundary=x", []byte("--x--\r\n"), 400, nil)
	var list List[Stock]
	for query, n := range map[string]int64{"": 4, "?kind=display": 1, "?carrier=cmcc": 2, "?area=755&prefix=%2B8617": 3, "?free_by=" + time.Now().UTC().Add(time.Hour).Format(time.RFC3339): 4} {
		l.do("GET", "/stock"+query, "", 200, &list)
		if list.Total != n {
			t.Errorf("stock %s: %+v", query, list)
		}
	}
	l.do("DELETE", "/stock/+8617000000001", "", 200, nil)
	l.do("DELETE", "/stock/+8617000000001", "", 404, nil)
	l.do("GET", "/stock?kind=odd", "", 400, nil)
}

func TestOrdersFromPlacingToReturn(t *testing.T) {
	l := newLab(t, func(o *Options) { o.CoolDown = 24 * time.Hour })
	app, _ := l.bound()
	l.put("/stock/import", "text/csv", []byte("number,area\n17000000011,0755\n17000000012,0755\n17000000013,0755\n"), 200, nil)
	var o Order
	l.do("POST", "/orders", `{"app":"`+app.Key+`","area":"755","count":2,"quick":true,"inspection":true}`, 201, &o)
	if o.State != "waiting" || !o.Recording || !o.Inspection || o.Kind != "private" || o.Area != "0755" || o.RequestedBy != "ops" {
		t.Errorf("placed %+v", o)
	}
	path := "/orders/" + id(o.ID)
	l.do("POST", path+"/deliver", "", 409, nil)
	l.do("POST", path+"/reject", `{}`, 400, nil)
	l.do("POST", path+"/approve", "", 200, &o)
	l.do("POST", path+"/deliver", `{"numbers":["+8617000000011"]}`, 400, nil)
	l.do("POST", path+"/deliver", `{"numbers":["17000000011","+8617000000099"]}`, 409, nil)
	l.do("POST", path+"/deliver", `{"numbers":["17000000011","+8617000000013"]}`, 200, &o)
	if o.State != "delivered" || len(o.Numbers) != 2 || o.DeliveredBy != "ops" {
		t.Errorf("delivered %+v", o)
	}
	l.do("POST", path+"/withdraw", "", 409, nil)
	var n Number
	l.do("GET", "/numbers/+8617000000013", "", 200, &n)
	if n.AppID != app.ID {
		t.Errorf("number %+v", n)
	}
	l.do("POST", "/orders", `{"app":"`+app.Key+`","area":"0755","count":1}`, 201, &o)
	l.do("POST", "/orders/"+id(o.ID)+"/withdraw", "", 200, &o)
	var list List[Order]
	for query, n := range map[string]int64{"": 2, "?state=withdrawn": 1, "?app=" + app.Key: 2, "?tenant=Acme&state=waiting": 0} {
		l.do("GET", "/orders"+query, "", 200, &list)
		if list.Total != n {
			t.Errorf("orders %s: %+v", query, list)
		}
	}
	for body, param := range map[string]string{
		`{"area":"0755","count":1}`: "app", `{"app":"` + app.Key + `","area":"0755","count":0}`: "count", `{"app":"` + app.Key + `","area":"here","count":1}`: "area",
		`{"app":"` + app.Key + `","area":"0755","count":1,"kind":"display"}`: "kind",
	} {
		var f Failure
		l.do("POST", "/orders", body, 400, &f)
		if f.Param != param {
			t.Errorf("%s: %+v", body, f)
		}
	}
	l.do("GET", "/orders/999", "", 404, nil)
	l.do("GET", "/orders?state=odd", "", 400, nil)

	l.do("POST", "/numbers/+8617000000001/return", `{"reason":"bound"}`, 409, nil)
	var was Returned
	l.do("POST", "/numbers/+8617000000013/return", `{"reason":"given back"}`, 200, &was)
	if was.AppID != app.ID || was.ReturnedBy != "ops" || was.Reason != "given back" {
		t.Errorf("returned %+v", was)
	}
	var rests List[Stock]
	l.do("GET", "/stock?prefix=%2B8617000000013", "", 200, &rests)
	if rests.Total != 1 || rests.Items[0].FreeAt == nil || rests.Items[0].FreeAt.Before(time.Now().Add(23*time.Hour)) {
		t.Errorf("at rest %+v", rests)
	}
	l.do("POST", "/numbers/+8617000000011/return", `{"cool_down_days":-1}`, 400, nil)
	l.do("POST", "/numbers/+8617000000011/return", `{"cool_down_days":0}`, 200, nil)
	var back List[Returned]
	l.do("GET", "/returned?tenant=Acme", "", 200, &back)
	if back.Total != 2 || back.Items[0].Number != "+8617000000011" {
		t.Errorf("returned %+v", back)
	}
}

func TestOrdersNeedAnEnterpriseWhereTheOperatorSaysSo(t *testing.T) {
	l := newLab(t, func(o *Options) { o.EnterpriseFirst = true })
	app, _ := l.bound()
	var f Failure
	l.do("POST", "/orders", `{"app":"`+app.Key+`","area":"0755","count":1}`, 409, &f)
	if !strings.Contains(f.Message, "enterprise") {
		t.Errorf("%+v", f)
	}
}

func TestNumbersAreChangedByTheTable(t *testing.T) {
	l := newLab(t)
	app, _ := l.bound()
	other := l.of("ax", "")
	var r Report
	l.put("/numbers/changes", "text/csv", []byte("number,state,area,app,cause\n17000000002,,010,,\n17000000009,suspended,,,\n17000000001,,,"+other.Key+",\n17000000001,unavailable,,,3\n17000000001,,,,\n17000000002,odd,,,\n17000000002,unavailable,,,x\n"), 200, &r)
	var got []string
	for _, row := range r.Rows {
		got = append(got, fmt.Sprintf("%d:%t", row.Line, row.OK))
	}
	if strings.Join(got, " ") != "2:true 3:false 4:false 5:true 6:false 7:false 8:false" {
		t.Errorf("report %+v", r)
	}
	var n Number
	l.do("GET", "/numbers/+8617000000001", "", 200, &n)
	if n.State != "unavailable" || n.Cause != 3 || n.AppID != app.ID {
		t.Errorf("changed %+v", n)
	}
	lines := l.lines("action=numbers.changes")
	if len(lines) != 1 || !strings.Contains(string(lines[0].After), `"done":2`) {
		t.Errorf("audit %+v", lines)
	}

	var moved Number
	l.do("POST", "/numbers/+8617000000001/move", `{"app":"`+other.Key+`"}`, 409, nil)
	l.do("POST", "/numbers/+8617000000002/move", `{"app":""}`, 400, nil)
	var second App
	l.do("POST", "/apps", `{"tenant":"Acme","name":"second"}`, 201, &second)
	l.do("POST", "/numbers/+8617000000002/move", `{"app":"`+second.Key+`"}`, 200, &moved)
	if moved.AppID != second.ID {
		t.Errorf("moved %+v", moved)
	}
	var ends, goesOn Number
	l.do("PATCH", "/tenants/Acme", `{"zone":"America/New_York"}`, 200, nil)
	l.do("PATCH", "/tenants/Acme", `{"zone":"Local"}`, 400, nil)
	l.do("POST", "/numbers/+8617000000002/unsubscribe", "", 200, &ends)
	if ends.EndsAt == nil || ends.EndsAt.Hour() < 4 || ends.EndsAt.Hour() > 5 || ends.EndsAt.Day() != 1 {
		t.Errorf("unsubscribed, it ends at %v; want the beginning of a month in New York", ends.EndsAt)
	}
	l.do("POST", "/numbers/+8617000000002/subscribe", "", 200, &goesOn)
	if goesOn.UnsubscribedAt != nil {
		t.Errorf("subscribed again %+v", goesOn)
	}
	l.do("POST", "/numbers/+8617000000099/unsubscribe", "", 404, nil)
}

const enterprise = `{"kind":"company","name":"Acme Ltd","licence":"91440300MA5DA1B23C","scenario":"couriers call those who wait for parcels","script":"Hello, your parcel","business":"logistics"`

func TestEnterprisesAreReviewed(t *testing.T) {
	l := newLab(t, func(o *Options) {
		o.Documents, o.Forbidden = media.Documents{Dir: t.TempDir()}, []string{"fortune_telling"}
	})
	l.do("POST", "/tenants", `{"name":"Acme"}`, 201, nil)
	l.do("GET", "/tenants/Acme/enterprise", "", 404, nil)
	var d models.Document
	kind, body := formOf(t, "licence.png", []byte("\x89PNG\r\n\x1a\nlicence"))
	l.put("/tenants/Acme/enterprise/documents?kind=licence", kind, body, 201, &d)
	if d.Name != "licence.png" || len(d.Hash) != 64 || d.Bytes != 15 {
		t.Errorf("document %+v", d)
	}
	for path, body := range map[string]string{"?kind=licence&name=page": "<html>", "?kind=poem&name=x": "%PDF-1.7", "?kind=licence": "%PDF-1.7"} {
		l.put("/tenants/Acme/enterprise/documents"+path, "application/octet-stream", []byte(body), 400, nil)
	}
	named := fmt.Sprintf(`,"documents":[{"kind":"licence","name":"licence.png","bytes":15,"sha256":"%s"}]}`, d.Hash)
	l.do("PUT", "/tenants/Acme/enterprise", enterprise+strings.Replace(named, d.Hash, strings.Repeat("0", 64), 1), 400, nil)
	var e Enterprise
	l.do("PUT", "/tenants/Acme/enterprise", enterprise+named, 200, &e)
	if e.State != "waiting" || e.UploadedBy != "ops" || len(e.Documents) != 1 {
		t.Errorf("submitted %+v", e)
	}
	l.do("PUT", "/tenants/Acme/enterprise", enterprise+"}", 409, nil)
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, Prefix+"/tenants/Acme/enterprise/documents/"+d.Hash, http.NoBody)
	req.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	l.engine.ServeHTTP(w, req)
	if got, _ := io.ReadAll(w.Body); w.Code != 200 || string(got) != "\x89PNG\r\n\x1a\nlicence" || w.Header().Get("Content-Type") != "image/png" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("download: %d %v %q", w.Code, w.Header(), got)
	}
	l.do("GET", "/tenants/Acme/enterprise/documents/none", "", 404, nil)
	l.do("POST", "/tenants/Acme/enterprise/reject", `{}`, 400, nil)
	l.do("POST", "/tenants/Acme/enterprise/approve", `{"submitted":"2020-01-01T00:00:00Z"}`, 409, nil)
	l.do("POST", "/tenants/Acme/enterprise/approve", "", 200, &e)
	if e.State != "approved" || e.ReviewedBy != "ops" {
		t.Errorf("approved %+v", e)
	}
	for range models.RefusalsMost {
		e = Enterprise{}
		l.do("PUT", "/tenants/Acme/enterprise", strings.Replace(enterprise, "logistics", "fortune_telling", 1)+"}", 200, &e)
		if e.State != "rejected" || e.Reason == "" {
			t.Errorf("of a forbidden business: %+v", e)
		}
	}
	l.do("PUT", "/tenants/Acme/enterprise", enterprise+"}", 409, nil)
	l.do("POST", "/tenants/Acme/enterprise/clear-refusals", "", 200, &e)
	l.do("PUT", "/tenants/Acme/enterprise", enterprise+"}", 200, &e)
	var list List[Enterprise]
	l.do("GET", "/enterprises?state=waiting", "", 200, &list)
	if list.Total != 1 || list.Items[0].Name != "Acme Ltd" {
		t.Errorf("enterprises %+v", list)
	}
	l.do("GET", "/enterprises?state=odd", "", 400, nil)
}

func TestHoldersAndRegisteredParties(t *testing.T) {
	l := newLab(t)
	l.bound()
	var h Holder
	l.do("PUT", "/numbers/+8617000000001/holder", `{"name":"Li Lei","id_number":"440301199001011234"}`, 200, &h)
	if h.Name != "Li Lei" || strings.Contains(h.IDNumber, "19900101") || h.ChangedBy != "ops" {
		t.Errorf("holder %+v", h)
	}
	l.do("PUT", "/numbers/+8617000000001/holder", `{"name":"Han Meimei","id_number":"440301199202021234"}`, 200, &h)
	l.do("PUT", "/numbers/+8617000000001/holder", `{"name":"","id_number":"4403"}`, 400, nil)
	l.do("PUT", "/numbers/+8617000000099/holder", `{"name":"x","id_number":"440301"}`, 404, nil)
	var holders List[Holder]
	l.do("GET", "/numbers/+8617000000001/holders", "", 200, &holders)
	if holders.Total != 2 || holders.Items[0].Name != "Han Meimei" || holders.Items[1].Until == nil {
		t.Errorf("holders %+v", holders)
	}
	for _, line := range l.lines("") {
		if strings.Contains(string(line.After)+string(line.Before), "440301199") {
			t.Errorf("an ID number in the audit: %s %s", line.Before, line.After)
		}
	}
	l.do("POST", "/tenants/Acme/parties", `{"parties":[{"party":"13800000001","name":"A"},{"party":"+8613800000002","name":"B"}]}`, 200, nil)
	l.do("POST", "/tenants/Acme/parties", `{"parties":[]}`, 400, nil)
	l.do("POST", "/tenants/Acme/parties", `{"parties":[{"party":"nobody","name":"A"}]}`, 400, nil)
	l.do("POST", "/tenants/Acme/parties", `{"parties":[{"party":"13800000003","name":""}]}`, 400, nil)
	var list List[RegisteredParty]
	l.do("GET", "/tenants/Acme/parties", "", 200, &list)
	if list.Total != 2 || list.Items[1].Party != "+86138****0001" {
		t.Errorf("parties %+v", list)
	}
	l.do("GET", "/tenants/Acme/parties?party=13800000002&reveal=true", "", 200, &list)
	if list.Total != 1 || list.Items[0].Party != "+8613800000002" {
		t.Errorf("one party %+v", list)
	}
	l.do("DELETE", "/tenants/Acme/parties/+8613800000002", "", 200, nil)
	l.do("DELETE", "/tenants/Acme/parties/+8613800000002", "", 404, nil)
	for _, line := range l.lines("") {
		if strings.Contains(line.Object+string(line.After), "13800000002") {
			t.Errorf("a person's number in the audit: %s %s", line.Object, line.After)
		}
	}
}

func TestContacts(t *testing.T) {
	l := newLab(t)
	l.do("POST", "/tenants", `{"name":"Acme"}`, 201, nil)
	const path = "/tenants/Acme/contacts"
	var c Contact
	l.do("POST", path, `{"name":"ops","mail":"ops@acme.example","notices":["balance","review"]}`, 201, &c)
	l.do("PUT", path+"/"+id(c.ID), `{"name":"ops","webhook":"https://acme.example/n"}`, 200, &c)
	if c.Mail != "ops@acme.example" && c.Webhook == "" || len(c.Notices) != 0 {
		t.Errorf("changed %+v", c)
	}
	for body, param := range map[string]string{`{"name":"x"}`: "mail", `{"name":"x","mail":"a@b, c@d"}`: "mail", `{"name":"x","webhook":"ftp://x"}`: "webhook", `{"name":"x","mail":"a@b","notices":["all"]}`: "notices"} {
		var f Failure
		l.do("POST", path, body, 400, &f)
		if f.Param != param {
			t.Errorf("%s: %+v", body, f)
		}
	}
	for i := range models.ContactsMost - 1 {
		l.do("POST", path, fmt.Sprintf(`{"name":"c%d","mail":"c@acme.example"}`, i), 201, nil)
	}
	l.do("POST", path, `{"name":"one too many","mail":"c@acme.example"}`, 409, nil)
	l.do("DELETE", path+"/"+id(c.ID), "", 200, nil)
	l.do("DELETE", path+"/"+id(c.ID), "", 404, nil)
	var list List[Contact]
	l.do("GET", path+"?offset=5&limit=2", "", 200, &list)
	if list.Total != models.ContactsMost-1 || len(list.Items) != 2 {
		t.Errorf("contacts %+v", list)
	}
}
