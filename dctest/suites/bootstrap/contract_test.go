//go:build dctest

package bootstrap

import (
	"crypto/x509"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
	"github.com/cybozu-go/neco/dctest/suite"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
)

func contractSpecs() {
	Describe("a data centre that was set up", func() {
		It("completes its first update", func(ctx SpecContext) {
			Expect(lab.Complete(ctx, "boot-1", first, limit)).To(Succeed())
			status := lab.Run(ctx, 2, "neco", "status")
			Expect(status).To(ContainSubstring("complete"))
			suite.Print("first update: %s", strings.TrimSpace(lab.Run(ctx, 0, "sh", "-c", "neco history | tail -1")))
		})

		It("has the files of the contract, with their owners and modes", func(ctx SpecContext) {
			want := map[string]string{
				"/etc/neco/server.key": "600 10000:10000", "/etc/neco/server.crt": "644 10000:10000",
				"/etc/neco/etcd.key": "600 0:0", "/etc/neco/etcd.crt": "644 0:0", "/etc/neco/config.yml": "644 0:0",
				"/etc/etcd/peer.key": "600 10000:10000", "/etc/etcd/peer.crt": "644 10000:10000",
				"/etc/etcd/backup.key": "600 0:0", "/etc/etcd/backup.crt": "644 0:0",
				"/etc/etcd/ca-peer.crt": "644 0:0", "/etc/etcd/ca-client.crt": "644 0:0", "/etc/etcd/etcd.conf.yml": "644 0:0",
				"/etc/vault/etcd.key": "600 10000:10000", "/etc/vault/etcd.crt": "644 10000:10000", "/etc/vault/config.hcl": "644 0:0",
				"/usr/local/share/ca-certificates/neco.crt": "644 0:0",
				"/var/lib/etcd-container":                   "700 10000:10000", "/var/lib/etcd-backup": "700 0:0",
				"/var/lib/neco/host-key": "600 0:0", "/var/lib/neco/vault-approle.json": "600 0:0",
			}
			for _, lrn := range three {
				for name, mode := range want {
					Expect(strings.TrimSpace(lab.Run(ctx, lrn, "stat", "-c", "%a %u:%g", name))).To(Equal(mode), name)
				}
				gone := lab.Run(ctx, lrn, "sh", "-c", "ls -d /var/lib/neco/setup /etc/neco/setup-token 2>/dev/null || true")
				Expect(gone).To(BeEmpty(), "files that only setup needs are deleted")
				Expect(lab.Run(ctx, lrn, "find", "/var/lib/neco/pki", "-type", "f")).To(BeEmpty())
			}
		})

		It("has certificates that are valid for their profile only, signed by Vault", func(ctx SpecContext) {
			for _, lrn := range three {
				subject := pki.NewSubject(lrn, necotest.Server(lrn), lab.Address(necotest.Server(lrn), "bastion"))
				for _, p := range pki.Profiles() {
					if p.OnRequest {
						continue
					}
					cert, err := pki.ParseCert([]byte(lab.Run(ctx, lrn, "cat", p.Cert)))
					Expect(err).NotTo(HaveOccurred())
					ca, err := pki.ParseCert([]byte(lab.Run(ctx, 0, "cat", p.Authority.File())))
					Expect(err).NotTo(HaveOccurred())
					roots := x509.NewCertPool()
					roots.AddCert(ca)
					Expect(p.Check(cert, cert.PublicKey, subject, roots, cert.NotBefore.Add(2*pki.BackDate))).To(Succeed())
					Expect(cert.NotAfter.Sub(cert.NotBefore)).To(BeNumerically(">=", p.Validity), "validity of %s: the certificate must not be one of the bootstrap", p.Name)
				}
			}
		})

		It("has the keys of the contract in etcd, and no secret in clear among them", func(ctx SpecContext) {
			keys := strings.Fields(lab.Etcdctl(ctx, 0, "get", "--prefix", "/neco/", "--keys-only"))
			Expect(keys).To(ContainElements("/neco/info/bootservers/0", "/neco/info/bootservers/1", "/neco/info/bootservers/2",
				"/neco/info/neco-release", "/neco/status/current", "/neco/status/bootservers/0", "/neco/config/proxy",
				"/neco/vault-unseal-key", "/neco/finish/0", "/neco/install/0/containers/etcd", "/neco/install/2/containers/vault"))
			for _, key := range []string{"/neco/vault-unseal-key", "/neco/vault-root-token"} {
				Expect(lab.Etcdctl(ctx, 0, "get", "--print-value-only", key)).To(HavePrefix("-----BEGIN AGE ENCRYPTED FILE-----"))
			}
			dump := lab.Etcdctl(ctx, 0, "get", "--prefix", "/", "--print-value-only")
			suite.NotIn(dump, lab.Secrets(ctx, three...), "etcd")
		})

		It("has the users and roles of the contract, and refuses all other users", func(ctx SpecContext) {
			Expect(lab.Etcdctl(ctx, 0, "auth", "status")).To(ContainSubstring("Authentication Status: true"))
			want := []string{"root", "backup", "neco", "vault"}
			for _, lrn := range three {
				want = append(want, fmt.Sprint("neco-", lrn), fmt.Sprint("backup-", lrn), fmt.Sprint("vault-", lrn))
			}
			Expect(strings.Fields(lab.Etcdctl(ctx, 0, "user", "list"))).To(ConsistOf(want))
			Expect(lab.Etcdctl(ctx, 0, "role", "get", "vault")).To(ContainSubstring("/vault/"))
			_, err := lab.Exec(ctx, "boot-0", "sh", "-c", suite.EtcdctlAs("/etc/vault/etcd")+" get /neco/vault-unseal-key")
			Expect(err).To(MatchError(ContainSubstring("permission denied")))
			_, err = lab.Exec(ctx, "boot-0", "etcdctl", "--endpoints=https://127.0.0.1:2379", "--cacert=/usr/local/share/ca-certificates/neco.crt",
				"--command-timeout=3s", "--dial-timeout=2s", "get", "x")
			Expect(err).To(HaveOccurred(), "without a certificate")
		})

		It("has a Vault with its CAs, auth methods and audit device, which only operators change", func(ctx SpecContext) {
			token := lab.AdminToken(ctx)
			mounts := lab.Vault(ctx, token, "secrets", "list")
			for _, m := range []string{"ca/server/", "ca/boot-etcd-peer/", "ca/boot-etcd-client/"} {
				Expect(mounts).To(ContainSubstring(m))
			}
			Expect(lab.Vault(ctx, token, "audit", "list")).To(ContainSubstring("stdout/"))
			auth := lab.Vault(ctx, token, "auth", "list")
			Expect(auth).To(ContainSubstring("approle/"))
			Expect(auth).To(ContainSubstring("userpass/"))
			Expect(strings.Fields(lab.Vault(ctx, token, "list", "auth/approle/role"))).To(ContainElements("boot-0", "boot-1", "boot-2"))
			Expect(strings.Fields(lab.Vault(ctx, token, "policy", "list"))).To(ContainElements("admin", "ca-admin", "boot-0"))
			role := lab.Vault(ctx, token, "read", "ca/server/roles/system")
			Expect(role).To(MatchRegexp(`key_type\s+any`))
		})

		It("unseals a Vault that was restarted", func(ctx SpecContext) {
			lab.Run(ctx, 2, "docker", "kill", "vault")
			lab.AwaitUnsealed(ctx, 2, limit)
		})

		It("does not reveal its unseal key to a reader of etcd that is not a boot server", func(ctx SpecContext) {
			sealed := lab.Etcdctl(ctx, 0, "get", "--print-value-only", "/neco/vault-unseal-key")
			Expect(hostkey.Sealed(sealed)).To(BeTrue())
			otherKey, err := hostkey.Load(ctx, host.FS{Root: GinkgoT().TempDir()})
			Expect(err).NotTo(HaveOccurred())
			_, err = hostkey.Open(sealed, otherKey)
			Expect(err).To(MatchError(hostkey.ErrCannotOpen))
			dump := lab.Etcdctl(ctx, 0, "get", "--prefix", "/", "--print-value-only")
			Expect(dump).NotTo(ContainSubstring("AGE-SECRET-KEY"))
			Expect(dump).NotTo(ContainSubstring(strings.TrimSpace(lab.Run(ctx, 0, "neco", "vault", "show-unseal-key"))))
		})
	})
}
