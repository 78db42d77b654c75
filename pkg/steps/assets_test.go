package steps_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/dctest/sabakantest"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/worker"
)

func TestSabakanGetsEachAssetOnce(t *testing.T) {
	_, units, h, ch := newHost(t)
	h.Sabakan = sabakantest.Start(t)
	c := sabakan.New(h.Sabakan)
	defer c.Close()
	put(t, ch.FS, neco.SabakanCertFile, "x")
	put(t, ch.FS, neco.WorkerAssetsPath+"/node_exporter", "one")
	if err := units.Start(t.Context(), neco.SabakanService); err != nil {
		t.Fatal(err)
	}
	units.Did()
	tg, _ := target(neco.ProdEnv)
	at := update.Place{Step: contentsStep, Action: 1}
	var all []string
	for _, name := range neco.SabakanImages {
		all = append(all, "fetch "+name, "fetch "+name) // for the digest, and for the upload
	}
	slices.Sort(all)
	do := func(want ...string) {
		t.Helper()
		if note, err := h.Do(t.Context(), at, tg); note != "" || err != nil {
			t.Fatalf("note %q, error %v", note, err)
		}
		did := units.Did()
		slices.Sort(did)
		if !slices.Equal(did, want) {
			t.Errorf("did %q, want %q", did, want)
		}
	}
	do(all...)
	do()
	first, err := c.Asset(t.Context(), "node_exporter")
	if err != nil {
		t.Fatal(err)
	}
	put(t, ch.FS, neco.WorkerAssetsPath+"/node_exporter", "two")
	do()
	second, err := c.Asset(t.Context(), "node_exporter")
	if err != nil || second.SHA256 == first.SHA256 || second.ID == first.ID {
		t.Errorf("first %+v, second %+v, %v", first, second, err)
	}
	img, err := componenttest.Artifacts().FindContainerImage("coil")
	if err != nil {
		t.Fatal(err)
	}
	names, err := c.Assets(t.Context())
	if err != nil || len(names) != len(neco.SabakanImages)+1 || !slices.Contains(names, fmt.Sprintf("cybozu-coil-%s.img", img.Tag)) {
		t.Errorf("assets %q, %v", names, err)
	}
}

func TestAnImageThatCannotBeDownloadedIsTriedAgain(t *testing.T) {
	_, units, h, ch := newHost(t)
	h.Sabakan = sabakantest.Start(t)
	put(t, ch.FS, neco.SabakanCertFile, "x")
	if err := units.Start(t.Context(), neco.SabakanService); err != nil {
		t.Fatal(err)
	}
	down := errors.New("503 Service Unavailable")
	units.Fail = func(act string) error {
		if act == "fetch squid" {
			return down
		}
		return nil
	}
	tg, _ := target(neco.ProdEnv)
	_, err := h.Do(t.Context(), update.Place{Step: contentsStep, Action: 1}, tg)
	if !errors.Is(err, down) || worker.IsPermanent(err) {
		t.Errorf("error %v", err)
	}
	c := sabakan.New(h.Sabakan)
	defer c.Close()
	names, err := c.Assets(t.Context())
	if err != nil || slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "cybozu-squid-") }) {
		t.Errorf("assets %q, %v", names, err)
	}
}

func TestAFileThatCannotBeReadIsNamed(t *testing.T) {
	_, units, h, ch := newHost(t)
	h.Sabakan = sabakantest.Start(t)
	put(t, ch.FS, neco.SabakanCertFile, "x")
	put(t, ch.FS, "/usr/libexec/neco", "a file in place of the directory")
	if err := units.Start(t.Context(), neco.SabakanService); err != nil {
		t.Fatal(err)
	}
	tg, _ := target(neco.ProdEnv)
	_, err := h.Do(t.Context(), update.Place{Step: contentsStep, Action: 1}, tg)
	var onDisk *os.PathError
	if !errors.As(err, &onDisk) || !strings.Contains(err.Error(), "libexec/neco") {
		t.Errorf("error %v", err)
	}
}
