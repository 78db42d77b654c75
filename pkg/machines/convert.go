package machines

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cybozu-go/neco/internal/lrn"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// The names of the labels that all machines have.
const (
	LabelDatacenter  = "datacenter"
	LabelMachineType = "machine-type"
	LabelProduct     = "product"
)

// dateLayout is the format of support dates. Leading zeros of month and day are optional.
const dateLayout = "2006/1/2"

// Support dates are in these years. Other years are typing errors.
const (
	firstYear = 2000
	lastYear  = 2099
)

var (
	// label matches the value of a label of a node in Kubernetes. CKE makes one of each
	// label of a machine.
	label = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$`)
	// serialNumber matches serial numbers that can be a part of sabakan's URLs.
	serialNumber = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$`)
	// bmcType is sabakan's rule for the types of BMCs.
	bmcType = regexp.MustCompile(`^[a-z0-9A-Z\-_/.]+$`)
)

// setters set what the text of a cell is about. physicalRack has no setter, because
// sabakan does not store the physical rack.
var setters = [columns]func(s *sabakan.Spec, text string) error{
	datacenter: func(s *sabakan.Spec, text string) error { return setLabel(s, LabelDatacenter, text) },
	logicalRack: func(s *sabakan.Spec, text string) (err error) {
		s.Rack, err = lrn.Parse(text)
		return err
	},
	serial:  setSerial,
	product: func(s *sabakan.Spec, text string) error { return setLabel(s, LabelProduct, text) },
	role:    setRole,
	supportDate: func(s *sabakan.Spec, text string) error {
		day, err := parseDate(text)
		s.Retires = day.Add(Support)
		return err
	},
}

func setLabel(s *sabakan.Spec, name, text string) error {
	if !label.MatchString(text) {
		return fmt.Errorf("invalid label %q; %w", text, errLabel)
	}
	s.Labels[name] = text
	return nil
}

func setSerial(s *sabakan.Spec, text string) error {
	if !serialNumber.MatchString(text) {
		return fmt.Errorf("invalid serial number %q; it has letters, digits and the characters - _ . and begins and ends with a letter or digit", text)
	}
	s.Serial = text
	return nil
}

func setRole(s *sabakan.Spec, text string) error {
	if !slices.Contains(Roles(), text) {
		return fmt.Errorf("unknown role %q; the roles are %s", text, strings.Join(Roles(), ", "))
	}
	s.Role = text
	return nil
}

// parseDate parses a support date as midnight in UTC.
func parseDate(text string) (time.Time, error) {
	day, err := time.Parse(dateLayout, text)
	if err != nil {
		return day, fmt.Errorf("%q is not a date like 2026/1/02", text)
	}
	if day.Year() < firstYear || day.Year() > lastYear {
		return day, fmt.Errorf("the year of %s is not between %d and %d", text, firstYear, lastYear)
	}
	return day, nil
}

// convert returns the machines of all rows. If it reports an error, the machines are
// incomplete.
func (o Options) convert(rows []row, errs *Errors) []sabakan.Spec {
	specs := make([]sabakan.Spec, 0, len(rows))
	seen := earlier{serials: map[string]int{}, bootServers: map[int]int{}, untyped: map[string]bool{}}
	for _, r := range rows {
		s := sabakan.Spec{BMC: sabakan.BMC{Type: o.BMC}, Labels: map[string]string{}}
		var valid [columns]bool
		for i, set := range setters {
			if set == nil || r[i].absent {
				continue
			}
			if err := r[i].set(&s, set); err != nil {
				errs.add(r[i].line, names[i], "%v", err)
				continue
			}
			valid[i] = true
		}
		seen.check(r, valid, s, errs)
		if valid[role] {
			o.setType(&s, r[role].line, seen, errs)
		}
		specs = append(specs, s)
	}
	return specs
}

// set calls a setter with the cell's text, which must not be empty.
func (c cell) set(s *sabakan.Spec, set func(*sabakan.Spec, string) error) error {
	if c.text == "" {
		return errors.New("the value is empty")
	}
	return set(s, c.text)
}

// setType sets the machine type of a machine with a valid role. It reports a role without
// a type once.
func (o Options) setType(s *sabakan.Spec, line int, seen earlier, errs *Errors) {
	t := o.Types[s.Role]
	if t == "" && !seen.untyped[s.Role] {
		seen.untyped[s.Role] = true
		errs.add(line, names[role], "no machine type is given for role %s", s.Role)
	}
	s.Labels[LabelMachineType] = t
}

// earlier are the machines before a row.
type earlier struct {
	serials     map[string]int // to lines
	bootServers map[int]int    // racks to lines
	untyped     map[string]bool
}

// check adds an error to errs for a serial number that an earlier machine has, and for a second
// boot server in a rack: sabakan refuses both.
func (e earlier) check(r row, valid [columns]bool, s sabakan.Spec, errs *Errors) {
	if valid[serial] {
		if line, ok := e.serials[s.Serial]; ok {
			errs.add(r[serial].line, names[serial], "%s is also the serial number in line %d", s.Serial, line)
		} else {
			e.serials[s.Serial] = r[serial].line
		}
	}
	if valid[role] && valid[logicalRack] && s.Role == Boot {
		if line, ok := e.bootServers[s.Rack]; ok {
			errs.add(r[role].line, names[role], "rack %d has another boot server in line %d; a rack has one", s.Rack, line)
		} else {
			e.bootServers[s.Rack] = r[role].line
		}
	}
}
