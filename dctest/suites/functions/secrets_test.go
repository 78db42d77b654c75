//go:build dctest

package functions

import (
	"encoding/base64"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
	"github.com/cybozu-go/neco/dctest/nexttag"
	"github.com/cybozu-go/neco/pkg/program"
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
			lab.Run(ctx, 0, "neco", "config", "unset", "github-token") // the simulated GitHub refuses it
		})
	})
}

// setAccounts sets the account of quay.io and the webhook of Slack to those called name.
func setAccounts(ctx SpecContext, name string) {
	GinkgoHelper()
	for key, value := range map[string]string{
		"quay-username": "neco", "quay-password": name, "slack": "https://hooks.slack.com/services/" + name,
	} {
		_, err := lab.ExecWith(ctx, strings.NewReader(value), "boot-0", "neco", "config", "set", key)
		Expect(err).NotTo(HaveOccurred(), key)
	}
}

// account matches a request for a token with an account of quay.io that setAccounts has set.
func account(name string) OmegaMatcher {
	return HaveField("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("neco:"+name)))
}

// webhook matches a message to a webhook of Slack that setAccounts has set.
func webhook(name string) OmegaMatcher {
	return And(HaveField("Host", "hooks.slack.com"), HaveField("Path", "/services/"+name))
}

// withSetupHW returns a change of the artifact set: the tag of setup-hw becomes next of it, so
// that the update downloads an image from quay.io.
func withSetupHW(next func(tag string) string) func(artifacts string) string {
	return func(artifacts string) string { return nexttag.Image(artifacts, program.SetupHW, next) }
}

func served(ctx SpecContext) []necotest.Served {
	GinkgoHelper()
	all, err := lab.Served()
	Expect(err).NotTo(HaveOccurred())
	return all
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
