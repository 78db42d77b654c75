//go:build dctest

package upgrade

import (
	"regexp"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/nexttag"
	"github.com/cybozu-go/neco/dctest/suite"
	"github.com/cybozu-go/neco/pkg/program"
)

func changeSpecs() {
	It("gets a release in which the tag of every image has changed", func(ctx SpecContext) {
		const version = "2026.11.22-1"
		deb, err := lab.PackageWithCKE(ctx, version, "1.22.6", nexttag.All)
		Expect(err).NotTo(HaveOccurred())
		for _, lrn := range all {
			lab.Run(ctx, lrn, "rm", "-rf", "/var/lib/neco/blobs") // the layers of the tags before are the same
		}
		served, err := lab.Served()
		Expect(err).NotTo(HaveOccurred())

		deliver(ctx, deb, version)
		runEverywhere(ctx)
		crossedOnce(ctx, len(served))
	})
}

// deliver publishes the package deb of version, waits until the update of all boot servers is
// complete, prints how long it took, and checks that one member of etcd at a time was down.
func deliver(ctx SpecContext, deb, version string) {
	GinkgoHelper()
	Expect(lab.Build(ctx, "probe", "boot-0")).To(Succeed())
	probe, err := lab.StartProbe(ctx, "boot-0", "etcd")
	Expect(err).NotTo(HaveOccurred())
	took := lab.Deliver(ctx, deb, version, all, limit)
	gaps, err := probe.Stop()
	Expect(err).NotTo(HaveOccurred())
	suite.Print("release to complete: %s; last installation to complete: %s; longest gap between writes to etcd %s, at most %d members down",
		took.SinceRequest.Round(time.Millisecond), took.SinceInstalled.Round(time.Millisecond), gaps.Longest.Round(time.Millisecond), gaps.Worst)
	lab.PrintSteps(ctx, 0, version)
	Expect(gaps.Worst).To(Equal(1), "members of etcd that are down at once; with 0 the probe has missed the restarts")
}

// runEverywhere checks that the boot servers run the images of the changed release, and
// that sabakan has those of the nodes.
func runEverywhere(ctx SpecContext) {
	GinkgoHelper()
	for _, lrn := range all {
		running := lab.Run(ctx, lrn, "docker", "ps", "--format", "{{.Image}}")
		for _, name := range neco.BootImages {
			if name == program.SetupHW {
				continue // these servers have no BMC
			}
			img := next(name)
			Expect(running).To(ContainSubstring(img.Repository+":"+img.Tag), name)
		}
		assets := lab.Run(ctx, lrn, "sabactl", "assets", "index")
		for _, name := range neco.SabakanImages {
			Expect(assets).To(ContainSubstring("cybozu-" + name + "-" + next(name).Tag + ".img"))
		}
	}
}

// next returns the image called name of the release in which every tag has changed.
func next(name string) neco.ContainerImage {
	GinkgoHelper()
	img, err := neco.CurrentArtifacts.FindContainerImage(name)
	Expect(err).NotTo(HaveOccurred())
	img.Tag = nexttag.Of(img.Tag)
	return img
}

// crossedOnce checks that, since the first responses of the simulated internet, the layers
// and configurations of the nodes' images were sent to the data centre once. It leaves out
// the images that boot servers run, too, because each server downloads these for itself.
func crossedOnce(ctx SpecContext, first int) {
	GinkgoHelper()
	served, err := lab.Served()
	Expect(err).NotTo(HaveOccurred())
	var size, crossed int64
	for _, name := range neco.SabakanImages {
		if slices.Contains(neco.BootImages, name) {
			continue
		}
		img := next(name)
		size += sizeOf(ctx, img)
		host, repository, _ := strings.Cut(img.Repository, "/")
		blob := regexp.MustCompile("^/v2/" + regexp.QuoteMeta(repository) + "/blobs/")
		for _, s := range served[first:] {
			if s.Host == host && blob.MatchString(s.Path) {
				crossed += s.Bytes
			}
		}
	}
	suite.Print("images of nodes alone: %d bytes, of which the internet has sent %d", size, crossed)
	Expect(size).To(BeNumerically(">", 1<<20))
	Expect(float64(crossed)).To(BeNumerically("~", size, float64(size)/20))
}

// sizeOf returns the bytes of the layers and the configuration of an image, from its
// manifest.
func sizeOf(ctx SpecContext, img neco.ContainerImage) int64 {
	GinkgoHelper()
	m := lab.Manifest(ctx, img)
	size := m.Config.Size
	for _, l := range m.Layers {
		size += l.Size
	}
	return size
}
