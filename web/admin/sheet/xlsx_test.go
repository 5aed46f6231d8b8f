package sheet

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// workbook makes a file of rows; change does what a test needs besides.
func workbook(t *testing.T, rows [][]any, change func(*excelize.File) error) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	for i, r := range rows {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &r); err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		if err := change(f); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// altered packs a workbook again with one part replaced.
func altered(t *testing.T, book []byte, name string, body func(old []byte) []byte) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(book), int64(len(book)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range in.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		old, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if f.Name == name {
			old = body(old)
		}
		part, err := w.Create(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(old); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// liar packs a sheet of many megabytes that says that it has a few bytes.
func liar(t *testing.T, book []byte) []byte {
	t.Helper()
	body := bytes.Repeat([]byte(" "), 64<<20)
	var packed bytes.Buffer
	z, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = z.Write(body)
	_ = z.Close()
	in, err := zip.NewReader(bytes.NewReader(book), int64(len(book)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range in.File {
		if f.Name != "xl/worksheets/sheet1.xml" {
			if err := w.Copy(f); err != nil {
				t.Fatal(err)
			}
			continue
		}
		part, err := w.CreateRaw(&zip.FileHeader{Name: f.Name, Method: zip.Deflate, CRC32: crc32.ChecksumIEEE(body),
			CompressedSize64: uint64(packed.Len()), UncompressedSize64: 100})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write(packed.Bytes())
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestXLSX(t *testing.T) {
	const sheet1 = "xl/worksheets/sheet1.xml"
	head := []any{"number", "area"}
	one := [][]any{head, {"17000000001", "0755"}}
	plain := workbook(t, one, nil)
	replace := func(from, to string) func([]byte) []byte {
		return func(old []byte) []byte {
			if !bytes.Contains(old, []byte(from)) {
				t.Fatalf("%s has no %s", old, from)
			}
			return bytes.ReplaceAll(old, []byte(from), []byte(to))
		}
	}
	many := [][]any{head}
	for range RowsMost {
		many = append(many, []any{"17000000001", "0755"})
	}
	for _, c := range []struct {
		name          string
		in            []byte
		want, refused string
	}{
		{name: "texts", in: plain, want: "2:17000000001/0755/"},
		{name: "numbers", in: workbook(t, [][]any{head, {17000000001, 755}, {17000000002.0, "0755"}}, nil), want: "2:17000000001/755/ 3:17000000002/0755/"},
		{name: "a number written with an exponent is the number", in: altered(t, workbook(t, [][]any{head, {13800000000, "0755"}}, nil), sheet1,
			replace("<v>13800000000</v>", "<v>1.38E+10</v>")), want: "2:13800000000/0755/"},
		{name: "a text that lost its digits", in: workbook(t, [][]any{head, {"1.38E+10", "0755"}}, nil), want: "2!"},
		{name: "a number of more digits than a spreadsheet keeps", in: workbook(t, [][]any{head, {8617000000001234567, "0755"}}, nil), want: "2!"},
		{name: "rows between", in: workbook(t, [][]any{head, {}, {"17000000001", "0755"}}, nil), want: "3:17000000001/0755/"},
		{name: "a second sheet is not read", in: workbook(t, one, func(f *excelize.File) error {
			if _, err := f.NewSheet("notes"); err != nil {
				return err
			}
			return f.SetCellFormula("notes", "A1", "=1+1")
		}), want: "2:17000000001/0755/"},
		{name: "the first sheet is the first that people see", in: workbook(t, one, func(f *excelize.File) error {
			if _, err := f.NewSheet("front"); err != nil {
				return err
			}
			if err := f.SetSheetRow("front", "A1", &[]any{"number", "area"}); err != nil {
				return err
			}
			if err := f.SetSheetRow("front", "A2", &[]any{"17000000009", "010"}); err != nil {
				return err
			}
			return f.MoveSheet("front", "Sheet1")
		}), want: "2:17000000009/010/"},
		{name: "5000 rows", in: workbook(t, many, nil), want: ""},

		{name: "5001 rows", in: workbook(t, append(many, []any{"1", "2"}), nil), refused: "more than 5000 rows"},
		{name: "a formula", in: workbook(t, one, func(f *excelize.File) error { return f.SetCellFormula("Sheet1", "B2", `="0"&"755"`) }), refused: "cell B2 holds a formula"},
		{name: "merged cells", in: workbook(t, one, func(f *excelize.File) error { return f.MergeCell("Sheet1", "A2", "B3") }), refused: "A2:B3 are merged"},
		{name: "a cell far below", in: workbook(t, one, func(f *excelize.File) error { return f.SetCellValue("Sheet1", "A1048576", 1) }), refused: "delete what stands below"},
		{name: "a cell far to the right", in: workbook(t, one, func(f *excelize.File) error { return f.SetCellValue("Sheet1", "XFD1", 1) }), refused: "cell XFD1"},
		{name: "a cell in another row", in: altered(t, plain, sheet1, replace(`r="A2"`, `r="A9"`)), refused: "A9"},
		{name: "a bomb", in: altered(t, plain, sheet1, func([]byte) []byte { return bytes.Repeat([]byte(" "), 64<<20) }), refused: "too large"},
		{name: "a bomb that lies", in: liar(t, plain), refused: "damaged"},
		{name: "nested entities", in: altered(t, plain, sheet1, func([]byte) []byte {
			return []byte(`<!DOCTYPE a [<!ENTITY b "` + strings.Repeat("x", 1000) + `">]><worksheet><sheetData><row r="1"><c t="str" r="A1"><v>&b;&b;</v></c></row></sheetData></worksheet>`)
		}), refused: "damaged"},
		{name: "cut off", in: plain[:len(plain)/2], refused: "no workbook"},
		{name: "a zip of something else", in: altered(t, plain, "xl/workbook.xml", func([]byte) []byte { return []byte("<x/>") }), refused: "no workbook"},
		{name: "no sheet", in: altered(t, plain, sheet1, func([]byte) []byte { return nil }), refused: "empty"},
	} {
		t.Run(c.name, func(t *testing.T) { check(t, bytes.NewReader(c.in), c.want, c.refused) })
	}
}
