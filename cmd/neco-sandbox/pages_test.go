//go:build sandbox

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/dctest/sandbox/sandboxtest"
)

// runnable matches a block of a document whose commands can run in a sandbox.
var runnable = regexp.MustCompile("(?s)<!-- run: sandbox -->\n *```console\n(.*?)```")

// runnableCommands returns the neco commands in the runnable blocks of a document,
// split into words.
func runnableCommands(t *testing.T, page string) [][]string {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]string
	for _, block := range runnable.FindAllStringSubmatch(string(data), -1) {
		for line := range strings.Lines(block[1]) {
			command, _, _ := strings.Cut(strings.TrimLeft(line, "#$ "), " #")
			words := strings.Fields(command)
			if len(words) < 2 || words[0] != "neco" {
				t.Fatalf("%s: %q is not a neco command", page, line)
			}
			all = append(all, words[1:])
		}
	}
	return all
}

// TestTheCommandsOfThePagesRun runs the commands of docs/*.md on a boot server of a
// healthy data centre.
func TestTheCommandsOfThePagesRun(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(sandboxtest.Root(t), "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	p := buildProgram(t)
	p.must("run", "--keep", "--deb", sandboxtest.Debs(t, 1)[0])
	t.Cleanup(func() { p.run("down") })
	n := 0
	for _, page := range pages {
		for _, words := range runnableCommands(t, page) {
			n++
			if out, err := p.run(append([]string{"neco", "0", "--"}, words...)...); err != nil {
				t.Errorf("%s: neco %s: %v\n%s", filepath.Base(page), strings.Join(words, " "), err, out)
			}
		}
	}
	if n < 5 {
		t.Errorf("only %d commands were found", n)
	}
}
