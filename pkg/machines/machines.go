// Package machines converts a list of machines, as the buyer of the machines keeps it in
// a spreadsheet, to the specs with which sabakan registers the machines. It checks
// everything for which sabakan, CKE or the network of a data centre would refuse a machine
// later, and reports all errors of a list at once.
//
// It must not know how the specs get to sabakan.
package machines

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/cybozu-go/neco/pkg/sabakan"
)

// The roles of machines.
const (
	Boot    = "boot" // boot server
	Compute = "cs"   // compute server
	Storage = "ss"   // storage server
)

// Format is the format of a list.
type Format string

// CSV has one machine in each line after the first line, JSON is an array of objects.
// Both have the columns of [Columns].
const (
	CSV  Format = "csv"
	JSON Format = "json"
)

// DefaultBMC is the type of the machines' BMCs unless Options say otherwise.
const DefaultBMC = "iDRAC"

// Support is the time from a machine's support date until its retirement.
const Support = 5 * 365 * 24 * time.Hour

// maxSize is the maximum size of a list in bytes. A machine has some 60 bytes.
const maxSize = 16 << 20

// Options are what a list does not contain.
type Options struct {
	Format Format
	// Types are the machine types by role. The type is the label machine-type of machines
	// with that role.
	Types map[string]string
	// BMC is the type of the machines' BMCs.
	BMC string
}

// Read reads a list from r until its end and returns the machines in the order of the
// list. In this order sabakan assigns indices, and thereby addresses, in a rack. If the
// list has errors, Read returns no machines and an error of type [*Errors] with all of
// them. Invalid options and a failure of r are other errors.
func Read(r io.Reader, o Options) ([]sabakan.Spec, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxSize {
		return nil, fmt.Errorf("the list is larger than %d MiB; split it", maxSize>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	var errs Errors
	var rows []row
	switch {
	case !utf8.Valid(data):
		errs.add(lineOf(data, invalidUTF8(data)), "", "the text is not UTF-8; export the list as UTF-8")
	case o.Format == JSON:
		rows = readJSON(data, &errs)
	default:
		rows = readCSV(data, &errs)
	}
	specs := o.convert(rows, &errs)
	if len(rows) == 0 && len(errs.All) == 0 {
		errs.add(1, "", "the list has no machines")
	}
	if len(errs.All) > 0 {
		slices.SortStableFunc(errs.All, func(a, b Problem) int { return a.Line - b.Line })
		return nil, &errs
	}
	return specs, nil
}

// Write writes machines to w in the format of `sabactl machines create -f FILE`.
func Write(w io.Writer, specs []sabakan.Spec) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(specs)
}

// check returns an error if sabakan or CKE would refuse a value in the options.
func (o Options) check() error {
	if o.Format != CSV && o.Format != JSON {
		return fmt.Errorf("unknown format %q; the formats are %s and %s", o.Format, CSV, JSON)
	}
	if !bmcType.MatchString(o.BMC) {
		return fmt.Errorf("invalid BMC type %q; it has letters, digits and the characters . - _ /", o.BMC)
	}
	for _, role := range Roles() {
		if t := o.Types[role]; t != "" && !label.MatchString(t) {
			return fmt.Errorf("invalid machine type %q of role %s; %w", t, role, errLabel)
		}
	}
	return nil
}

// Roles returns all roles of machines.
func Roles() []string { return []string{Boot, Compute, Storage} }

var errLabel = errors.New("a label has at most 63 letters, digits and the characters - _ . and begins and ends with a letter or digit")

// invalidUTF8 returns the offset of the first byte that is not UTF-8.
func invalidUTF8(data []byte) int {
	offset := 0
	for {
		r, size := utf8.DecodeRune(data[offset:])
		if r == utf8.RuneError && size <= 1 {
			return offset
		}
		offset += size
	}
}

// lineOf returns the number of the line that contains the byte at offset.
func lineOf(data []byte, offset int) int {
	return 1 + bytes.Count(data[:min(offset, len(data))], []byte("\n"))
}
