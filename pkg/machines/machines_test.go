package machines_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/machines"
)

var update = flag.Bool("update", false, "write the golden file")

func options(f machines.Format) machines.Options {
	return machines.Options{
		Format: f,
		Types:  map[string]string{machines.Boot: "r640-boot-2", machines.Compute: "r6525-cs-1", machines.Storage: "r7525-ss-1"},
		BMC:    machines.DefaultBMC,
	}
}

// convert returns the output for a list, which must have no errors.
func convert(t *testing.T, f machines.Format, list []byte) []byte {
	t.Helper()
	specs, err := machines.Read(bytes.NewReader(list), options(f))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := machines.Write(&b, specs); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestAListBecomesMachines converts machines.csv, which has a byte order mark, line ends
// of Windows, spaces, quotes, an empty row and additional empty columns, and the same list
// in JSON.
func TestAListBecomesMachines(t *testing.T) {
	got := convert(t, machines.CSV, readFile(t, "machines.csv"))
	if *update {
		if err := os.WriteFile("testdata/golden.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := string(readFile(t, "golden.json"))
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("CSV: %s", diff)
	}
	if diff := cmp.Diff(want, string(convert(t, machines.JSON, readFile(t, "list.json")))); diff != "" {
		t.Errorf("JSON: %s", diff)
	}
}

const header = "datacenter,logical rack,physical rack,serial,product,role,support date\n"

func TestErrorsNameLineAndColumn(t *testing.T) {
	const good = "dc1,0,A,S1,R640,boot,2026/1/02\n"
	for name, c := range map[string]struct {
		list string
		want string
	}{
		"an empty file":       {"", "line 1: the list has no machines"},
		"no machine":          {header + "\n,,,,,,\n", "line 1: the list has no machines"},
		"no header":           {good + "dc1,1,A,S2,R640,boot,2026/1/02\n", "line 1: the first line is skipped, but it looks like a machine; insert a line with the names of the columns before it"},
		"swapped columns":     {"datacenter,Logical Rack,physical_rack,product,serial,role,support date\n" + good, "line 1: column 4 is product, which must be column 5; the order is datacenter, logical-rack, physical-rack, serial, product, role, support-date"},
		"semicolons":          {strings.ReplaceAll(header+good, ",", ";"), "line 1: the columns are separated by semicolons; export the list with commas"},
		"a missing column":    {header + "dc1,0,A,S1,R640,boot\n", "line 2, support-date: the column is missing; the line has 6 of 7 columns"},
		"one more column":     {header + strings.TrimSpace(good) + ",x\n", `line 2: column 8: "x" is behind the last column, support-date`},
		"no date":             {header + "dc1,0,A,S1,R640,boot,2026-01-02\n", `line 2, support-date: "2026-01-02" is not a date like 2026/1/02`},
		"no such day":         {header + "dc1,0,A,S1,R640,boot,2026/2/30\n", `line 2, support-date: "2026/2/30" is not a date like 2026/1/02`},
		"another century":     {header + "dc1,0,A,S1,R640,boot,9996/1/02\n", "line 2, support-date: the year of 9996/1/02 is not between 2000 and 2099"},
		"equal serials":       {header + good + "dc1,1,A,S2,R640,cs,2026/1/02\ndc1,1,A,S1,R640,cs,2026/1/02\n", "line 4, serial: S1 is also the serial number in line 2"},
		"two boot servers":    {header + good + "dc1,0,A,S2,R640,boot,2026/1/02\n", "line 3, role: rack 0 has another boot server in line 2; a rack has one"},
		"an unknown role":     {header + "dc1,0,A,S1,R640,gpu,2026/1/02\n", `line 2, role: unknown role "gpu"; the roles are boot, cs, ss`},
		"an empty serial":     {header + "dc1,0,A, ,R640,boot,2026/1/02\n", "line 2, serial: the value is empty"},
		"a serial of two":     {header + "dc1,0,A,S1 S2,R640,boot,2026/1/02\n", `line 2, serial: invalid serial number "S1 S2"; it has letters, digits and the characters - _ . and begins and ends with a letter or digit`},
		"an empty label":      {header + ",0,A,S1,R640,boot,2026/1/02\n", "line 2, datacenter: the value is empty"},
		"no label of a node":  {header + "dc1,0,A,S1,PowerEdge R640,boot,2026/1/02\n", `line 2, product: invalid label "PowerEdge R640"; a label has at most 63 letters, digits and the characters - _ . and begins and ends with a letter or digit`},
		"a rack of letters":   {header + "dc1,A,0,S1,R640,boot,2026/1/02\n", `line 2, logical-rack: "A" is not a logical rack number`},
		"a rack out of range": {header + "dc1,341,A,S1,R640,boot,2026/1/02\n", "line 2, logical-rack: logical rack number 341 is not between 0 and 340"},
		"a quote":             {header + good + "dc1,1,A,S\"2,R640,cs,2026/1/02\n", "line 3: bare \" in non-quoted-field in character 10; the lines after it are not checked"},
		"no UTF-8":            {header + "dc1,0,A,S1,R\xff640,boot,2026/1/02\n", "line 2: the text is not UTF-8; export the list as UTF-8"},
		"lines in quotes":     {header + "dc1,0,\"A\nB\",S1,R640,gpu,2026/1/02\n", `line 3, role: unknown role "gpu"; the roles are boot, cs, ss`},
		"several":             {header + "dc1,x,A,,R640,boot,2026/1/02\n" + good + "dc1,1,A,S3,,cs,2026/1/02\n", "line 2, logical-rack: \"x\" is not a logical rack number\nline 2, serial: the value is empty\nline 4, product: the value is empty"},
	} {
		t.Run(name, func(t *testing.T) { refuse(t, machines.CSV, c.list, c.want) })
	}
}

func TestErrorsOfJSONNameLineAndField(t *testing.T) {
	const good = `"datacenter": "dc1", "logical-rack": 0, "physical-rack": "A", "serial": "S1", "product": "R640", "support-date": "2026/1/02"`
	for name, c := range map[string]struct {
		list string
		want string
	}{
		"an empty file":    {"", "line 1: the file ends within the list; the lines after it are not checked"},
		"no machine":       {"[]", "line 1: the list has no machines"},
		"no array":         {"{}", "line 1: an object instead of an array of machines; the lines after it are not checked"},
		"no object":        {"[\n1]", "line 2: a number instead of an object; the lines after it are not checked"},
		"an open array":    {"[\n{" + good + ",\n\"role\": \"cs\"}", "line 3: the file ends within the list; the lines after it are not checked"},
		"two arrays":       {"[\n{" + good + ",\n\"role\": \"cs\"}]\n[]", "line 4: there is text after the array; the lines after it are not checked"},
		"no JSON":          {"[\n{" + good + ",\n\"role\" = \"cs\"}]", "line 3: invalid character '=' after object key; the lines after it are not checked"},
		"a missing field":  {"[\n{" + good + "}]", "line 2, role: the field is missing"},
		"an unknown field": {"[\n{" + good + ",\n\"role\": \"cs\",\n\"rack\": 1}]", `line 4: unknown field "rack"; the fields are datacenter, logical-rack, physical-rack, serial, product, role, support-date`},
		"a repeated field": {"[\n{" + good + ",\n\"role\": \"cs\",\n\"role\": \"ss\"}]", "line 4, role: the field is also in line 3"},
		"null":             {"[\n{" + good + ",\n\"role\": null}]", "line 3, role: null instead of a string"},
		"a number":         {"[\n{" + good + ",\n\"role\": 1}]", "line 3, role: a number instead of a string"},
		"a nested value":   {"[\n{" + good + ",\n\"role\": [\"cs\"]}]", "line 3, role: an array instead of a string\nline 3: the value of field \"role\" is not a string; the lines after it are not checked"},
		"a fraction":       {"[\n{" + strings.Replace(good, "0", "1.0", 1) + ",\n\"role\": \"cs\"}]", `line 2, logical-rack: "1.0" is not a logical rack number`},
		"equal serials":    {"[\n{" + good + ", \"role\": \"cs\"},\n{" + good + ", \"role\": \"cs\"}]", "line 3, serial: S1 is also the serial number in line 2"},
	} {
		t.Run(name, func(t *testing.T) { refuse(t, machines.JSON, c.list, c.want) })
	}
}

// refuse checks that a list has exactly the errors want.
func refuse(t *testing.T, f machines.Format, list, want string) {
	t.Helper()
	specs, err := machines.Read(strings.NewReader(list), options(f))
	var errs *machines.Errors
	if !errors.As(err, &errs) || specs != nil {
		t.Fatalf("%d machines, %v", len(specs), err)
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
}

func TestTheTextOfManyErrorsIsBounded(t *testing.T) {
	_, err := machines.Read(strings.NewReader(header+strings.Repeat("dc1,0,A,,R640,cs,2026/1/02\n", 50)), options(machines.CSV))
	lines := strings.Split(fmt.Sprint(err), "\n")
	if len(lines) != 21 || lines[19] != "line 21, serial: the value is empty" || lines[20] != "and 30 more errors" {
		t.Errorf("%d lines: %v", len(lines), err)
	}
}

func TestAMachineTypeIsNeededForTheRolesOfTheList(t *testing.T) {
	o := options(machines.CSV)
	delete(o.Types, machines.Boot)
	delete(o.Types, machines.Compute)
	list := header + strings.Repeat("dc1,0,A,S,R640,cs,2026/1/02\n", 1) + "dc1,0,A,S2,R640,cs,2026/1/02\n"
	_, err := machines.Read(strings.NewReader(list), o)
	if want := "line 2, role: no machine type is given for role cs"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestInvalidOptionsAreRefused(t *testing.T) {
	for want, change := range map[string]func(*machines.Options){
		`unknown format "xml"`:               func(o *machines.Options) { o.Format = "xml" },
		`invalid BMC type ""`:                func(o *machines.Options) { o.BMC = "" },
		`invalid machine type "a b" of role`: func(o *machines.Options) { o.Types[machines.Boot] = "a b" },
	} {
		o := options(machines.CSV)
		change(&o)
		if _, err := machines.Read(strings.NewReader(header), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
