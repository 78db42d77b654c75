package house

import (
	"bytes"
	"go/ast"
	"go/format"
	"path"
	"strings"
	"testing"
)

// These constants are limits in lines. A longer file or function needs a comment that
// gives the reason, with the words "long because".
const (
	maxFile     = 400
	maxFunction = 80
	maxMain     = 80
	reason      = "long because"
)

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if !s.IsTest() {
			documented[s.Dir()] = documented[s.Dir()] || s.AST.Doc != nil
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s: no file has a comment above the package clause", dir)
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	for _, s := range sources(t) {
		lines := bytes.Count(s.Data, []byte("\n"))
		if path.Base(s.Name) == "main.go" && s.Below("cmd") && lines > maxMain {
			t.Errorf("%s: %d lines, a main.go has at most %d", s.Name, lines, maxMain)
		}
		if lines > maxFile && !hasReason(s.AST.Comments...) {
			t.Errorf("%s: %d lines without a reason, more than %d", s.Name, lines, maxFile)
		}
	}
}

func TestFunctionsAreShort(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.AST.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || s.IsTest() {
				continue
			}
			lines := s.Fset.Position(f.End()).Line - s.Fset.Position(f.Pos()).Line + 1
			if lines > maxFunction && !hasReason(f.Doc) {
				t.Errorf("%s: %s has %d lines without a reason, more than %d", s.Pos(f), f.Name.Name, lines, maxFunction)
			}
		}
	}
}

func hasReason(comments ...*ast.CommentGroup) bool {
	for _, c := range comments {
		if c != nil && strings.Contains(strings.Join(strings.Fields(c.Text()), " "), reason) {
			return true
		}
	}
	return false
}

func TestFilesAreFormatted(t *testing.T) {
	for _, s := range sources(t) {
		want, err := format.Source(s.Data)
		if err != nil || !bytes.Equal(s.Data, want) {
			t.Errorf("%s: not formatted; run gofmt -w (%v)", s.Name, err)
		}
	}
}
