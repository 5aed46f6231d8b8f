package sheet

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// The bounds of a workbook, so that a small file does not become a large one (a "bomb").
const (
	unzippedMost = 24 << 20 // bytes of all its parts
	partsMost    = 500
)

// readXLSX reads the rows of the first sheet that are not empty. The sheet is looked over before it is read: what makes its values doubtful, or
// reading it dear, is refused by the name of the cell.
func readXLSX(raw []byte) (out []line, err error) {
	numbers, err := survey(raw)
	if err != nil {
		return nil, err
	}
	book, err := excelize.OpenReader(bytes.NewReader(raw), excelize.Options{RawCellValue: true, UnzipSizeLimit: unzippedMost, UnzipXMLSizeLimit: unzippedMost})
	if err != nil {
		return nil, refuse("the file is no workbook that can be read; save it as .xlsx again, or as CSV")
	}
	defer func() { err = errors.Join(err, book.Close()) }()
	names := book.GetSheetList()
	if len(names) == 0 {
		return nil, refuse("the workbook has no sheet")
	}
	rows, err := book.Rows(names[0])
	if err != nil {
		return nil, refuse("the first sheet cannot be read; save the file as .xlsx again, or as CSV")
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for at := 1; rows.Next(); at++ {
		texts, err := rows.Columns()
		if err != nil {
			return nil, refuse("row %d cannot be read; save the file as .xlsx again, or as CSV", at)
		}
		if strings.TrimSpace(strings.Join(texts, "")) == "" {
			continue
		}
		l := line{at: at}
		for i, text := range texts {
			l.cells = append(l.cells, cell{text: text, number: numbers[place{i + 1, at}]})
		}
		out = append(out, l)
	}
	return out, nil
}

// place is a cell's column and row, from 1.
type place struct{ column, row int }

// survey looks a workbook over: its size, and in its first sheet formulas, merged cells and cells far away. It gives the cells that hold a number.
func survey(raw []byte) (map[place]bool, error) {
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, refuse("the file is no workbook that can be read; save it as .xlsx again, or as CSV")
	}
	parts := map[string]*zip.File{}
	var total uint64
	for _, f := range archive.File {
		// A part that is longer than it says is an error of the reader below.
		total += min(f.UncompressedSize64, unzippedMost+1)
		parts[strings.ToLower(strings.TrimPrefix(f.Name, "/"))] = f
	}
	if len(archive.File) > partsMost || total > unzippedMost {
		return nil, refuse("the workbook is too large when it is unpacked; copy the rows into a new one, or save it as CSV")
	}
	first, err := firstSheet(parts)
	if err != nil {
		return nil, err
	}
	s := surveyor{numbers: map[place]bool{}}
	if err := tokens(first, s.see); err != nil {
		return nil, err
	}
	return s.numbers, nil
}

// tokens gives a part's tokens to see, one by one.
func tokens(part *zip.File, see func(xml.Token) error) error {
	r, err := part.Open()
	if err != nil {
		return refuse("the workbook is damaged; save it as .xlsx again, or as CSV")
	}
	defer func() { _ = r.Close() }()
	d := xml.NewDecoder(r)
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return refuse("the workbook is damaged; save it as .xlsx again, or as CSV")
		}
		if err := see(t); err != nil {
			return err
		}
	}
}

// attribute is one of an element's by its local name.
func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// firstSheet finds the part that holds the workbook's first sheet.
func firstSheet(parts map[string]*zip.File) (*zip.File, error) {
	missing := refuse("the file is no workbook that can be read; save it as .xlsx again, or as CSV")
	book, links := parts["xl/workbook.xml"], parts["xl/_rels/workbook.xml.rels"]
	if book == nil || links == nil {
		return nil, missing
	}
	var id, target string
	if err := tokens(book, func(t xml.Token) error {
		if e, ok := t.(xml.StartElement); ok && e.Name.Local == "sheet" && id == "" {
			id = attribute(e, "id")
		}
		return nil
	}); err != nil {
		return nil, err
	}
	if err := tokens(links, func(t xml.Token) error {
		if e, ok := t.(xml.StartElement); ok && e.Name.Local == "Relationship" && attribute(e, "Id") == id {
			target = attribute(e, "Target")
		}
		return nil
	}); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(target, "/") {
		target = "/xl/" + target
	}
	part := parts[strings.ToLower(strings.TrimPrefix(path.Clean(target), "/"))]
	if id == "" || part == nil {
		return nil, missing
	}
	return part, nil
}

// surveyor looks at a sheet's elements in their order.
type surveyor struct {
	numbers map[place]bool
	row     int
	cell    string // reference of the one we are in
	at      place
}

func (s *surveyor) see(t xml.Token) error {
	e, ok := t.(xml.StartElement)
	if !ok {
		return nil
	}
	switch e.Name.Local {
	case "row":
		s.row, s.at = s.row+1, place{}
		if n, err := strconv.Atoi(attribute(e, "r")); err == nil {
			s.row = n
		}
		// Rows without a value between others are passed over, so there may be a few more of them.
		if s.row < 1 || s.row > 4*RowsMost {
			return refuse("the sheet has something in row %d; a table has at most %d rows: split it, or delete what stands below", s.row, RowsMost)
		}
	case "c":
		return s.enter(e)
	case "f":
		return refuse("cell %s holds a formula; put its value there (copy, paste as values)", s.cell)
	case "mergeCell":
		return refuse("the cells %s are merged; undo that, so that each row stands by itself", short(attribute(e, "ref")))
	}
	return nil
}

// enter looks at a cell.
func (s *surveyor) enter(e xml.StartElement) error {
	s.cell = attribute(e, "r")
	column, row := s.at.column+1, s.row
	if s.cell != "" {
		var err error
		if column, row, err = excelize.CellNameToCoordinates(s.cell); err != nil || row != s.row {
			return refuse("the sheet names a cell %q in row %d; save it as .xlsx again, or as CSV", short(s.cell), s.row)
		}
	}
	if column > wideMost {
		return refuse("cell %s stands beyond the %d columns that a table may have; delete it", s.cell, wideMost)
	}
	s.at = place{column, row}
	if kind := attribute(e, "t"); kind == "" || kind == "n" {
		s.numbers[s.at] = true
	}
	return nil
}
