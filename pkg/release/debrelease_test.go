package release

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/releaseserver"
)

const agentControl = "Package: etcdpasswd\nVersion: 1.4.0\nArchitecture: amd64\nMaintainer: Nobody <nobody@example.com>\nDescription: a package\n"

func agentPackage() neco.DebianPackage {
	return neco.DebianPackage{Name: "etcdpasswd", Owner: testOwner, Repository: testRepo, Release: "v1.4.0"}
}

func TestThePackageOfAnotherProjectIsFetchedAndChecked(t *testing.T) {
	good := realDeb(t, agentControl)
	change := func(old, replacement string) string {
		return realDeb(t, strings.Replace(agentControl, old, replacement, 1))
	}
	type assets = map[string]string
	cases := map[string]struct {
		assets assets
		digest string
		want   string // part of the error, or the file name
		ok     bool
	}{
		"with its digest":              {assets{"etcdpasswd_1.4.0_amd64.deb": good}, digest(good), "etcdpasswd_1.4.0_amd64.deb", true},
		"without a digest":             {assets{"etcdpasswd_1.4.0_amd64.deb": good, "other.txt": "x"}, "", "etcdpasswd_1.4.0_amd64.deb", true},
		"for all architectures":        {assets{"etcdpasswd_1.4.0_all.deb": change("amd64", "all")}, "", "etcdpasswd_1.4.0_all.deb", true},
		"with a Debian revision":       {assets{"etcdpasswd_1.4.0-2_amd64.deb": change("1.4.0", "1.4.0-2")}, "", "etcdpasswd_1.4.0-2_amd64.deb", true},
		"a release without a package":  {assets{"etcdpasswd_1.4.0_arm64.deb": good}, "", "want one asset etcdpasswd_*_amd64.deb, have 0", false},
		"a release with two":           {assets{"etcdpasswd_1_amd64.deb": good, "etcdpasswd_2_amd64.deb": good}, "", "have 2", false},
		"another digest":               {assets{"etcdpasswd_1.4.0_amd64.deb": good}, digest("x"), "digest mismatch", false},
		"another name inside":          {assets{"etcdpasswd_1.4.0_amd64.deb": change("etcdpasswd", "cke")}, "", `name is "cke"`, false},
		"another version inside":       {assets{"etcdpasswd_1.4.0_amd64.deb": change("1.4.0", "1.4.1")}, "", `version is "1.4.1", want that of release v1.4.0`, false},
		"another architecture inside":  {assets{"etcdpasswd_1.4.0_amd64.deb": change("amd64", "arm64")}, "", `architecture is "arm64"`, false},
		"a page of an error in place":  {assets{"etcdpasswd_1.4.0_amd64.deb": "<html>"}, "", "wrong package", false},
		"a package that was cut short": {assets{"etcdpasswd_1.4.0_amd64.deb": good[:len(good)-100]}, "", "wrong package", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := publish(t, releaseserver.Release{Tag: "v1.4.0", Assets: c.assets})
				f, _ := finder(t, server)
				dir := filepath.Join(t.TempDir(), "debs")
				got, err := FetchDeb(t.Context(), f, serve(t, server), agentPackage(), c.digest, dir)
				if c.ok && (err != nil || got != filepath.Join(dir, c.want)) {
					t.Errorf("got %q, %v", got, err)
				}
				if c.ok {
					return
				}
				if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "etcdpasswd v1.4.0") {
					t.Errorf("error %v", err)
				}
				if left, _ := os.ReadDir(dir); len(left) > 0 {
					t.Errorf("files left: %v", left)
				}
			})
		})
	}
}

func TestAFileOfAnotherSizeThanStatedIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := realDeb(t, agentControl)
		file := writeFile(t, good+"xx")
		server := releaseserver.New(releaseserver.Options{Limit: -1})
		if err := server.Publish(releaseserver.Release{Tag: "v1.4.0", Assets: map[string]string{"etcdpasswd_1.4.0_amd64.deb": file}}); err != nil {
			t.Fatal(err)
		}
		f, _ := finder(t, server)
		for what, c := range map[string]struct {
			data string
			want error
		}{"longer": {good + "xxxx", ErrTooLarge}, "shorter": {good, ErrTruncated}} {
			if err := os.WriteFile(file, []byte(c.data), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := FetchDeb(t.Context(), f, serve(t, server), agentPackage(), "", t.TempDir()); !errors.Is(err, c.want) {
				t.Errorf("%s: error %v", what, err)
			}
		}
	})
}

func TestTheReleaseOfAVersion(t *testing.T) {
	for version, want := range map[string]bool{"1.4.0": true, "1.4.0-1": true, "1.4.0-rc1": true, "1.4": false, "1.4.01": false, "v1.4.0": false, "": false} {
		if got := IsRelease(agentPackage(), version); got != want {
			t.Errorf("%q: %t", version, got)
		}
	}
}
