package house

import (
	"go/ast"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/pkg/storage"
)

// TestKeysOfEtcdAreNamedInOnePlace checks that no package but pkg/storage contains the
// text of an etcd key. A key elsewhere would be missing in the table of keys, and so in
// documents and tests.
func TestKeysOfEtcdAreNamedInOnePlace(t *testing.T) {
	for _, s := range sources(t) {
		if s.IsTest() || !s.Below("pkg", "installer", "cmd", "dctest/sandbox", "dctest/simulation") || s.Below("pkg/storage") {
			continue
		}
		ast.Inspect(s.AST, func(n ast.Node) bool {
			if _, ok := n.(*ast.ImportSpec); ok {
				return false
			}
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			text, _ := strconv.Unquote(lit.Value) // the parser has accepted it
			if key := keyOf(text); key != "" {
				t.Errorf("%s: %s is a key of etcd, %s; use its name in pkg/storage/keys.go", s.Pos(lit), lit.Value, key)
			}
			return true
		})
	}
}

// keyOf returns the row of the table for text, a key or a prefix of keys, or "" if
// there is none.
func keyOf(text string) string {
	for _, k := range storage.Keys() {
		name := k.Name()
		prefix := strings.TrimRight(name, "/") + "/"
		if text == name || strings.HasSuffix(name, "/") && strings.HasPrefix(text, prefix) {
			return k.Key
		}
	}
	return ""
}

func TestKeysAreFound(t *testing.T) {
	for text, want := range map[string]bool{
		"vault-init": true, "leader/renewal/": true, "presence/3": true, "info/neco-release": true,
		"presence": false, "vault-initialised": false, "status": false,
	} {
		if got := keyOf(text) != ""; got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}
