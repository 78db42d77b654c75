package machines_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/internal/lrn"
	"github.com/cybozu-go/neco/pkg/machines"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// FuzzRead checks that any list either is refused, or becomes machines which sabakan can
// read and which differ in their serial numbers.
func FuzzRead(f *testing.F) {
	f.Add(false, readFile(f, "machines.csv"))
	f.Add(true, readFile(f, "list.json"))
	f.Add(false, []byte("h\ndc1,0,A,S1,R640,gpu,2026/1/02,x\n"))
	f.Add(true, []byte(`[{"serial": {"a": [1]}}]`))
	f.Fuzz(func(t *testing.T, asJSON bool, list []byte) {
		format := machines.CSV
		if asJSON {
			format = machines.JSON
		}
		specs, err := machines.Read(bytes.NewReader(list), options(format))
		if err != nil {
			if specs != nil || err.Error() == "" {
				t.Errorf("%d machines, error %q", len(specs), err)
			}
			return
		}
		var b bytes.Buffer
		if err := machines.Write(&b, specs); err != nil {
			t.Fatal(err)
		}
		var read []sabakan.Spec
		if err := json.Unmarshal(b.Bytes(), &read); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(specs, read); diff != "" || len(specs) == 0 {
			t.Errorf("%d machines: %s", len(specs), diff)
		}
		serials := map[string]bool{}
		for _, s := range specs {
			if serials[s.Serial] || s.Serial == "" || lrn.Check(s.Rack) != nil || len(s.Labels) != 3 || s.Role == "" {
				t.Errorf("%+v", s)
			}
			serials[s.Serial] = true
		}
	})
}
