package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

// session runs commands one after the other.
type session struct {
	t *testing.T
	s store.Store
}

func newSession(t *testing.T) session {
	s, err := store.Open(store.Config{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return session{t, s}
}

func (s session) call(args ...string) (string, error) {
	s.t.Helper()
	cmd, rest, err := find(args)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = cmd.run(call{ctx: s.t.Context(), store: s.s, args: rest, out: &out})
	return out.String(), err
}

func (s session) want(want string, args ...string) {
	s.t.Helper()
	if got, err := s.call(args...); err != nil || got != want {
		s.t.Errorf("%v: %q, %v, want %q", args, got, err, want)
	}
}

func (s session) file(text string) string {
	name := filepath.Join(s.t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return name
}

func TestWhatIsSetIsShown(t *testing.T) {
	s := newSession(t)
	if _, err := s.call("sabakan", "get-url"); err == nil {
		t.Error("a URL that was never set is shown")
	}
	s.want("", "sabakan", "set-url", "http://localhost:10080")
	s.want("http://localhost:10080\n", "sabakan", "get-url")
	s.want("true\n", "sabakan", "is-enabled")
	s.want("", "sabakan", "disable")
	s.want("false\n", "sabakan", "is-enabled")
	s.want("", "ca", "set", "server", s.file("PEM"))
	s.want("PEM\n", "ca", "get", "server")
}

func TestATemplateIsAFileWithNameAndNodes(t *testing.T) {
	s := newSession(t)
	for _, bad := range []string{"name: dev", "nodes: [{}]", "a: [", ""} {
		if _, err := s.call("sabakan", "set-template", s.file(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
	if _, err := s.call("sabakan", "set-template", "-"); err == nil {
		t.Error("standard input is accepted")
	}
	s.want("", "sabakan", "set-template", s.file("name: dev\nnodes: [{}]\n"))
	s.want("name: dev\nnodes: [{}]\n", "cluster", "get")
}

func TestTheRebootQueueKeepsItsOrder(t *testing.T) {
	s := newSession(t)
	s.want("null\n", "reboot-queue", "list")
	s.want("", "reboot-queue", "add", s.file("10.69.0.4\n10.69.0.5\n"))
	s.want("", "reboot-queue", "add", s.file("10.69.0.6\n"))
	s.want("", "reboot-queue", "cancel", "1")
	s.want(`[
    {
        "index": "0",
        "nodes": [
            "10.69.0.4",
            "10.69.0.5"
        ],
        "status": "queued"
    },
    {
        "index": "1",
        "nodes": [
            "10.69.0.6"
        ],
        "status": "cancelled"
    }
]
`, "reboot-queue", "list")
}

func TestResourcesAreListedByKindAndName(t *testing.T) {
	s := newSession(t)
	f := s.file("# first\napiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: a}\n")
	s.want("", "resource", "set", f)
	s.want("ConfigMap/a/b\nNamespace/a\n", "resource", "list")
	s.want("", "resource", "delete", f)
	s.want("", "resource", "list")
}

func TestADocumentWithoutAResourceIsRefused(t *testing.T) {
	s := newSession(t)
	const good = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"
	for _, bad := range []string{
		"", "# comment\n---\n" + good, good + "---\n", good + "---\n---\n" + good, "a: [",
		strings.Replace(good, "apiVersion", "version", 1), strings.Replace(good, "kind", "sort", 1), strings.Replace(good, "name:", "title:", 1),
	} {
		if _, err := s.call("resource", "set", s.file(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
	s.want("", "resource", "list")
}

func TestABackupContainsTheValuesAndReplacesTheOldest(t *testing.T) {
	s := newSession(t)
	s.want("", "sabakan", "set-url", "http://localhost:10080")
	dir := t.TempDir()
	for _, old := range []string{"etcd-20210101-000000.backup", "etcd-20210102-000000.backup", "other"} {
		if err := os.WriteFile(filepath.Join(dir, old), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.want("", "etcd", "local-backup", "--dir", dir, "--max-backups", "2")
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) != 3 || filepath.Base(names[0]) != "etcd-20210102-000000.backup" || filepath.Base(names[2]) != "other" {
		t.Fatal(names, err)
	}
	data, err := os.ReadFile(names[1])
	var pairs []store.Pair
	if err != nil || json.Unmarshal(data, &pairs) != nil || len(pairs) != 1 || string(pairs[0].Value) != "http://localhost:10080" {
		t.Errorf("%s, %v", data, err)
	}
}
