package suggest

import (
	"strings"
	"testing"
)

func TestAMistypedNameFindsTheOneThatWasMeant(t *testing.T) {
	names := []string{"wait", "watch", "timeout", "env", "github-token"}
	for word, want := range map[string]string{
		"wach": "watch", "wai": "wait", "wacth": "watch", "mti": "", "tiemout": "timeout", "git": "github-token", "evnt": "env", "enw": "env", "": "", "xyz": "", "o": "",
	} {
		if got := strings.Join(Similar(word, names), " "); got != want {
			t.Errorf("%q finds %q, want %q", word, got, want)
		}
	}
}
