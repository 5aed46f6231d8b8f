package sheet

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"maskline/models"
)

var stock = []Column{{Name: "number", Also: []string{"号码"}, Needed: true}, {Name: "area", Also: []string{"区号"}, Needed: true}, {Name: "carrier", Also: []string{"运营商"}}}

// flat writes rows as tests compare them: line:number/area/carrier, or line!error.
func flat(rows []Row) string {
	var out []string
	for _, r := range rows {
		if r.Err != nil {
			out = append(out, fmt.Sprintf("%d!", r.Line))
			continue
		}
		out = append(out, fmt.Sprintf("%d:%s/%s/%s", r.Line, r.Get("number"), r.Get("area"), r.Get("carrier")))
	}
	return strings.Join(out, " ")
}

func gbk(t *testing.T, s string) string {
	t.Helper()
	out, err := simplifiedchinese.GBK.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCSV(t *testing.T) {
	wide := strings.Repeat("x,", 64) + "x"
	many := "number,area\n" + strings.Repeat("+8617000000001,0755\n", RowsMost)
	for _, c := range []struct{ name, in, want, refused string }{
		{name: "plain", in: "number,area\n+8617000000001,0755\n", want: "2:+8617000000001/0755/"},
		{name: "no newline at the end", in: "number,area\n+8617000000001,0755", want: "2:+8617000000001/0755/"},
		{name: "byte order mark and CRLF", in: "\xef\xbb\xbfnumber,area\r\n17000000001,0755\r\n", want: "2:17000000001/0755/"},
		{name: "chinese headings", in: "号码,区号,运营商\n17000000001,0755,中国移动\n", want: "2:17000000001/0755/中国移动"},
		{name: "GBK", in: gbk(t, "号码,区号,运营商\n17000000001,0755,中国移动\n"), want: "2:17000000001/0755/中国移动"},
		{name: "columns in another order, one unused", in: "area,,number\n0755,,17000000001\n", want: "2:17000000001/0755/"},
		{name: "semicolons", in: "number;area\n17000000001;0755\n", want: "2:17000000001/0755/"},
		{name: "tabs", in: "number\tarea\n17000000001\t0755\n", want: "2:17000000001/0755/"},
		{name: "old line ends", in: "number,area\r17000000001,0755\r", want: "2:17000000001/0755/"},
		{name: "quotes", in: "number,area,carrier\n\"17000000001\",\"0755\",\"a \"\"b\"\", c\"\n", want: `2:17000000001/0755/a "b", c`},
		{name: "empty rows are passed over", in: "number,area\n\n,,\n17000000001,0755\n", want: "4:17000000001/0755/"},
		{name: "an apostrophe that keeps a text a text", in: "number,area\n'17000000001,'0755\n", want: "2:17000000001/0755/"},
		{name: "written out", in: "number,area\n1.7000000001E+10,0755\n", want: "2:17000000001/0755/"},
		{name: "5000 rows", in: many, want: ""},

		{name: "digits lost", in: "number,area\n1.7E+10,0755\n17000000002,0755\n", want: "2! 3:17000000002/0755/"},
		{name: "a cell missing", in: "number,area\n17000000001\n", want: "2!"},
		{name: "a cell too many", in: "number,area\n17000000001,0755,cmcc\n", want: "2!"},
		{name: "a formula", in: "number,area\n\"=HYPERLINK(1)\",0755\n", want: "2!"},
		{name: "a line break in a cell", in: "number,area\n\"17000000001\n17000000002\",0755\n", want: "2!"},
		{name: "a long cell", in: "number,area\n" + strings.Repeat("1", CellMost+1) + ",0755\n", want: "2!"},

		{name: "nothing", in: "", refused: "empty"},
		{name: "a heading alone", in: "number,area\n", refused: "no rows"},
		{name: "no heading", in: "17000000001,0755\n", refused: "the first row names the columns"},
		{name: "a column missing", in: "number\n17000000001\n", refused: "no column area"},
		{name: "a column twice", in: "number,号码,area\n1,2,3\n", refused: "two columns"},
		{name: "a quote left open", in: "number,area\n\"17000000001,0755\n", refused: "quote"},
		{name: "a quote inside", in: "number,area\n1700\"0000001,0755\n", refused: "line 2: a quote"},
		{name: "too wide", in: wide, refused: "columns"},
		{name: "5001 rows", in: many + "+8617000000002,0755\n", refused: "more than 5000 rows"},
		{name: "too long", in: strings.Repeat("x", BytesMost+1), refused: "4 MiB"},
		{name: "UTF-16", in: "\xff\xfen\x00", refused: "UTF-16"},
		{name: "zero bytes", in: "number\x00", refused: "zero bytes"},
		{name: "no text", in: "number,area\n\xff\xff\xff\n", refused: "neither UTF-8 nor GBK"},
		{name: "old Excel", in: "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", refused: "old .xls"},
	} {
		t.Run(c.name, func(t *testing.T) { check(t, strings.NewReader(c.in), c.want, c.refused) })
	}
}

func check(t *testing.T, in io.Reader, want, refused string) {
	t.Helper()
	rows, err := Read(in, stock)
	if refused != "" {
		if e, ok := errors.AsType[*models.Error](err); !ok || e.Code != models.Invalid || e.Param != "file" || !strings.Contains(e.Detail, refused) {
			t.Fatalf("%v; want a refusal with %q", err, refused)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := flat(rows); want != "" && got != want {
		t.Errorf("rows %s; want %s", got, want)
	}
	if want == "" && len(rows) != RowsMost {
		t.Errorf("%d rows", len(rows))
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestAnUploadThatBreaksOffIsNoBadFile(t *testing.T) {
	if _, err := Read(broken{}, stock); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v", err)
	}
}

func FuzzCSV(f *testing.F) {
	for _, s := range []string{"number,area\n+8617000000001,0755\n", "\xef\xbb\xbfnumber;area\r\n1.7E+10;1\r\n", "\xba\xc5\xc2\xeb,area\n1,2\n", "number,area\n\"1,2\n", "number\r1\r"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		lines, err := readCSV(in)
		if err != nil {
			return
		}
		rows, err := table(lines, stock)
		if err != nil {
			if models.CodeOf(err) != models.Invalid {
				t.Fatalf("%v", err)
			}
			return
		}
		last := 0
		for _, r := range rows {
			if r.Line <= last {
				t.Fatalf("line %d after line %d", r.Line, last)
			}
			last = r.Line
			if r.Err == nil && (r.Get("number") == "" || r.Get("area") == "") {
				t.Fatalf("line %d lacks a column and has no error", r.Line)
			}
			for _, text := range r.cells {
				if len([]rune(text)) > CellMost || strings.ContainsAny(text, "\r\n\x00") {
					t.Fatalf("line %d: cell %q", r.Line, text)
				}
			}
		}
	})
}
