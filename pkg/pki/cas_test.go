package pki_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/pki"
)

// TestAuthoritiesAreReadAsTheyWereWritten parses a text in the format of earlier
// versions, which files and etcd keys still contain.
func TestAuthoritiesAreReadAsTheyWereWritten(t *testing.T) {
	all := map[pki.Authority]pki.CA{}
	for _, a := range pki.Authorities() {
		ca, err := pki.NewCA(a, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		all[a] = ca
	}
	plain, err := pki.MarshalCAs(all)
	if err != nil {
		t.Fatal(err)
	}
	var form map[string]map[string]string
	if err := json.Unmarshal(plain, &form); err != nil || len(form) != len(all) {
		t.Fatalf("%d authorities, %v", len(form), err)
	}
	for name, pair := range form {
		if !strings.Contains(pair["certificate"], "BEGIN CERTIFICATE") || !strings.Contains(pair["key"], "PRIVATE KEY") || len(pair) != 2 {
			t.Errorf("%s has other fields than certificate and key", name)
		}
	}
	got, err := pki.ParseCAs(plain)
	if err != nil {
		t.Fatal(err)
	}
	for a, ca := range all {
		if !got[a].Cert().Equal(ca.Cert()) {
			t.Errorf("%s is another one", a)
		}
	}
	delete(form, string(pki.PeerCA))
	less, err := json.Marshal(form)
	if err != nil {
		t.Fatal(err)
	}
	for what, plain := range map[string][]byte{"no JSON": []byte("SECRET"), "one is missing": less} {
		if _, err := pki.ParseCAs(plain); err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
