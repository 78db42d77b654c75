package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// gh is a script that replaces GitHub's command gh. It logs its arguments, and prints the file
// tags as GitHub's list of releases.
const gh = `#!/bin/sh
set -eu
echo "$*" >>"$GH_DIR/log"
case $1 in
api) cat "$GH_DIR/tags" ;;
release) cat >"$GH_DIR/notes" ;;
esac
`

// fork is a clone of a repository with tools/release and what that script needs.
type fork struct {
	dir, gh, origin string
	env             []string
}

func newFork(t *testing.T) fork {
	t.Helper()
	tmp := t.TempDir()
	f := fork{dir: filepath.Join(tmp, "clone"), gh: filepath.Join(tmp, "gh"), origin: filepath.Join(tmp, "origin")}
	f.env = append(os.Environ(), "GH_DIR="+f.gh, "PATH="+f.gh+":"+os.Getenv("PATH"), "GITHUB_ACTIONS=",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	for _, name := range []string{"tools/release", "tools/need", "debian/build", "debian/bundles", "debian/functions.sh"} {
		f.write(t, filepath.Join(f.dir, name), read(t, name), 0o755)
	}
	f.write(t, filepath.Join(f.dir, "CHANGELOG.md"), "# Changelog\n\n## Unreleased\n\n- new\n\n## 2026.01.01-1\n\n- old\n", 0o644)
	f.write(t, filepath.Join(f.dir, "artifacts.go"), "package neco\n", 0o644)
	f.write(t, filepath.Join(f.gh, "gh"), gh, 0o755)
	f.write(t, filepath.Join(f.gh, "tags"), "", 0o644)
	f.write(t, filepath.Join(f.gh, "log"), "", 0o644)
	f.git(t, "init", "--quiet", "--bare", f.origin)
	f.git(t, "init", "--quiet")
	f.write(t, filepath.Join(f.dir, ".gitignore"), "/build/\n", 0o644)
	f.git(t, "remote", "add", "origin", f.origin)
	f.commit(t)
	return f
}

// commit commits all files.
func (f fork) commit(t *testing.T) {
	t.Helper()
	f.git(t, "add", ".")
	f.git(t, "commit", "--quiet", "-m", "all")
}

func (f fork) write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// git runs git in the clone and returns its output.
func (f fork) git(t *testing.T, args ...string) string {
	t.Helper()
	out, err := f.run(t, "git", args...)
	if err != nil {
		t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(out)
}

func (f fork) run(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = f.dir, f.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// release runs tools/release, which must succeed.
func (f fork) release(t *testing.T, args ...string) string {
	t.Helper()
	out, err := f.run(t, "tools/release", args...)
	if err != nil {
		t.Fatalf("tools/release %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(out)
}

// refuse runs tools/release, which must fail with a message that contains want.
func (f fork) refuse(t *testing.T, want string, args ...string) {
	t.Helper()
	out, err := f.run(t, "tools/release", args...)
	if err == nil || !strings.Contains(out, want) {
		t.Errorf("tools/release %v: %v: %q, want %q", args, err, out, want)
	}
}

// file returns the content of a file in the directory of gh.
func (f fork) file(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(f.gh, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// files returns the names of the files of a release.
func files(version string) []string {
	var names []string
	for _, name := range []string{
		"neco_" + version + "_amd64.deb", "neco-operation-cli-linux_" + version + "_amd64.deb",
		"neco-operation-cli-windows_" + version + "_amd64.zip", "neco-operation-cli-mac_" + version + "_amd64.zip",
	} {
		names = append(names, name, name+".sha256")
	}
	return append(names, "neco_"+version+"_digests.txt")
}

// built writes the files of a release, as `tools/release files` names them.
func (f fork) built(t *testing.T, version string) {
	t.Helper()
	for _, name := range files(version) {
		text := "contents"
		if of, ok := strings.CutSuffix(name, ".sha256"); ok {
			text = fmt.Sprintf("%x  %s\n", sha256.Sum256([]byte(text)), of)
		}
		f.write(t, filepath.Join(f.dir, "build/release", name), text, 0o644)
	}
	f.write(t, filepath.Join(f.dir, "build/release-source"), f.git(t, "rev-parse", "HEAD"), 0o644)
}

func TestATagOfAWrongFormIsRefused(t *testing.T) {
	f := newFork(t)
	for _, tag := range []string{"test-2026.11.30-1", "release-2026.11.30-12"} {
		if got, want := f.release(t, "version", tag), tag[strings.Index(tag, "-")+1:]; got != want {
			t.Errorf("the version of %s is %s", tag, got)
		}
	}
	for tag, want := range map[string]string{
		"":                       "there is no tag; give one: TAG=test-YYYY.MM.DD-SERIAL",
		"main":                   "is not of the form test-YYYY.MM.DD-SERIAL",
		"v2026.11.30-1":          "is not of the form test-YYYY.MM.DD-SERIAL",
		"release-":               "version '' is not of the form",
		"release-2026.11.30":     "version '2026.11.30' is not of the form",
		"release-2026.2.1-1":     "version '2026.2.1-1' is not of the form",
		"release-2026.02.30-1":   "a day that does not exist",
		"test-2026.11.30-01":     "version '2026.11.30-01' is not of the form",
		"test-2026.11.30-1\n":    "is not of the form",
		"test-2026.11.30-1;true": "is not of the form",
		"release-2999.01.01-1":   "the day of tag 'release-2999.01.01-1' is after tomorrow",
	} {
		f.refuse(t, want, "version", tag)
		f.refuse(t, want, "files", tag)
		f.refuse(t, want, "create", tag)
	}
	if log := f.file(t, "log"); log != "" {
		t.Errorf("it called gh: %s", log)
	}
}

func TestACandidateBecomesADraftAndThenAPreRelease(t *testing.T) {
	const version = "2026.11.30-1"
	f := newFork(t)
	f.refuse(t, "has no tag test-"+version, "create", "test-"+version)
	f.git(t, "tag", "test-"+version)
	f.git(t, "tag", "release-"+version)
	f.refuse(t, "run: make release-files TAG=test-"+version, "create", "test-"+version)
	f.built(t, version)
	f.refuse(t, "there is no release test-"+version, "create", "release-"+version)

	for _, name := range files(version) {
		file := filepath.Join(f.dir, "build/release", name)
		if err := os.Rename(file, file+".away"); err != nil {
			t.Fatal(err)
		}
		f.refuse(t, "there is no file build/release/"+name+"; run: make release-files TAG=test-"+version, "create", "test-"+version)
		if err := os.Rename(file+".away", file); err != nil {
			t.Fatal(err)
		}
	}
	uploads := "build/release/" + strings.Join(files(version), " build/release/")
	f.release(t, "create", "test-"+version)
	for _, newer := range []string{"release-2026.11.30-10", "release-2026.12.01-1"} {
		f.write(t, filepath.Join(f.gh, "tags"), newer+"\ntest-"+version+"\nrelease-2026.11.30-2\n", 0o644)
		f.refuse(t, newer+" is newer than release-"+version, "create", "release-"+version)
	}
	f.write(t, filepath.Join(f.gh, "tags"), "release-2026.11.29-10\ntest-"+version+"\n", 0o644)
	f.release(t, "create", "release-"+version)
	for _, want := range []string{
		"release create test-2026.11.30-1 --draft --title test-2026.11.30-1 --notes-file - " + uploads + "\n",
		"release create release-2026.11.30-1 --prerelease --title release-2026.11.30-1 --notes-file - " + uploads + "\n",
	} {
		if log := f.file(t, "log"); !strings.Contains(log, want) {
			t.Errorf("it called %s, not %s", log, want)
		}
	}
	if got := f.file(t, "notes"); got != "\n- new\n\n" {
		t.Errorf("notes %q", got)
	}
}

func TestAReleaseOfOtherFilesIsRefused(t *testing.T) {
	const version = "2026.11.30-1"
	f := newFork(t)
	f.git(t, "tag", "test-"+version)
	f.built(t, version)
	f.write(t, filepath.Join(f.gh, "tags"), "test-"+version+"\n", 0o644)
	artifacts := filepath.Join(f.dir, "artifacts.go")

	f.write(t, artifacts, "package neco // changed\n", 0o644)
	f.refuse(t, "tracked files differ from test-"+version, "create", "test-"+version)

	f.git(t, "commit", "--quiet", "-a", "-m", "second")
	f.refuse(t, "the commit of test-2026.11.30-1 is not checked out", "create", "test-"+version)

	f.git(t, "tag", "release-"+version)
	f.built(t, version)
	f.refuse(t, "the commit of test-2026.11.30-1 is not checked out", "create", "release-"+version)

	f.git(t, "checkout", "--quiet", "test-"+version)
	for _, name := range []string{"neco_2026.11.30-1_amd64.deb", "neco-operation-cli-mac_2026.11.30-1_amd64.zip"} {
		f.built(t, version)
		f.write(t, filepath.Join(f.dir, "build/release", name), "other", 0o644)
		f.refuse(t, name+": FAILED", "create", "test-"+version)
	}
	f.built(t, version)
	f.write(t, filepath.Join(f.dir, "build/release-source"), strings.Repeat("0", 40)+"\n", 0o644)
	f.refuse(t, "were built from another commit; run: make release-files TAG=test-"+version, "create", "test-"+version)
	if log := f.file(t, "log"); strings.Contains(log, "release create") {
		t.Errorf("it called gh: %s", log)
	}

	f.write(t, filepath.Join(f.dir, "etc/untracked.yml"), "x", 0o644)
	f.refuse(t, "these files are not in the commit: etc/ ; run: git stash", "files", "test-"+version)
}

func TestACandidateHasTheNextSerialOfToday(t *testing.T) {
	f := newFork(t)
	today := time.Now().UTC().Format("2006.01.02")
	f.git(t, "tag", "test-"+today+"-2")
	f.git(t, "tag", "release-"+today+"-9")
	f.git(t, "tag", "test-2020.01.01-30")
	f.write(t, filepath.Join(f.dir, "artifacts.go"), "package neco // changed\n", 0o644)
	want := "test-" + today + "-10"
	if got := f.release(t, "candidate"); got != want {
		t.Errorf("candidate %q, want %q", got, want)
	}
	if got := f.git(t, "--git-dir", f.origin, "for-each-ref", "--format=%(refname)"); got != "refs/tags/"+want {
		t.Errorf("it pushed %q", got)
	}
	if got := f.git(t, "--git-dir", f.origin, "show", want+":artifacts.go"); got != "package neco // changed" {
		t.Errorf("the candidate has %q", got)
	}
	if log := f.file(t, "log"); log != "" {
		t.Errorf("it called gh: %s", log)
	}

	f.write(t, filepath.Join(f.dir, "CHANGELOG.md"), "changed\n", 0o644)
	f.refuse(t, "tracked files other than the artifact set differ", "candidate")

	f.git(t, "checkout", "--quiet", "CHANGELOG.md")
	f.env = append(f.env, "GITHUB_ACTIONS=true", "GITHUB_REF_NAME=topic")
	f.refuse(t, "candidates are made of main, not of topic", "candidate")
	f.env = append(f.env, "GITHUB_REF_NAME=main")
	f.release(t, "candidate")
	if log, want := f.file(t, "log"), "workflow run candidate.yml --ref test-"+today+"-11\n"; log != want {
		t.Errorf("it called %q, want %q", log, want)
	}
}
