// Package sheet reads the tables that people upload: CSV in UTF-8 or GBK, and XLSX. A table is small (RowsMost) and read whole; what is in it is
// not trusted. The package keeps nothing and starts no goroutine.
package sheet

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"maskline/models"
)

// The bounds of one table.
const (
	BytesMost = 4 << 20 // of the file as it is uploaded
	RowsMost  = 5000    // spec/privatenumber.md §7; the heading is not counted
	CellMost  = 256     // characters of a cell
	wideMost  = 64      // columns that are looked at
)

// Column is one that a table may have.
type Column struct {
	Name   string
	Also   []string // other headings that mean it
	Needed bool
}

// Row is one row below the heading. Err says what is wrong with it; the others are to be used all the same.
type Row struct {
	Line  int // in the file, from 1
	Err   error
	cells map[string]string
}

// Get is the text of a column without the blanks around it; "" when the table has no such column.
func (r Row) Get(column string) string { return r.cells[column] }

// line is a row as the file has it.
type line struct {
	at    int
	cells []cell
}

// cell is a text, or a number of a spreadsheet, whose value is exact however it is written.
type cell struct {
	text   string
	number bool
}

// Read reads a table whose first row names its columns. An error means that the file as a whole cannot be used; its sentence says what to do.
func Read(r io.Reader, columns []Column) ([]Row, error) {
	raw, err := io.ReadAll(io.LimitReader(r, BytesMost+1))
	if err != nil {
		return nil, fmt.Errorf("read table: %w", err)
	}
	var lines []line
	switch {
	case len(raw) > BytesMost:
		return nil, refuse("the file is longer than %d MiB; split it", BytesMost>>20)
	case bytes.HasPrefix(raw, []byte("PK\x03\x04")):
		lines, err = readXLSX(raw)
	case bytes.HasPrefix(raw, []byte("\xd0\xcf\x11\xe0")):
		return nil, refuse("the file is an old .xls or has a password; save it as .xlsx without a password, or as CSV")
	default:
		lines, err = readCSV(raw)
	}
	if err != nil {
		return nil, err
	}
	return table(lines, columns)
}

// refuse makes the error of a file.
func refuse(format string, args ...any) error {
	return models.Fail(models.Invalid, "file", format, args...)
}

// table finds the heading and puts the rows under it.
func table(lines []line, columns []Column) ([]Row, error) {
	if len(lines) == 0 {
		return nil, refuse("the file is empty; its first row names the columns: %s", names(columns))
	}
	heading, err := headings(lines[0], columns)
	if err != nil {
		return nil, err
	}
	if len(lines)-1 > RowsMost {
		return nil, refuse("the file has more than %d rows; split it", RowsMost)
	}
	rows := make([]Row, 0, len(lines)-1)
	for _, l := range lines[1:] {
		rows = append(rows, under(heading, l, columns))
	}
	if len(rows) == 0 {
		return nil, refuse("the file has a heading and no rows")
	}
	return rows, nil
}

// headings says which column each place of the heading is; "" is a place without a heading.
func headings(l line, columns []Column) ([]string, error) {
	var out []string
	for i, c := range l.cells {
		text := strings.ToLower(strings.TrimSpace(c.text))
		if text == "" {
			out = append(out, "")
			continue
		}
		at := slices.IndexFunc(columns, func(c Column) bool { return c.Name == text || slices.Contains(c.Also, text) })
		if at < 0 {
			return nil, refuse("column %d is headed %q, which is unknown here; the first row names the columns: %s", i+1, short(c.text), names(columns))
		}
		if slices.Contains(out, columns[at].Name) {
			return nil, refuse("two columns are headed %s", columns[at].Name)
		}
		out = append(out, columns[at].Name)
	}
	for _, c := range columns {
		if c.Needed && !slices.Contains(out, c.Name) {
			return nil, refuse("there is no column %s; the first row names the columns: %s", c.Name, names(columns))
		}
	}
	return out, nil
}

// names lists the columns for people.
func names(columns []Column) string {
	var out []string
	for _, c := range columns {
		if !c.Needed {
			out = append(out, c.Name+" (may be missing)")
			continue
		}
		out = append(out, c.Name)
	}
	return strings.Join(out, ", ")
}

// under makes a row of a line.
func under(heading []string, l line, columns []Column) Row {
	row := Row{Line: l.at, cells: make(map[string]string, len(heading))}
	for i, c := range l.cells {
		text, err := c.value()
		switch {
		case err != nil:
		case text == "":
			continue
		case i >= len(heading) || heading[i] == "":
			err = models.Fail(models.Invalid, "", "column %d has a value and no heading", i+1)
		default:
			row.cells[heading[i]] = text
		}
		if err != nil && row.Err == nil {
			row.Err = err
		}
	}
	for _, c := range columns {
		if c.Needed && row.cells[c.Name] == "" && row.Err == nil {
			row.Err = models.Fail(models.Invalid, c.Name, "%s is empty", c.Name)
		}
	}
	return row
}

// short cuts a text for a message.
func short(s string) string {
	if r := []rune(s); len(r) > 32 {
		return string(r[:32]) + "…"
	}
	return s
}
