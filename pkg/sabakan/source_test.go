package sabakan_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/sabakan"
)

// sourceTree writes files, whose paths are relative to a new directory, and returns the
// directory.
func sourceTree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644))
	}
	return dir
}

func TestATemplateIsLoadedWithWhatItIncludes(t *testing.T) {
	dir := sourceTree(t, map[string]string{
		"roles/cs/site.yml": "version: \"2.3\"\ninclude: ../../common/common.yml\nfiles:\n- /opt/tool\n" +
			"remote_files:\n- name: /opt/big\n  url: '{{ MyURL }}/big'\n  mode: 0755\nsystemd:\n- name: b.service\n",
		"roles/cs/files/opt/tool":        "#!/bin/sh\n",
		"roles/cs/systemd/b.service":     "[Unit]\n",
		"common/common.yml":              "version: \"2.3\"\npasswd: passwd.yml\nfiles:\n- /etc/a\nsystemd:\n- name: a.service\n  enabled: true\n- name: c.service\n  mask: true\nnetworkd:\n- 01.network\n",
		"common/passwd.yml":              "users:\n- name: me\n  sshAuthorizedKeys:\n  - '{{ Metadata \"key\" }}'\n",
		"common/files/etc/a":             "{{ .Spec.Rack }} 100%\n",
		"common/systemd/a.service":       "[Service]\n",
		"common/networkd/01.network":     "[Match]\n",
		"common/files/etc/not-mentioned": "x",
	})
	must(t, os.Chmod(filepath.Join(dir, "roles/cs/files/opt/tool"), 0o755))
	got, err := sabakan.LoadIgnition(filepath.Join(dir, "roles/cs/site.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Version != "2.3" || got.Meta != nil {
		t.Errorf("version %q, meta %v", got.Version, got.Meta)
	}
	var value, want any
	must(t, json.Unmarshal(got.Template, &value), json.Unmarshal([]byte(`{
		"storage": {"files": [
			{"filesystem": "root", "path": "/etc/a", "mode": 420, "contents": {"source": "data:,%7B%7B%20.Spec.Rack%20%7D%7D%20100%25%0A"}},
			{"filesystem": "root", "path": "/opt/tool", "mode": 493, "contents": {"source": "data:,%23%21%2Fbin%2Fsh%0A"}},
			{"filesystem": "root", "path": "/opt/big", "mode": 493, "contents": {"source": "{{ MyURL }}/big"}}]},
		"systemd": {"units": [
			{"name": "a.service", "enabled": true, "contents": "[Service]\n"},
			{"name": "c.service", "mask": true},
			{"name": "b.service", "contents": "[Unit]\n"}]},
		"networkd": {"units": [{"name": "01.network", "contents": "[Match]\n"}]},
		"passwd": {"users": [{"name": "me", "sshAuthorizedKeys": ["{{ Metadata \"key\" }}"]}]}}`), &want))
	if diff := cmp.Diff(want, value); diff != "" {
		t.Error(diff)
	}
}

func TestAWrongSourceIsRefusedWithItsLine(t *testing.T) {
	for _, c := range []struct {
		name string
		yml  string
		want string
	}{
		{"no file", "files:\n- /etc/a\n- /etc/missing\n", "site.yml:3: open DIR/files/etc/missing: no such file"},
		{"no unit", "systemd:\n- name: x.service\n", "site.yml:2: open DIR/systemd/x.service: no such file"},
		{"no networkd unit", "networkd:\n- x.network\n", "site.yml:2: open DIR/networkd/x.network: no such file"},
		{"no passwd", "\npasswd: p.yml\n", "site.yml:2: open DIR/p.yml: no such file"},
		{"wrong passwd", "passwd: list.yml\n", "site.yml:1: list.yml: "},
		{"no include", "include: other.yml\n", "site.yml:1: include: open DIR/other.yml: no such file"},
		{"includes itself", "include: site.yml\n", "site.yml:1: include: DIR/site.yml includes itself"},
		{"error in the include", "\ninclude: bad.yml\n", "site.yml:2: include: DIR/bad.yml:2: file \"etc/a\": the path must be absolute"},
		{"another version in the include", "version: \"2.3\"\ninclude: old.yml\n", "old.yml: version 2.2, but DIR/site.yml has version 2.3"},
		{"unknown version", "version: \"3.0\"\n", `site.yml: version "3.0" is neither`},
		{"unknown key", "files: []\nfile: x\n", "site.yml: line 2: unknown field file"},
		{"no YAML", "files: [\n", "site.yml: line "},
		{"file twice", "files:\n- /etc/a\nremote_files:\n- name: /etc/a\n  url: x\n", "site.yml:4: file /etc/a is already in DIR/site.yml:2"},
		{"unit twice", "systemd:\n- name: m.service\n  mask: true\n- name: m.service\n  mask: true\n", "site.yml:4: systemd unit m.service is already in DIR/site.yml:2"},
		{"unit without name", "systemd:\n- mask: true\n", "systemd unit without a name"},
		{"masked and enabled", "systemd:\n- name: m.service\n  mask: true\n  enabled: true\n", "site.yml:2: unit m.service is masked and enabled"},
		{"path with dots", "files:\n- /etc/../a\n", `site.yml:2: file "/etc/../a"`},
		{"no URL", "remote_files:\n- name: /a\n", "site.yml:2: remote file /a has no url"},
		{"wrong URL", "remote_files:\n- name: /a\n  url: '{{'\n", "site.yml:2: url: template: /a:1"},
		{"no template", "files:\n- /etc/broken\n", "site.yml:2: template: DIR/files/etc/broken:2: function \"Nothing\" not defined"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := sourceTree(t, map[string]string{
				"site.yml": c.yml, "bad.yml": "files:\n- etc/a\n", "old.yml": "version: \"2.2\"\n",
				"list.yml": "a: 1\na: 2\n", "files/etc/a": "", "files/etc/broken": "\n{{ Nothing }}\n",
			})
			_, err := sabakan.LoadIgnition(filepath.Join(dir, "site.yml"))
			if want := strings.ReplaceAll(c.want, "DIR", dir); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q", err, want)
			}
		})
	}
}
