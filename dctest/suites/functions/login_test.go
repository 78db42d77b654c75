//go:build dctest

package functions

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
)

func loginSpecs() {
	Describe("a login", func() {
		It("is by key, and its session is recorded", func(ctx SpecContext) {
			for _, lrn := range all {
				Expect(lab.Run(ctx, lrn, "sshd", "-T")).To(And(
					ContainSubstring("passwordauthentication no\n"), MatchRegexp(`(?m)^forcecommand .*/usr/lib/neco/login`)))
			}
			Expect(session(ctx, 2)).To(ContainSubstring("the answer is 42"))
			// This data centre does not have the server to which recordings are uploaded.
			Expect(lab.Run(ctx, 2, "sh", "-c", "tar -xzOf /tmp/session-log-*/session-log-* typescript")).To(ContainSubstring("the answer is 42"))
			Expect(lab.Run(ctx, 2, "journalctl", "-t", "neco-login", "--no-pager", "-o", "cat")).To(ContainSubstring("s3gw.session-log.svc"))
		})

		It("works while dpkg unpacks the package", func(ctx SpecContext) {
			deb, err := lab.PackageWithCKE(ctx, first, firstCKE, nil)
			Expect(err).NotTo(HaveOccurred())
			installed := make(chan error, 1)
			go func() { installed <- lab.Install(ctx, deb, necotest.Server(1)) }()
			for during := 0; ; during++ {
				Expect(session(ctx, 1)).To(ContainSubstring("the answer is 42"))
				select {
				case err := <-installed:
					Expect(err).NotTo(HaveOccurred())
					Expect(during).To(BeNumerically(">", 0), "sessions that ended before the installation")
					return
				default:
				}
			}
		})

		It("needs no neco", func(ctx SpecContext) {
			lab.Run(ctx, 0, "mv", "/usr/bin/neco", "/usr/bin/neco.away")
			DeferCleanup(func(ctx SpecContext) { lab.Run(ctx, 0, "mv", "/usr/bin/neco.away", "/usr/bin/neco") })
			Expect(session(ctx, 0)).To(ContainSubstring("the answer is 42"))
			Expect(lab.Run(ctx, 0, "journalctl", "-t", "neco-login", "--no-pager", "-o", "cat")).To(ContainSubstring("/usr/bin/neco is missing"))
		})
	})
}

// session returns the output of a session with a terminal on a boot server.
func session(ctx SpecContext, lrn int) string {
	GinkgoHelper()
	cmd, err := lab.SSH(ctx, necotest.Server(lrn), "-tt")
	Expect(err).NotTo(HaveOccurred())
	cmd.Stdin = strings.NewReader("echo the answer is $((40 + 2))\nexit\n")
	out, err := cmd.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(out))
	return string(out)
}
