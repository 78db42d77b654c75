package dockerproxy

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/host"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	plain  = "http://10.0.49.3:3128"
	secret = "http://ops:2026%2Fwinter@[fd00::1]:3128/"
)

func TestFiles(t *testing.T) {
	var got bytes.Buffer
	for _, proxy := range []string{plain, secret, "http://[fe80::1%25eth0]:3128", ""} {
		files, err := Files(proxy)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "### %s\n", proxy)
		for _, f := range files {
			fmt.Fprintf(&got, "=== %s %04o\n%s", f.Path, f.Mode, f.Data)
			if shown := strings.Contains(string(f.Data), "winter"); shown && f.Mode != 0o600 {
				t.Errorf("%s shows the password to everybody", f.Path)
			}
		}
	}
	golden := filepath.Join("testdata", "files.golden")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatalf("%v; write it with go test -update", err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Error(diff)
	}
}

func TestABadURLIsRefusedAndNotShown(t *testing.T) {
	_, err := Files("http://ops:win/ter@squid:3128")
	if err == nil || strings.Contains(err.Error(), "ter@") {
		t.Errorf("%v", err)
	}
}

func TestDockerShowsAProxyWithoutItsPassword(t *testing.T) {
	for proxy, want := range map[string]string{
		plain: plain, plain + "/": plain + "/", "": "",
		secret: "http://xxxxx:xxxxx@[fd00::1]:3128/", "http://token@squid": "http://xxxxx:xxxxx@squid",
	} {
		if got := Shown(proxy); got != want {
			t.Errorf("%s is shown as %s, want %s", proxy, got, want)
		}
	}
}

func TestADropInIsReplacedOnlyIfItSetsNothingButTheProxy(t *testing.T) {
	for text, want := range map[string]kind{
		"": unrelated,
		"[Service]\nExecStart=\nExecStart=/usr/bin/dockerd\n":                                                      unrelated,
		"[Service]\nEnvironment=NO_PROXY=10.0.0.0/8\n":                                                             unrelated,
		"[Service]\nEnvironment=DOCKER_OPTS=--debug\n":                                                             unrelated,
		"# by hand\n[Service]\nEnvironment=HTTP_PROXY=http://a:1\n":                                                proxyOnly,
		"[Service]\nEnvironment=\"HTTP_PROXY=http://a:1\"\nEnvironment=\"HTTPS_PROXY=http://a:1\"\n":               proxyOnly,
		"[Service]\nEnvironment=\"HTTP_PROXY=http://a:1\" 'https_proxy=http://a:1' NO_PROXY=localhost,127.0.0.1\n": proxyOnly,
		"[Service]\nEnvironmentFile=/etc/docker/neco-proxy.env\n":                                                  proxyOnly,
		"[Service]\nEnvironment=\"HTTP_PROXY=http://a:1\" \"NO_PROXY=localhost,10.0.0.0/8\"\n":                     mixed,
		"[Service]\nEnvironment=HTTP_PROXY=http://a:1\nLimitNOFILE=1000\n":                                         mixed,
		"[Service]\nEnvironment=HTTP_PROXY=http://a:1 LANG=C\n":                                                    mixed,
		"[Unit]\nAfter=x.service\n[Service]\nEnvironment=HTTPS_PROXY=http://a:1\n":                                 mixed,
		"[Service]\nEnvironment=\"HTTP_PROXY=http://a:1\" \\\n  \"HTTPS_PROXY=http://a:1\"\n":                      proxyOnly,
		"[Service\nEnvironment=HTTP_PROXY=http://a:1\n":                                                            mixed,
		"[Service\nEnvironment=LANG=C\n":                                                                           unrelated,
	} {
		if got := classify([]byte(text)); got != want {
			t.Errorf("%q is of kind %d, want %d", text, got, want)
		}
	}
}

func put(t *testing.T, fsys host.FS, path, text string) {
	t.Helper()
	if _, err := fsys.Write(host.File{Path: path, Data: []byte(text), Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
}

func TestADropInOfAnotherOwnerIsNamed(t *testing.T) {
	const proxy, other, direct = "[Service]\nEnvironment=HTTP_PROXY=http://a:1\n", "[Service]\nLimitNOFILE=1000\n", "[Service]\nEnvironment=NO_PROXY=10.0.0.0/8\n"
	const replaced = "Neco would replace /etc/systemd/system/docker.service.d/http-proxy.conf, which has other settings than its own; move them to another file of that directory"
	for _, tt := range []struct{ name, text, want string }{
		{"http-proxy.conf", proxy, ""},
		{"override.conf", proxy, ""},
		{"override.conf", other, ""},
		{"limits.conf", other, ""},
		{"proxy.conf.before", proxy, ""},
		{"no-proxy.conf", direct, ""},
		{"http-proxy.conf", other, replaced},
		{"http-proxy.conf", direct, replaced},
		{"http-proxy.conf", proxy + "LimitNOFILE=1000\n", replaced},
		{"override.conf", proxy + "LimitNOFILE=1000\n", "/etc/systemd/system/docker.service.d/override.conf sets it beside other settings; remove the proxy from it"},
		{"zz.conf", proxy + "LimitNOFILE=1000\n", "/etc/systemd/system/docker.service.d/zz.conf sets it beside other settings; remove the proxy from it"},
		{"zz.conf", proxy, "/etc/systemd/system/docker.service.d/zz.conf sets it, which is not a file of Neco; remove it"},
	} {
		fsys := host.FS{Root: t.TempDir()}
		put(t, fsys, dir()+"/"+tt.name, tt.text)
		if got, err := Foreign(fsys); got != tt.want || err != nil {
			t.Errorf("%s with %q: got %q, %v", tt.name, tt.text, got, err)
		}
	}
}

func TestOneDropInSetsTheProxy(t *testing.T) {
	fsys := host.FS{Root: t.TempDir()}
	put(t, fsys, override(), "[Service]\nEnvironment=HTTP_PROXY=http://old:1\n")
	const limits = "/etc/systemd/system/docker.service.d/limits.conf"
	put(t, fsys, limits, "[Service]\nLimitNOFILE=1000\n")
	for _, tt := range []struct {
		proxy string
		want  []string
	}{
		{plain, []string{dropIn(), limits}},
		{secret, []string{secretFile, dropIn(), limits}},
		{plain, []string{dropIn(), limits}},
		{"", []string{limits}},
	} {
		if differs, err := Differs(fsys, tt.proxy); !differs || err != nil {
			t.Errorf("%s: differs %t, %v", tt.proxy, differs, err)
		}
		if err := Replace(fsys, tt.proxy); err != nil {
			t.Fatal(err)
		}
		if differs, err := Differs(fsys, tt.proxy); differs || err != nil {
			t.Errorf("%s: differs %t afterwards, %v", tt.proxy, differs, err)
		}
		for _, p := range []string{secretFile, dropIn(), override(), limits} {
			there, err := fsys.Exists(p)
			if want := strings.Contains(strings.Join(tt.want, " "), p); there != want || err != nil {
				t.Errorf("%s: %s exists: %t, %v", tt.proxy, p, there, err)
			}
		}
	}
}

func TestAFileThatOthersCanReadIsReplaced(t *testing.T) {
	fsys := host.FS{Root: t.TempDir()}
	if err := Replace(fsys, secret); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(fsys.Path(secretFile), 0o644); err != nil {
		t.Fatal(err)
	}
	if differs, err := Differs(fsys, secret); !differs || err != nil {
		t.Errorf("differs %t, %v", differs, err)
	}
}
