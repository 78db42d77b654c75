//go:build dctest

package suite

import (
	"context"
	"strings"
	"time"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
)

// AdminToken logs in to Vault as the user admin with [Suite.Password], and returns the new
// token.
func (s *Suite) AdminToken(ctx ginkgo.SpecContext) string {
	ginkgo.GinkgoHelper()
	token, err := s.Login(ctx, necotest.Server(0), s.Password)
	gomega.Expect(err).NotTo(gomega.HaveOccurred())
	return token
}

// Vault runs the vault command on boot server 0 with a token and returns its output. The
// command must succeed.
func (s *Suite) Vault(ctx ginkgo.SpecContext, token string, args ...string) string {
	ginkgo.GinkgoHelper()
	out, err := s.TryVault(ctx, token, args...)
	gomega.Expect(err).NotTo(gomega.HaveOccurred())
	return out
}

// TryVault does the same as [Suite.Vault], but the command may fail. The token is not in its
// arguments.
func (s *Suite) TryVault(ctx context.Context, token string, args ...string) (string, error) {
	return s.ExecWith(ctx, strings.NewReader(token), necotest.Server(0), "sh",
		append([]string{"-c", `VAULT_ADDR=https://127.0.0.1:8200 VAULT_TOKEN=$(cat) exec vault "$@"`, "sh"}, args...)...)
}

// AwaitUnsealed waits until the Vault of the boot server lrn is unsealed.
func (s *Suite) AwaitUnsealed(ctx ginkgo.SpecContext, lrn int, limit time.Duration) {
	ginkgo.GinkgoHelper()
	gomega.Eventually(ctx, func() (string, error) {
		return s.Exec(ctx, necotest.Server(lrn), "sh", "-c", "VAULT_ADDR=https://127.0.0.1:8200 vault status; true")
	}).WithTimeout(limit).WithPolling(time.Second).Should(gomega.MatchRegexp(`Sealed\s+false`))
}
