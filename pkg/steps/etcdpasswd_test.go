package steps_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/worker"
)

// atPackage is the action that installs the package etcdpasswd.
var atPackage = update.Place{Step: etcdpasswdStep, Action: 2}

func TestThePackageOfEtcdpasswdIsInstalledOnceAndRecorded(t *testing.T) {
	fetched := func(digest string) []string {
		return []string{"fetch etcdpasswd v1.4.0 " + digest, "install etcdpasswd.deb"}
	}
	recorded := map[string]string{"install/1/debs/etcdpasswd": "v1.4.0"}
	cases := map[string]struct {
		env, installed, digest string
		did                    []string
		recorded               map[string]string
		note                   string
	}{
		"with a digest":                     {neco.ProdEnv, "", "ab", fetched("ab"), recorded, ""},
		"in place of an older version":      {neco.ProdEnv, "1.3.0", "ab", fetched("ab"), recorded, ""},
		"in env test without a digest":      {neco.TestEnv, "", "", fetched(""), recorded, ""},
		"without a digest":                  {neco.ProdEnv, "1.3.0", "", nil, nil, "etcdpasswd v1.4.0 not installed: digest unknown; here is 1.3.0"},
		"without a digest and never before": {neco.StagingEnv, "", "", nil, nil, "etcdpasswd v1.4.0 not installed: digest unknown; here is none"},
		"installed, but not recorded":       {neco.ProdEnv, "1.4.0-1", "", nil, recorded, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o, _, h, ch := newHost(t)
			o.etcdpasswd = c.installed
			o.digests[release.DigestKey(componenttest.Artifacts().Debs[0])] = c.digest
			tg, got := target(c.env)
			note, err := h.Do(t.Context(), atPackage, tg)
			if err != nil || note != c.note {
				t.Errorf("note %q, %v", note, err)
			}
			if diff := cmp.Diff(c.did, o.did); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.recorded, got); diff != "" && len(c.recorded)+len(got) > 0 {
				t.Error(diff)
			}
			if left, _ := ch.FS.Exists("/etcdpasswd.deb"); left {
				t.Error("the package file was left")
			}
		})
	}
}

func TestAPackageThatIsNotInstalledIsNotRecorded(t *testing.T) {
	for name, c := range map[string]struct {
		next              string
		fetch             error
		permanent, faulty bool
	}{
		"a server that does not answer": {"1.4.0", errors.New("503"), false, false},
		"another digest":                {"1.4.0", fmt.Errorf("x: %w", release.ErrDigestMismatch), true, true},
		"a full disk":                   {"1.4.0", release.ErrDiskFull, true, false},
		"dpkg without effect":           {"1.3.0", nil, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			o, _, h, _ := newHost(t)
			o.next, o.fetchErr = c.next, c.fetch
			o.digests[release.DigestKey(componenttest.Artifacts().Debs[0])] = "ab"
			tg, got := target(neco.ProdEnv)
			_, err := h.Do(t.Context(), atPackage, tg)
			if err == nil || worker.IsPermanent(err) != c.permanent || worker.IsReleaseFault(err) != c.faulty {
				t.Errorf("error %v", err)
			}
			if len(got) > 0 {
				t.Errorf("recorded %v", got)
			}
		})
	}
	if key := storage.DebKey(1, "etcdpasswd"); key != "install/1/debs/etcdpasswd" {
		t.Error(key)
	}
}

// TestARefusedFileEndsTheRun checks that sudo and sshd are configured by the actions, and
// that an error is permanent only if the tool refuses the file.
func TestARefusedFileEndsTheRun(t *testing.T) {
	_, _, h, ch := newHost(t)
	tg, _ := target(neco.ProdEnv)
	for action, tool := range []string{"/usr/sbin/visudo", "/usr/sbin/sshd"} {
		at := update.Place{Step: etcdpasswdStep, Action: action}
		if note, err := h.Do(t.Context(), at, tg); err != nil || !strings.HasPrefix(note, "no s") {
			t.Errorf("%s is missing: %q, %v", tool, note, err)
		}
		for name, text := range map[string]string{tool: "#!/bin/sh\necho no good; exit 1\n", "/etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\n"} {
			if _, err := ch.FS.Write(host.File{Path: name, Data: []byte(text), Mode: 0o755}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := h.Do(t.Context(), at, tg); !worker.IsPermanent(err) || !strings.Contains(err.Error(), "no good") {
			t.Errorf("%s refuses: %v", tool, err)
		}
	}
	for _, name := range []string{"/etc/sudoers.d/cybozu", "/etc/ssh/sshd_config.d/neco.conf"} {
		if _, err := os.Stat(ch.FS.Path(name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
