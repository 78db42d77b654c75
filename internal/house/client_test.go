package house

import (
	"go/ast"
	"testing"
)

// openers returns the files of pkg/cli that may open a client of etcd themselves, with
// the reasons.
func openers() map[string]string {
	return map[string]string{
		"pkg/cli/backup.go": "neco backup run talks to its own member alone, with a certificate of its own",
	}
}

// TestCommandsHandTheClientOfEtcdOn checks that commands only pass Storage.Client on as
// an argument. Requests to etcd belong in functions of the package that owns the keys,
// the users or the members.
func TestCommandsHandTheClientOfEtcdOn(t *testing.T) {
	used := map[string]bool{}
	for _, s := range sources(t) {
		if s.Dir() != "pkg/cli" || s.IsTest() {
			continue
		}
		for _, p := range []string{"go.etcd.io/etcd/client/v3", "go.etcd.io/etcd/client/v3/concurrency", "go.etcd.io/etcd/api/v3/etcdserverpb"} {
			if s.local(p) != "" {
				t.Errorf("%s imports %s; use pkg/storage, pkg/etcdauth, pkg/vaultkey or pkg/membership", s.Name, p)
			}
		}
		for _, n := range keptClients(s) {
			used[s.Name] = true
			if openers()[s.Name] == "" {
				t.Errorf("%s: a request with a raw etcd client; call a function of the package that owns the keys or members", s.Pos(n))
			}
		}
	}
	for name, why := range openers() {
		if !used[name] {
			t.Errorf("%s (%s) opens no client any more: take it from the list", name, why)
		}
	}
}

// keptClients returns the nodes of s that use the result of a call of Client otherwise
// than as an argument or a field: they select from it, assign it or return it.
func keptClients(s source) []ast.Node {
	var kept []ast.Node
	client := func(e ast.Expr) bool {
		call, ok := e.(*ast.CallExpr)
		if !ok || len(call.Args) > 0 {
			return false
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		return ok && sel.Sel.Name == "Client"
	}
	ast.Inspect(s.AST, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if client(n.X) {
				kept = append(kept, n)
			}
		case *ast.AssignStmt:
			for _, e := range n.Rhs {
				if client(e) {
					kept = append(kept, n)
				}
			}
		case *ast.ReturnStmt:
			for _, e := range n.Results {
				if client(e) {
					kept = append(kept, n)
				}
			}
		}
		return true
	})
	return kept
}
