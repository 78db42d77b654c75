package neco

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseContainerImageName(t *testing.T) {
	got, err := ParseContainerImageName("quay.io/cybozu/etcd:3.3.9-4")
	if err != nil {
		t.Fatal(err)
	}
	want := ContainerImage{Name: "etcd", Repository: "quay.io/cybozu/etcd", Tag: "3.3.9-4"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "etcd", "localhost:5000/etcd:1.0", "etcd:", ":1.0",
		"registry.example/a/etcd@sha256:" + strings.Repeat("0", 64), "registry.example/a/etcd:1@sha256:" + strings.Repeat("0", 64),
		"localhost:5000/etcd", "Registry.example/A/etcd:1.0", "quay.io/cybozu/etcd:1.0/x", "quay.io/cybozu/etcd:",
		"quay.io/cybozu/etcd:1 0", "http://quay.io/etcd",
	} {
		if img, err := ParseContainerImageName(bad); err == nil {
			t.Errorf("ParseContainerImageName(%q) = %v, want an error", bad, img)
		}
	}
}

func TestFullName(t *testing.T) {
	public := ContainerImage{Repository: "quay.io/cybozu/etcd", Tag: "3.5.4.1"}
	private := ContainerImage{Repository: "quay.io/cybozu/setup-hw", Tag: "1.12.0", Private: true}
	cases := map[string]struct {
		img       ContainerImage
		hasSecret bool
		want      string
	}{
		"a public image has one name":                   {public, true, "quay.io/cybozu/etcd:3.5.4.1"},
		"a private image without access is the public":  {private, false, "quay.io/cybozu/setup-hw:1.12.0"},
		"a private image with access has its own place": {private, true, "quay.io/cybozu/setup-hw-secret:1.12.0"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := c.img.FullName(c.hasSecret); got != c.want {
				t.Errorf("FullName = %q, want %q", got, c.want)
			}
		})
	}
}

func TestMajorVersion(t *testing.T) {
	for tag, want := range map[string]int{"1.10.2.1": 1, "12": 12, "v3.4": 3, "latest": 0, "": 0} {
		if got := (ContainerImage{Tag: tag}).MajorVersion(); got != want {
			t.Errorf("MajorVersion of %q = %d, want %d", tag, got, want)
		}
	}
}

func TestNeedAuth(t *testing.T) {
	cases := map[string]struct {
		img  ContainerImage
		want bool
	}{
		"on quay.io":                 {ContainerImage{Repository: "quay.io/cybozu/etcd"}, true},
		"private":                    {ContainerImage{Repository: "ghcr.io/x/y", Private: true}, true},
		"public elsewhere":           {ContainerImage{Repository: "ghcr.io/x/y"}, false},
		"a host that only sounds so": {ContainerImage{Repository: "quay.io.example.com/x"}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := c.img.NeedAuth(); got != c.want {
				t.Errorf("NeedAuth = %v, want %v", got, c.want)
			}
		})
	}
}
