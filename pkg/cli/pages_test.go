package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/pkg/cli"
)

// pages returns the documents for people by path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../docs/adr/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all[strings.TrimPrefix(file, "../../")] = string(data)
		}
	}
	return all
}

var (
	// inline matches a command in the text, shown a command in a code block.
	inline = regexp.MustCompile("`(neco [^`]*)`")
	shown  = regexp.MustCompile(`(?m)^(?:    |[$#] |    [$#] )(?:[a-z]+=\S+ |sudo |umask 077; )*(neco [^\n]*)$`)
	// ends matches the end of the command, after which the shell continues.
	ends = regexp.MustCompile(` *(?: #|[|;<>]|&&).*$`)
	word = regexp.MustCompile(`^[a-z][a-z-]*$`)
)

// commandsOf returns the words of each neco command that a page shows. It leaves out
// usage lines with brackets or an ellipsis.
func commandsOf(text string) [][]string {
	var all [][]string
	for _, m := range append(inline.FindAllStringSubmatch(text, -1), shown.FindAllStringSubmatch(text, -1)...) {
		line := ends.ReplaceAllString(strings.ReplaceAll(m[1], "\n", " "), "")
		if words := strings.Fields(line)[1:]; len(words) > 0 && !strings.ContainsAny(line, "[…\\") {
			all = append(all, words)
		}
	}
	return all
}

// checkCommand returns the error in the words of a command and its flags, or "".
func checkCommand(words []string) string {
	cmd, rest, err := cli.New(cli.System(testVersion)).Find(words)
	if err != nil {
		return err.Error()
	}
	if last := rest[max(len(rest)-1, 0):]; len(last) > 0 && strings.HasPrefix(last[0], "--") && cmd.Flags().Lookup(last[0][2:]) != nil {
		rest = rest[:len(rest)-1] // the flag may be mentioned without its value
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err.Error()
	}
	if args := cmd.Flags().Args(); cmd.HasSubCommands() && len(args) > 0 {
		return "unknown command " + args[0]
	}
	return ""
}

func TestEachCommandOfThePagesExistsWithItsFlags(t *testing.T) {
	n := 0
	for page, text := range pages(t) {
		for _, words := range commandsOf(text) {
			if !word.MatchString(words[0]) && !strings.HasPrefix(words[0], "-") {
				continue // prose, or a placeholder
			}
			n++
			if wrong := checkCommand(words); wrong != "" {
				t.Errorf("%s: neco %s: %s", page, strings.Join(words, " "), wrong)
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d commands were found", n)
	}
}

func TestACommandThatDoesNotExistIsFound(t *testing.T) {
	for _, line := range []string{"frobnicate", "status --frob", "vault frob", "backup run --all", "config sett env none"} {
		if checkCommand(strings.Fields(line)) == "" {
			t.Errorf("neco %s is not found", line)
		}
	}
}

// sources are the texts of the product: Go files except tests, and the outputs that
// tests expect.
func sources(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, dir := range []string{"../../pkg", "../../cmd"} {
		err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
			code := strings.HasSuffix(p, ".go") && !strings.HasSuffix(p, "_test.go")
			if err != nil || d.IsDir() || !code && !strings.HasSuffix(p, ".txtar") && !strings.HasSuffix(p, ".golden") {
				return err
			}
			data, err := os.ReadFile(p)
			b.Write(data)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

var symptom = regexp.MustCompile("(?m)^### (.*)$")

func TestEachSymptomIsATextOfTheProduct(t *testing.T) {
	text, ours := pages(t)["docs/troubleshooting.md"], sources(t)
	headings := symptom.FindAllStringSubmatch(text, -1)
	if len(headings) < 15 {
		t.Errorf("only %d symptoms", len(headings))
	}
	for _, h := range headings {
		quoted := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(h[1], -1)
		if len(quoted) == 0 {
			t.Errorf("%q quotes no text", h[1])
		}
		for _, q := range quoted {
			for part := range strings.SplitSeq(q[1], "…") {
				if part = strings.TrimSpace(part); !strings.Contains(ours, part) {
					t.Errorf("%q: the product does not print %q", h[1], part)
				}
			}
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)\s#:]+)?(#[^)\s]*)?\)`)

// anchorsOf returns the anchors that GitHub generates for the headings of a page.
func anchorsOf(text string) map[string]bool {
	all := map[string]bool{}
	for _, h := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		anchor := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(h[1]), "")
		all["#"+strings.ReplaceAll(anchor, " ", "-")] = true
	}
	return all
}

func TestEachLinkOfThePagesLeadsSomewhere(t *testing.T) {
	all := pages(t)
	for page, text := range all {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target := page
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(page), m[1])
				if _, err := os.Stat("../../" + target); err != nil {
					t.Errorf("%s: %s is not there", page, m[1])
				}
			}
			if m[2] != "" && strings.HasSuffix(target, ".md") && !anchorsOf(all[target])[m[2]] {
				t.Errorf("%s: %s has no heading %s", page, target, m[2])
			}
		}
	}
}
