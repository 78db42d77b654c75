//go:build dctest

package functions

import (
	"encoding/json"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/necotest"
	"github.com/cybozu-go/neco/dctest/nexttag"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/status"
	"github.com/cybozu-go/neco/pkg/steps"
)

// testEnvSpecs come last, because no version is newer than that of the environment "test".
func testEnvSpecs() {
	Describe("the package etcdpasswd", func() {
		It("is not installed while the digest of its package is unknown", func(ctx SpecContext) {
			var v status.View
			Expect(json.Unmarshal([]byte(lab.Run(ctx, 0, "neco", "status", "-o", "json")), &v)).To(Succeed())
			for _, lrn := range all {
				Expect(v.Servers[lrn].Notes).To(ContainElement(ContainSubstring("not installed: digest unknown")), "boot server %d", lrn)
				_, err := lab.Exec(ctx, necotest.Server(lrn), "dpkg", "-s", program.Etcdpasswd)
				Expect(err).To(HaveOccurred())
			}
		})

		It("is installed in the environment test, by an update that uses the replaced accounts", func(ctx SpecContext) {
			before := len(served(ctx))
			setAccounts(ctx, "second")
			deb, err := lab.PackageWithCKE(ctx, release.TestVersion, lastCKE, withSetupHW(nexttag.Major))
			Expect(err).NotTo(HaveOccurred())
			for _, lrn := range all {
				lab.Run(ctx, lrn, "mkdir", "-p", steps.LocalPackages)
				Expect(lab.Copy(ctx, necotest.Server(lrn), deb, filepath.Join(steps.LocalPackages, filepath.Base(deb)))).To(Succeed())
			}
			lab.Run(ctx, 0, "neco", "config", "set", "env", neco.TestEnv)
			lab.Run(ctx, 0, "neco", "status", "--wait", "--for", release.TestVersion, "--timeout", limit.String())
			d, err := neco.CurrentArtifacts.FindDebianPackage(program.Etcdpasswd)
			Expect(err).NotTo(HaveOccurred())
			for _, lrn := range all {
				version := lab.Run(ctx, lrn, "dpkg-query", "--showformat", "${Version}", "--show", d.Name)
				Expect(release.IsRelease(d, version)).To(BeTrue(), version)
				Expect(lab.Run(ctx, lrn, "systemctl", "is-active", neco.EtcdpasswdService)).To(HavePrefix("active"))
				Eventually(ctx, func() (string, error) {
					return lab.Exec(ctx, necotest.Server(lrn), "journalctl", "-u", neco.EtcdpasswdService, "--no-pager", "-o", "cat")
				}).WithTimeout(limit).WithPolling(poll).Should(ContainSubstring("connected"))
				Expect(lab.Run(ctx, lrn, "ls", "/var/lib/neco/debs")).To(BeEmpty())
			}
			Expect(served(ctx)[before:]).To(And(
				ContainElement(account("second")), Not(ContainElement(account("first"))),
				ContainElement(webhook("second")), Not(ContainElement(webhook("first")))))
		})
	})
}
