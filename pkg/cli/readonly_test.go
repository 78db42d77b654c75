package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/cli"
)

// looking lists the commands that must not change this server's disk, with their
// arguments. SNAPSHOT and RECOVERY stand for files of the test.
func looking() map[string][]string {
	return map[string][]string{
		"backup list":           {"", "-o json"},
		"backup verify":         {"", "--all", "SNAPSHOT", "SNAPSHOT --recovery-key RECOVERY"},
		"bmc config get":        {"ipmi-user"},
		"bmc config set":        {"ipmi-user root"},
		"cert list":             {"", "-o json"},
		"cke update":            {""},
		"cke weight get":        {"cs", "cs -o json"},
		"cke weight list":       {"", "-o json"},
		"cke weight set":        {"cs 18"},
		"cke weight unset":      {"cs"},
		"completion":            {"", "zsh"},
		"config get":            {"env", "proxy", "nothing"},
		"config list":           {"", "-o json"},
		"config set":            {"env staging"},
		"config unset":          {"env"},
		"history":               {"", "-o json"},
		"help":                  {"", "status"},
		"image":                 {"etcd", "--in-docker"},
		"is-running":            {"etcd"},
		"join":                  {"--check 1 2", "--check --ca-file SNAPSHOT 1 2"},
		"join-token list":       {"", "-o json"},
		"nodes":                 {"", "--behind -o json"},
		"nodes approve":         {"a"},
		"power restart":         {"a"},
		"power start":           {"a"},
		"power status":          {"a", "-o json a"},
		"power stop":            {"a"},
		"reboot-and-wait":       {"a", "-"},
		"reboot-worker":         {"", "--behind", "--max-per-rack 1", "--resume", "--cancel"},
		"recover":               {"", "--malformed"},
		"setup":                 {"--check 0 1 2"},
		"setup-token":           {"-"},
		"status":                {"", "-o json", "--wait --timeout 1s"},
		"stop":                  {""},
		"tpm clear":             {"--force a"},
		"tpm show":              {"a"},
		"vault generate-root":   {""},
		"vault show-root-token": {""}, "vault show-unseal-key": {""},
		"vault remove-unseal-key": {""},
		"vault store-unseal-key":  {""},
		"vault unseal":            {""},
		"version":                 {""},
	}
}

// changing lists the other commands: their purpose is to change this server, they query
// Vault at an address of the data centre, or they run the shell of a user.
func changing() []string {
	return []string{
		"backup run", "cert reissue", "init", "init-data", "init-local", "join-token", "join-token revoke", "leave", "man", "reset",
		"session-log start", "ssh generate", "teleport config",
	}
}

// leaves returns the names of all commands that do something, without the name of the
// program.
func leaves(cmd *cobra.Command) []string {
	var all []string
	for _, c := range cmd.Commands() {
		all = append(all, leaves(c)...)
	}
	if path, ok := strings.CutPrefix(cmd.CommandPath(), "neco "); ok && (len(all) == 0 || path == "join-token" || path == "nodes") {
		all = append(all, path)
	}
	return all
}

func TestEveryCommandIsKnownToChangeTheServerOrNot(t *testing.T) {
	rows := looking()
	for _, name := range changing() {
		rows[name] = nil
	}
	for _, name := range leaves(cli.New(cli.System(testVersion))) {
		if _, ok := rows[name]; !ok {
			t.Errorf("neco %s: neither in looking nor in changing", name)
		}
		delete(rows, name)
	}
	for name := range rows {
		t.Errorf("neco %s: no such command", name)
	}
}

func TestLookingChangesNothing(t *testing.T) {
	cluster := startEtcd(t)
	for title, prepare := range map[string]func(root string) error{
		"on a bare server":             func(string) error { return nil },
		"on one that etcd is known to": func(root string) error { return writeConfig(root, cluster, "/looking/") },
	} {
		t.Run(title, func(t *testing.T) {
			for name, variants := range looking() {
				for _, args := range variants {
					t.Run(strings.TrimSpace(name+" "+args), func(t *testing.T) { lookAt(t, prepare, name, args) })
				}
			}
		})
	}
}

// lookAt runs a command and checks that it does not change the server's files. It ignores
// the command's result, because most commands fail on such a server.
func lookAt(t *testing.T, prepare func(root string) error, name, args string) {
	root, files := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", filepath.Join(files, "tmp"))
	for path, text := range map[string]string{
		filepath.Join(root, "etc/neco/rack"): "0\n", filepath.Join(root, "etc/neco/join-token"): "none", filepath.Join(files, "tmp/x"): "",
		filepath.Join(files, "snapshot"): "no snapshot", filepath.Join(files, "recovery"): recoveryKey(t),
	} {
		if err := writeFile(path, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := prepare(root); err != nil {
		t.Fatal(err)
	}
	args = strings.NewReplacer("SNAPSHOT", filepath.Join(files, "snapshot"), "RECOVERY", filepath.Join(files, "recovery")).Replace(args)
	line := append([]string{"--root", root}, strings.Fields(name+" "+args)...)
	before := tree(t, root, files)
	ctx := t.Context()
	if name == "join" { // there is no data centre to join
		ended, cancel := context.WithCancel(ctx)
		cancel()
		ctx = ended
	}
	var out bytes.Buffer
	code := cli.Run(ctx, cli.System(testVersion), line, strings.NewReader(""), &out, &out)
	if diff := cmp.Diff(before, tree(t, root, files)); diff != "" {
		t.Errorf("exit code %d, the files (-before +after):\n%s\n%s", code, diff, out.String())
	}
}

func recoveryKey(t *testing.T) string {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return key.String() + "\n"
}

func writeFile(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

// tree describes everything below dirs.
func tree(t *testing.T, dirs ...string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			text := fmt.Sprintf("%v %v", info.Mode(), info.ModTime())
			if info.Mode().IsRegular() {
				data, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				text += " " + string(data)
			}
			all[path] = text
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	delete(all, filepath.Join(dirs[1], "tmp")) // temporary files come and go
	return all
}
