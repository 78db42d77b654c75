package vault_test

import (
	"flag"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/vault"
)

var update = flag.Bool("update", false, "write the golden file anew")

func TestABootServerMayHaveItsOwnNamesSignedAndNothingElse(t *testing.T) {
	got, err := vault.BootPolicy(pki.NewSubject(1, "boot-1", netip.MustParseAddr("10.72.48.1")))
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/boot-1.hcl"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatalf("%v; write it with go test -update", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

func TestANameThatWouldSpeakPolicyIsRefused(t *testing.T) {
	for _, name := range []string{`boot"] } path "*" { capabilities = ["sudo"`, "", "boot\n1", "BOOT"} {
		if _, err := vault.BootPolicy(pki.NewSubject(1, name, netip.MustParseAddr("10.72.48.1"))); err == nil {
			t.Errorf("%q", name)
		}
	}
}

func TestCredentialsPrintAsTheirRole(t *testing.T) {
	c := vault.Credentials{RoleID: "role", SecretID: "hidden"}
	if got := c.String(); strings.Contains(got, "hidden") || !strings.Contains(got, "role") {
		t.Error(got)
	}
}
