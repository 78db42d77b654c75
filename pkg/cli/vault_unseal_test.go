package cli

import (
	"errors"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/pkg/hostkey"
)

// TestAKeyThatIsNotForThisServerIsFetchedFromAnother: neco vault unseal unseals only
// the Vault of the server where it runs.
func TestAKeyThatIsNotForThisServerIsFetchedFromAnother(t *testing.T) {
	var h *Hint
	if !errors.As(explainUnseal(hostkey.ErrCannotOpen), &h) {
		t.Fatal("there is no hint")
	}
	for _, want := range []string{"neco vault show-unseal-key", "here into vault operator unseal"} {
		if !strings.Contains(h.Text, want) {
			t.Errorf("%q is absent from %q", want, h.Text)
		}
	}
}
