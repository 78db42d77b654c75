package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/dctest/inventory"
	"github.com/cybozu-go/neco/dctest/sabakantest"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

const (
	csvList  = "datacenter,logical rack,physical rack,serial,product,role,support date\ndc1,3,C-12,1234ABC,R640,boot,2026/1/02\n"
	jsonList = `[{"datacenter": "dc1", "logical-rack": 3, "physical-rack": "", "serial": "1234ABC", "product": "R640", "role": "boot", "support-date": "2026/1/02"}]`
)

// execute runs the command with standard input in and returns its standard output.
func execute(t *testing.T, in string, args ...string) (string, error) {
	t.Helper()
	cmd := newCommand()
	var out bytes.Buffer
	cmd.SetIn(strings.NewReader(in))
	cmd.SetOut(&out)
	cmd.SetArgs(args)
	err := cmd.Execute()
	return out.String(), err
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestTheFormatFollowsFromFlagOrName(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		args []string
	}{
		"a CSV file":               {"", []string{write(t, "list.csv", csvList)}},
		"a JSON file":              {"", []string{write(t, "list.JSON", jsonList)}},
		"a file of another name":   {"", []string{write(t, "list.txt", csvList)}},
		"JSON of another name":     {"", []string{write(t, "list.txt", jsonList), "--format=json"}},
		"standard input":           {csvList, []string{"-"}},
		"JSON on standard input":   {jsonList, []string{"-", "--format", "json"}},
		"the BMC is given as flag": {csvList, []string{"-", "--bmc-type=IPMI-2.0"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := execute(t, c.in, append(c.args, "-b", "r640-boot-2")...)
			if err != nil {
				t.Fatal(err)
			}
			bmc := "iDRAC"
			if strings.Contains(strings.Join(c.args, " "), "IPMI") {
				bmc = "IPMI-2.0"
			}
			var got []sabakan.Spec
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatal(err)
			}
			if len(got) != 1 || got[0].Serial != "1234ABC" || got[0].Labels["machine-type"] != "r640-boot-2" || got[0].BMC.Type != bmc {
				t.Errorf("%s", out)
			}
		})
	}
}

func TestAWrongNumberOfArgumentsIsReportedWithTheUsage(t *testing.T) {
	const usage = "; usage: generate-sabakan-machines FILE [flags]"
	for want, args := range map[string][]string{
		"FILE is missing" + usage:                  {},
		`"b.csv" is one argument too many` + usage: {"a.csv", "b.csv"},
	} {
		if out, err := execute(t, "", args...); err == nil || err.Error() != want || out != "" {
			t.Errorf("%q: error %v, output %q; want %q", args, err, out, want)
		}
	}
}

func TestNothingIsPrintedOnAnError(t *testing.T) {
	bad := csvList + "dc1,3,C-12,1234ABD,R640,gpu,2026/1/02\n"
	for name, c := range map[string]struct {
		in   string
		args []string
		want string
	}{
		"no file":         {"", nil, "FILE is missing"},
		"no such file":    {"", []string{"none.csv"}, "none.csv: no such file"},
		"a directory":     {"", []string{t.TempDir()}, "is a directory"},
		"an unknown role": {bad, []string{"-", "-b", "a"}, "standard input has errors:\nline 3, role: unknown role \"gpu\""},
		"no machine type": {csvList, []string{"-", "-c", "a"}, "no machine type is given for role boot"},
		"another format":  {csvList, []string{"-", "--format", "xml"}, `unknown format "xml"`},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := execute(t, c.in, c.args...)
			if err == nil || !strings.Contains(err.Error(), c.want) || out != "" {
				t.Errorf("got %v, want %q; output %q", err, c.want, out)
			}
		})
	}
}

// TestSabakanRegistersTheMachines sends the output to sabakan, as sabactl does.
func TestSabakanRegistersTheMachines(t *testing.T) {
	out, err := execute(t, "", "../../pkg/machines/testdata/machines.csv", "-b", "r640-boot-2", "-c", "r6525-cs-1", "-s", "r7525-ss-1")
	if err != nil {
		t.Fatal(err)
	}
	var want []sabakan.Spec
	if err := json.Unmarshal([]byte(out), &want); err != nil {
		t.Fatal(err)
	}
	url := sabakantest.Start(t)
	c := sabakan.New(url)
	t.Cleanup(c.Close)
	if err := c.PutIPAM(t.Context(), []byte(inventory.IPAM)); err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(url+"/api/v1/machines", "application/json", strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		t.Errorf("registration: %s", res.Status)
	}
	all, err := c.Machines(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []sabakan.Spec
	for _, m := range all {
		s := m.Spec
		if len(s.IPv4) == 0 || s.BMC.IPv4 == "" {
			t.Errorf("%s has no addresses", s.Serial)
		}
		got = append(got, sabakan.Spec{
			Serial: s.Serial, Labels: s.Labels, Rack: s.Rack, Role: s.Role, Retires: s.Retires,
			BMC: sabakan.BMC{Type: s.BMC.Type},
		})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
