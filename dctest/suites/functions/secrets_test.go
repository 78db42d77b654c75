//go:build dctest

package functions

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func secretSpecs() {
	Describe("a secret that is replaced", func() {
		It("is in new ignition templates if it is the SSH key of nodes", func(ctx SpecContext) {
			before := ids(ctx)
			old := lab.Run(ctx, 0, "sabactl", "ignitions", "get", "cs", newestIgnition(ctx))
			lab.Run(ctx, 1, "neco", "ssh", "generate", "--force")
			lab.Run(ctx, 1, "neco", "init-data", "--ignitions-only")
			newTemplates(ctx, before, And(ContainSubstring("ssh-rsa "), Not(ContainSubstring(authorizedKey(old)))))
		})

		It("is in the configuration of Teleport's nodes if it is their token", func(ctx SpecContext) {
			const file = "/etc/teleport/teleport.yaml"
			old := lab.Run(ctx, 2, "cat", file)
			lab.Run(ctx, 0, "neco", "init", "teleport", "--force")
			lab.Run(ctx, 2, "neco", "teleport", "config")
			Expect(lab.Run(ctx, 2, "cat", file)).NotTo(Equal(old))
		})

		It("is used by the next search if it is the token for GitHub", func(ctx SpecContext) {
			lab.Run(ctx, 0, "neco", "config", "set", "check-update-interval", "1s")
			_, err := lab.ExecWith(ctx, strings.NewReader("ghp_replaced"), "boot-0", "neco", "config", "set", "github-token")
			Expect(err).NotTo(HaveOccurred())
			Eventually(ctx, lab.Served).WithTimeout(limit).WithPolling(poll).Should(ContainElement(And(
				HaveField("Host", "api.github.com"), HaveField("Authorization", HaveSuffix(" ghp_replaced")))))
		})
	})
}

// newestIgnition returns the newest ID of a template of the role cs.
func newestIgnition(ctx SpecContext) string {
	GinkgoHelper()
	list := ignitions(ctx, "cs")
	Expect(list).NotTo(BeEmpty())
	return list[len(list)-1]
}

// authorizedKey returns the SSH key in a template.
func authorizedKey(template string) string {
	GinkgoHelper()
	_, key, found := strings.Cut(template, "ssh-rsa ")
	Expect(found).To(BeTrue())
	key, _, _ = strings.Cut(key, `"`)
	return strings.Fields(key)[0]
}
