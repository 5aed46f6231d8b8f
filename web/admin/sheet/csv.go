package sheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// utf8BOM is what spreadsheets put before a CSV file in UTF-8.
var utf8BOM = []byte("\xef\xbb\xbf")

// readCSV reads the rows of a CSV file that are not empty.
func readCSV(raw []byte) ([]line, error) {
	text, err := decoded(raw)
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = separator(text), -1, true
	var out []line
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if bad, ok := errors.AsType[*csv.ParseError](err); ok {
			return nil, refuse("line %d: a quote is opened and not closed, or stands inside a cell without being doubled", bad.Line)
		}
		if err != nil {
			return nil, refuse("the file is no CSV")
		}
		at, _ := r.FieldPos(0)
		l := line{at: at}
		for _, text := range record[:min(len(record), wideMost)] {
			l.cells = append(l.cells, cell{text: text})
		}
		switch {
		case len(record) > wideMost:
			return nil, refuse("line %d has %d columns; a table has at most %d", at, len(record), wideMost)
		case strings.TrimSpace(strings.Join(record, "")) == "":
			continue
		case len(out) > RowsMost:
			return nil, refuse("the file has more than %d rows; split it", RowsMost)
		}
		out = append(out, l)
	}
}

// decoded is the file's text: UTF-8 with or without its mark, else GBK, which spreadsheets in China write.
func decoded(raw []byte) (string, error) {
	switch {
	case bytes.HasPrefix(raw, []byte("\xff\xfe")), bytes.HasPrefix(raw, []byte("\xfe\xff")):
		return "", refuse("the file is in UTF-16; save it as CSV in UTF-8")
	case bytes.IndexByte(raw, 0) >= 0:
		return "", refuse("the file is neither CSV nor XLSX: it holds zero bytes")
	}
	raw = bytes.TrimPrefix(raw, utf8BOM)
	if !utf8.Valid(raw) {
		gbk, err := simplifiedchinese.GB18030.NewDecoder().Bytes(raw)
		if err != nil || bytes.ContainsRune(gbk, utf8.RuneError) {
			return "", refuse("the file is in neither UTF-8 nor GBK; save it as CSV in UTF-8")
		}
		raw = gbk
	}
	text := string(raw)
	if !strings.Contains(text, "\n") {
		text = strings.ReplaceAll(text, "\r", "\n") // as old Macs did
	}
	return text, nil
}

// separator is the one that the heading has: a comma, or what spreadsheets of other regions write.
func separator(text string) rune {
	first, _, _ := strings.Cut(strings.TrimLeft(text, "\r\n"), "\n")
	for _, r := range ",;\t" {
		if strings.ContainsRune(first, r) {
			return r
		}
	}
	return ','
}
