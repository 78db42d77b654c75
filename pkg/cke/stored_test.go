package cke_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/standintest"
	"github.com/cybozu-go/neco/pkg/cke"
	"github.com/cybozu-go/neco/pkg/retry"
)

func TestTheDigestOfUserResourcesDependsOnAllThatIsSent(t *testing.T) {
	file := func(name, data string) cke.Resource { return cke.Resource{File: name, Data: []byte(data)} }
	digests := map[string]string{}
	for name, all := range map[string][]cke.Resource{
		"two files":        {file("/a", "1"), file("/b", "2")},
		"another order":    {file("/b", "2"), file("/a", "1")},
		"another content":  {file("/a", "1"), file("/b", "3")},
		"a file less":      {file("/a", "1")},
		"another boundary": {file("/a", "1/b 1\n2")},
		"another name":     {file("/a", "1"), file("/c", "2")},
		"nothing":          nil,
	} {
		digest := cke.ResourcesDigest(all)
		if other, known := digests[digest]; known || len(digest) != 64 {
			t.Errorf("%s has the digest %s, as has %s", name, digest, other)
		}
		if again := cke.ResourcesDigest(slices.Clone(all)); again != digest {
			t.Errorf("%s has the digests %s and %s", name, digest, again)
		}
		digests[digest] = name
	}
}

func TestAMissingUserResourceIsFound(t *testing.T) {
	fs := withResources(t)
	standintest.Ckecli(t, fs)
	c := cke.New(fs)
	all, err := cke.DesiredResources(fs, neco.StagingEnv, resourceValues(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	expect := func(name string, want bool) {
		t.Helper()
		if has, err := c.HasResources(t.Context(), all); has != want || err != nil {
			t.Errorf("%s: %t, %v; want %t", name, has, err, want)
		}
	}
	for i, r := range all {
		expect(fmt.Sprint("without ", r.File), false)
		if err := c.SetResources(t.Context(), all[i].Data); err != nil {
			t.Fatal(err)
		}
	}
	expect("with all files", true)
	list := ckecli(t, `[ $3 = list ] && echo Namespace/internet-egress`)
	for name, data := range map[string]string{"no name": "kind: Namespace", "no kind": "metadata: {name: a}", "no object": "---\n---", "no YAML": "["} {
		if has, err := list.HasResources(t.Context(), []cke.Resource{{Data: []byte(data)}}); has || err != nil {
			t.Errorf("%s: %t, %v", name, has, err)
		}
	}
}

func TestGarbageIsNoListOfUserResources(t *testing.T) {
	for _, out := range []string{"null", "[]", "Namespace", "a/b/c/d", "Namespace/a b", "Namespace/a\n\nNamespace/b"} {
		c := ckecli(t, fmt.Sprintf("printf '%s'", out))
		if has, err := c.HasResources(t.Context(), nil); has || err == nil || retry.MayPass(err) {
			t.Errorf("%q: %t, %v", out, has, err)
		}
	}
}
