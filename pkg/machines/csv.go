package machines

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/cybozu-go/neco/internal/lrn"
)

// readCSV returns the machines of a CSV file. It skips the first line, and lines in which
// all fields are empty. It stops at the first line that is not CSV.
func readCSV(data []byte, errs *Errors) []row {
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = -1
	r.TrimLeadingSpace = true
	var rows []row
	for first := true; ; first = false {
		fields, err := r.Read()
		if err == io.EOF {
			return rows
		}
		if err != nil {
			addCSV(err, errs)
			return rows
		}
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		line, _ := r.FieldPos(0)
		switch {
		case first:
			if !checkHeader(line, fields, errs) {
				return nil
			}
		case strings.Join(fields, "") != "":
			rows = append(rows, rowOf(r, fields, errs))
		}
	}
}

// checkHeader reports errors in the first line, which is skipped. It returns false if the columns
// of the list cannot be read.
func checkHeader(line int, fields []string, errs *Errors) bool {
	if isMachine(fields) {
		errs.add(line, "", "the first line is skipped, but it looks like a machine; insert a line with the names of the columns before it")
	}
	if len(fields) == 1 && strings.Count(fields[0], ";") >= columns-1 {
		errs.add(line, "", "the columns are separated by semicolons; export the list with commas")
		return false
	}
	for i, text := range fields {
		name := strings.NewReplacer(" ", "-", "_", "-").Replace(strings.ToLower(text))
		if at := slices.Index(names[:], name); at >= 0 && at != i {
			errs.add(line, "", "column %d is %s, which must be column %d; the order is %s", i+1, name, at+1, strings.Join(names[:], ", "))
			return false
		}
	}
	return true
}

// rowOf returns the machine in the record that r has read, and reports missing and
// superfluous columns.
func rowOf(r *csv.Reader, fields []string, errs *Errors) row {
	line, _ := r.FieldPos(0)
	row := emptyRow(line)
	for i, text := range fields {
		line, _ := r.FieldPos(i)
		if i < columns {
			row[i] = cell{line: line, text: text}
		} else if text != "" {
			errs.add(line, "", "column %d: %q is behind the last column, %s", i+1, text, names[columns-1])
		}
	}
	for i := len(fields); i < columns; i++ {
		errs.add(line, names[i], "the column is missing; the line has %d of %d columns", len(fields), columns)
	}
	return row
}

// isMachine reports whether the fields of the first line describe a machine: no line with
// names of columns has a rack number and a date.
func isMachine(fields []string) bool {
	if len(fields) <= supportDate {
		return false
	}
	_, rackErr := lrn.Parse(fields[logicalRack])
	_, dateErr := parseDate(fields[supportDate])
	return rackErr == nil && dateErr == nil
}

// addCSV reports an error of the csv package.
func addCSV(err error, errs *Errors) {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		errs.add(parse.Line, "", "%v in character %d; the lines after it are not checked", parse.Err, parse.Column)
		return
	}
	errs.add(1, "", "%v", err)
}
