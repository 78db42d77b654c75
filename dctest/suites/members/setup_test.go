//go:build dctest

package members

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
	"github.com/cybozu-go/neco/dctest/suite"
)

func setupSpecs() {
	Describe("three servers", func() {
		It("are set up and updated to a newer release", func(ctx SpecContext) {
			for _, server := range necotest.Servers(3, 4) { // they join later
				Expect(lab.Kill(ctx, server)).To(Succeed())
			}
			var err error
			firstDeb, err = lab.Package(ctx, first, nil)
			Expect(err).NotTo(HaveOccurred())
			newestDeb, err = lab.Package(ctx, newest, nil)
			Expect(err).NotTo(HaveOccurred())
			// With --no-revoke the root token is kept: the servers that join can read it.
			lab.Password, err = lab.FreshSetUp(ctx, firstDeb, three, "--proxy", suite.Proxy, "--no-revoke")
			Expect(err).NotTo(HaveOccurred())
			Expect(lab.Complete(ctx, "boot-0", first, limit)).To(Succeed())
			lab.FollowReleases(ctx)
			lab.Deliver(ctx, newestDeb, newest, three, limit)
		})
	})
}
