package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/release"
)

func TestTheTableHasAllArtifacts(t *testing.T) {
	set := neco.ArtifactSet{
		Images: []neco.ContainerImage{
			{Name: "etcd", Repository: "quay.io/cybozu/etcd", Tag: "3.5.4.1"},
			{Name: "setup-hw", Repository: "quay.io/cybozu/setup-hw", Tag: "1.12.0", Private: true},
		},
		Debs:    []neco.DebianPackage{{Name: "etcdpasswd", Owner: "cybozu-go", Repository: "etcdpasswd", Release: "v1.4.0"}},
		OSImage: neco.OSImage{Channel: "stable", Version: "3139.2.1"},
	}
	kernel, initrd := set.OSImage.URLs()
	sum := strings.Repeat("0123456789abcdef", 4)
	gap := strings.Repeat(" ", len(sum)-len(unknown)+2)
	var b bytes.Buffer
	if err := write(&b, set, release.Digests{"etcdpasswd v1.4.0": sum, kernel: sum}); err != nil {
		t.Fatal(err)
	}
	want := unknown + gap + "quay.io/cybozu/etcd:3.5.4.1\n" +
		unknown + gap + "quay.io/cybozu/setup-hw:1.12.0\n" +
		unknown + gap + "quay.io/cybozu/setup-hw-secret:1.12.0\n" +
		sum + "  etcdpasswd v1.4.0\n" +
		sum + "  " + kernel + "\n" +
		unknown + gap + initrd + "\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}
