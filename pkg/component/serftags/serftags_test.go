package serftags_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/serftags"
)

func TestFiles(t *testing.T) {
	componenttest.Golden(t, serftags.Component{}, componenttest.Target())
}

// run runs the script for target on a server on which these units have failed, and
// returns the serf tags that the script sets.
func run(t *testing.T, target component.Target, failed []string) map[string]string {
	t.Helper()
	files, err := serftags.Component{}.Files(target)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	serf := filepath.Join(dir, "serf")
	for name, code := range map[string]string{
		"systemctl":  "cat <<'END'\n" + strings.Join(failed, " loaded failed failed Some unit\n") + " loaded failed failed\nEND",
		"uptime":     "echo 2026-11-28 12:34:56",
		"dpkg-query": "printf '%s\\n' 2026.11.28-123456789012345678 2026.11.28-123456789012345678",
		"serf":       "for a in \"$@\"; do echo \"$a\"; done",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+code+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(string(files[0].Data), "/usr/local/bin/serf", serf))
	cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH")}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	tags := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			tags[name] = value
		}
	}
	return tags
}

func TestAllTagsTogetherFitIntoSerfsMessageAndNoUnitIsCut(t *testing.T) {
	var failed []string
	for i := range 40 {
		failed = append(failed, fmt.Sprintf("a-unit-with-a-long-name-%d.service", i))
	}
	for _, serial := range []string{"", "ABC1234", strings.Repeat("S", 100), strings.Repeat("S", 250)} {
		target := componenttest.Target()
		target.Facts.Serial = serial
		tags := run(t, target, failed)
		for _, unit := range strings.Split(tags["systemd-units-failed"], ",") {
			if unit != "" && !slices.Contains(failed, unit) {
				t.Errorf("serial of %d bytes: %s is no unit", len(serial), unit)
			}
		}
		if len(serial) < 100 && len(tags["systemd-units-failed"]) < 200 {
			t.Errorf("serial of %d bytes: only %s", len(serial), tags["systemd-units-failed"])
		}
		if tags["version"] != "2026.11.28-123456789012345678" || tags["uptime"] != "2026-11-28 12:34:56" {
			t.Errorf("%v", tags)
		}
		for name, value := range component.SerfTags(target) {
			tags[name] = value
		}
		size := 1 + 3 // as serf encodes them: a kind, a map, and a length before each string
		for name, value := range tags {
			size += 3 + len(name) + 3 + len(value)
		}
		if size >= 512 {
			t.Errorf("serial of %d bytes: the tags take %d", len(serial), size)
		}
	}
}
