package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestACommandThatDoesNotWorkIsRefusedWithTheReason(t *testing.T) {
	tests := []struct{ args, want string }{
		{"setup 0 1 2", "neco setup does not work in the sandbox: there is no Vault"},
		{"--verbose backup verify FILE", "neco backup verify does not work in the sandbox: boot servers have no"},
		{"join-token", "neco join-token does not work in the sandbox"},
		{"setup --help", ""},
		{"setup-token", ""},
		{"backup list", ""},
		{"status", ""},
		{"", ""},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			err := supported(strings.Fields(tt.args))
			if got := fmt.Sprint(err); (err == nil) != (tt.want == "") || !strings.HasPrefix(got, tt.want) && err != nil {
				t.Errorf("%v", err)
			}
			if err != nil && !strings.Contains(hintFor(err, ""), "docs/dctest.md") {
				t.Errorf("hint %q", hintFor(err, ""))
			}
		})
	}
}

// TestTheManualListsTheCommandsThatDoNotWork compares the table in docs/neco.md with the list
// of the program.
func TestTheManualListsTheCommandsThatDoNotWork(t *testing.T) {
	page, err := os.ReadFile("../../docs/neco.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "<!-- begin: not in the sandbox -->")
	table, _, ended := strings.Cut(section, "<!-- end -->")
	if !found || !ended {
		t.Fatal("docs/neco.md has no table of these commands")
	}
	var got, want []string
	for _, row := range regexp.MustCompile("(?m)^\\| `neco (.+)` \\| (.+) \\|$").FindAllStringSubmatch(table, -1) {
		got = append(got, row[1]+": "+row[2])
	}
	for _, u := range unsupported() {
		want = append(want, u.command+": "+u.reason)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
