//go:build dctest

package bootstrap

import (
	"encoding/json"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/necotest"
	"github.com/cybozu-go/neco/dctest/suite"
)

// sealGeneration is the key that Vault reads right after it has become the active node.
const sealGeneration = "/vault/core/seal-gen-info"

func vaultSpecs() {
	Describe("a Vault", func() {
		It("that has sealed its storage at an election is restarted", func(ctx SpecContext) {
			before := starts(ctx, "vault")
			active, found := vaultActive(ctx), 0
			generation := func(verb, text string) string {
				GinkgoHelper()
				out, err := lab.ExecWith(ctx, strings.NewReader(text), necotest.Server(active), "sh", "-c", suite.EtcdctlAs("/etc/vault/etcd")+" "+verb+" "+sealGeneration)
				Expect(err).NotTo(HaveOccurred())
				return out
			}
			Expect(generation("get", "")).To(BeEmpty(), "Vault now uses this key: the test must restore it")
			generation("put", "no JSON")
			lab.Run(ctx, active, "systemctl", "stop", "vault")
			Eventually(ctx, func(ctx SpecContext) bool {
				for _, lrn := range three {
					if s := vaultStatus(ctx, lrn); lrn != active && s.halfSealed() {
						found++
					}
				}
				return found > 0
			}).WithTimeout(limit).WithPolling(100 * time.Millisecond).Should(BeTrue())
			generation("del", "")
			began := time.Now()
			lab.Run(ctx, active, "systemctl", "start", "vault")
			Eventually(ctx, func(ctx SpecContext) (serve int) {
				for _, lrn := range three {
					if s := vaultStatus(ctx, lrn); !s.Sealed && s.ClusterID != "" && s.Leader != "" {
						serve++
					}
				}
				return serve
			}).WithTimeout(limit).WithPolling(time.Second).Should(Equal(len(three)))
			suite.Print("a Vault that had sealed its storage serves again after %s", time.Since(began).Round(time.Second))
			restarted := 0
			for lrn, started := range starts(ctx, "vault") {
				if lrn != active && started != before[lrn] {
					restarted++
				}
			}
			Expect(restarted).To(BeNumerically(">", 0))
		})
	})
}

// vaultState is the JSON output of vault status.
type vaultState struct {
	Sealed    bool   `json:"sealed"`
	Cluster   string `json:"cluster_name"`
	ClusterID string `json:"cluster_id"`
	Leader    string `json:"leader_address"`
}

func (s vaultState) halfSealed() bool { return !s.Sealed && s.Cluster != "" && s.ClusterID == "" }

// vaultStatus returns the state of a Vault. A Vault that does not respond counts as
// sealed.
func vaultStatus(ctx SpecContext, lrn int) vaultState {
	out, _ := lab.Exec(ctx, necotest.Server(lrn), "env", "VAULT_ADDR=https://127.0.0.1:8200", "VAULT_MAX_RETRIES=0", "vault", "status", "-format=json") // fails if Vault is sealed
	s := vaultState{Sealed: true}
	if json.Unmarshal([]byte(out), &s) != nil {
		return vaultState{Sealed: true}
	}
	return s
}

// vaultActive returns the boot server of the active Vault.
func vaultActive(ctx SpecContext) int {
	GinkgoHelper()
	leader := vaultStatus(ctx, 0).Leader
	for _, lrn := range three {
		if strings.Contains(leader, neco.BootNode0IP(lrn).String()) {
			return lrn
		}
	}
	Fail("no boot server has the address of Vault's active node, " + leader)
	return 0
}
