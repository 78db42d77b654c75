//go:build dctest

package suite

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/dctesting"
	"github.com/cybozu-go/neco/dctest/necotest"
)

// keyBody matches a PEM block of a private key; its group is the text between the first
// line and the last.
var keyBody = regexp.MustCompile(`(?s)KEY-----\n(.*?)\n-----END`)

// secretID matches the secret ID in the file of a boot server's approle.
var secretID = regexp.MustCompile(`"secret_id":"([^"]+)"`)

// Secrets returns the secrets of the data centre and of the boot servers lrns, by
// description. The data centre must have been set up with --no-revoke, because the root
// token is one of them.
func (s *Suite) Secrets(ctx ginkgo.SpecContext, lrns ...int) map[string]string {
	ginkgo.GinkgoHelper()
	gomega.Expect(s.Password).NotTo(gomega.BeEmpty())
	all := map[string]string{"the password of admin": s.Password}
	all["the unseal key"] = strings.TrimSpace(s.Run(ctx, 0, "neco", "vault", "show-unseal-key"))
	all["the root token"] = strings.TrimSpace(s.Run(ctx, 1, "neco", "vault", "show-root-token"))
	for _, lrn := range lrns {
		server := necotest.Server(lrn)
		for _, key := range strings.Fields(s.Run(ctx, lrn, "find", "/etc/neco", "/etc/etcd", "/etc/vault", "-name", "*.key")) {
			m := keyBody.FindStringSubmatch(s.Run(ctx, lrn, "cat", key))
			gomega.Expect(m).NotTo(gomega.BeNil(), key)
			all[server+":"+key] = strings.Split(m[1], "\n")[1]
		}
		all[server+"'s host key"] = strings.TrimSpace(s.Run(ctx, lrn, "cat", "/var/lib/neco/host-key"))
		m := secretID.FindStringSubmatch(s.Run(ctx, lrn, "cat", "/var/lib/neco/vault-approle.json"))
		gomega.Expect(m).NotTo(gomega.BeNil())
		all[server+"'s secret id"] = m[1]
	}
	return all
}

// NotIn checks that text, which was found at the place where, contains none of the secrets.
func NotIn(text string, secrets map[string]string, where string) {
	ginkgo.GinkgoHelper()
	for name, secret := range secrets {
		if strings.Contains(text, secret) {
			ginkgo.Fail(name + " is in " + where)
		}
	}
}

// Altered returns a text in which the character in the middle is another one.
func Altered(text string) string {
	b := []byte(text)
	i := len(b) / 2
	if b[i] == 'a' {
		b[i] = 'b'
	} else {
		b[i] = 'a'
	}
	return string(b)
}

// canary is sent in clear to check that the search finds text in packets; ping accepts
// 16 characters.
const canary = "neco was in here"

// WatchForSecrets captures the packets on every link, and records the arguments of all
// processes on the boot servers lrns. The returned function stops that and checks that no
// secret in found was captured or is in a journal. The arguments must include command, to
// show that they were recorded.
func (s *Suite) WatchForSecrets(ctx ginkgo.SpecContext, command string, lrns ...int) (stop func(found map[string]string)) {
	ginkgo.GinkgoHelper()
	const watch = "argwatch"
	for _, server := range necotest.Servers(lrns...) {
		gomega.Expect(s.Build(ctx, watch, server)).To(gomega.Succeed())
	}
	dir, err := os.MkdirTemp("", "neco-capture")
	gomega.Expect(err).NotTo(gomega.HaveOccurred())
	ginkgo.DeferCleanup(os.RemoveAll, dir)
	capture, err := s.Capture(ctx, dir)
	gomega.Expect(err).NotTo(gomega.HaveOccurred())
	watches := map[string]*necotest.Program{}
	for _, server := range necotest.Servers(lrns...) {
		watches[server], err = s.StartProgram(ctx, server, watch)
		gomega.Expect(err).NotTo(gomega.HaveOccurred())
	}
	_, err = s.ExecInNetwork(ctx, "boot-0", "ping", "-c1", "-p", hex.EncodeToString([]byte(canary)), s.Address("boot-1", "node0").String())
	gomega.Expect(err).NotTo(gomega.HaveOccurred())
	return func(found map[string]string) {
		ginkgo.GinkgoHelper()
		gomega.Expect(capture.Stop()).To(gomega.Succeed())
		args := map[string]string{}
		for server, w := range watches {
			args[server], err = w.Stop()
			gomega.Expect(err).NotTo(gomega.HaveOccurred())
		}
		notInPackets(capture, found)
		for server, text := range args {
			log, err := s.Exec(ctx, server, "journalctl", "--no-pager", "-o", "cat")
			gomega.Expect(err).NotTo(gomega.HaveOccurred())
			NotIn(log, found, "the journal of "+server)
			gomega.Expect(strings.Split(text, "\n")).To(gomega.ContainElement(command), "the arguments of neco "+command+" were seen on "+server)
			NotIn(text, found, "the arguments on "+server)
		}
	}
}

// notInPackets checks that the canary is in the captured packets, and no secret in found.
func notInPackets(capture *dctesting.Capture, found map[string]string) {
	ginkgo.GinkgoHelper()
	size, seen := 0, false
	for _, f := range capture.Files {
		data, err := os.ReadFile(f)
		gomega.Expect(err).NotTo(gomega.HaveOccurred())
		size += len(data)
		seen = seen || strings.Contains(string(data), canary)
		NotIn(string(data), found, "the packets at "+filepath.Base(f))
	}
	gomega.Expect(seen).To(gomega.BeTrue(), "text that is sent in clear is found")
	Print("%d secrets in none of %d MiB of packets", len(found), size>>20)
}
