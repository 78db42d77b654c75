package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/cli"
	"github.com/cybozu-go/neco/pkg/join"
	"github.com/cybozu-go/neco/pkg/setup"
	"github.com/cybozu-go/neco/pkg/storage"
)

// private matches phrases that no reader would search for: each has a term of the
// field, such as heartbeat, power loss, again or permanently.
var private = regexp.MustCompile(`(?i)\bsigns?\s+of\s+life\b|\bworld\s+outside\b|\banew\b|\bfor\s+good\b|\bwhoever\b|` +
	`\bplug\s+(of|is|was)\b|\bits\s+plug\b|\bhear\s+(each\s+other|nothing)\b|\bdata\s+centre\s+that\s+runs\b|\blast\s+look\b|` +
	`\bgoes\s+on\s+where\b|\bnobody\s+can\s+(say|listen)\b|\b(looks?|try|tries)\s+whether\b|\bhow\s+long\s+they\s+live\b`)

func TestPagesAndHelpsUseTheFieldsTerms(t *testing.T) {
	texts := pages(t)
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		texts["the help of "+cmd.CommandPath()] = cmd.Short + "\n" + cmd.Long + "\n" + cmd.LocalFlags().FlagUsages()
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk(cli.New(cli.System(testVersion)))
	for name, text := range texts {
		for _, found := range private.FindAllString(text, -1) {
			t.Errorf("%s: %q", name, found)
		}
	}
}

// TestTheStagesOfThePageAreThoseOfTheCode checks that the two tables of stages in the
// page have the stages of the code, in order.
func TestTheStagesOfThePageAreThoseOfTheCode(t *testing.T) {
	text := pages(t)["docs/bootstrap.md"]
	for what, stages := range map[string][]string{"setup": setup.Stages(), "join": join.Stages()} {
		rows := ""
		for _, name := range stages {
			rows += `\| ` + name + ` \|[^\n]*\n`
		}
		if !regexp.MustCompile(`\|---\|\n` + rows + `\n`).MatchString(text) {
			t.Errorf("docs/bootstrap.md has no table of the stages of %s: %q", what, stages)
		}
	}
}

// TestTheWritersOfKeysExist checks that the commands in the table of keys exist.
func TestTheWritersOfKeysExist(t *testing.T) {
	for _, key := range storage.Keys() {
		for writer := range strings.SplitSeq(key.Writer, ", ") {
			if _, command, ok := strings.Cut(writer, "neco "); ok {
				if wrong := checkCommand(strings.Fields(command)); wrong != "" {
					t.Errorf("%s: neco %s: %s", key.Key, command, wrong)
				}
			}
		}
	}
}

// TestLogrotateRotatesByAgeAndSize: the directive size would disable the directive
// monthly.
func TestLogrotateRotatesByAgeAndSize(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("../..", "debian/logrotate"))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^\tmonthly$`).Match(data) || regexp.MustCompile(`(?m)^\t(min)?size `).Match(data) {
		t.Errorf("logrotate ignores the age:\n%s", data)
	}
}
