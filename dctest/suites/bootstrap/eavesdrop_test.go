//go:build dctest

package bootstrap

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
)

// watchForSecrets captures the packets on every link, and records the arguments of all
// processes on the servers. The returned function stops that and checks that no secret
// in found was captured or is in a journal. The arguments must include command, to show
// that they were recorded.
func watchForSecrets(ctx SpecContext, command string, names ...string) (stop func(found map[string]string)) {
	GinkgoHelper()
	dir, err := os.MkdirTemp("", "neco-capture")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(os.RemoveAll, dir)
	capture, err := lab.Capture(ctx, dir)
	Expect(err).NotTo(HaveOccurred())
	for _, s := range names {
		// 20 times a second: few processes run for a shorter time.
		const watch = `while [ -e /run/watch-args ]; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' >>/run/args; sleep 0.05; done`
		_, err := lab.Exec(ctx, s, "sh", "-c", "touch /run/watch-args; : >/run/args; setsid sh -c '"+strings.ReplaceAll(watch, "'", `'"'"'`)+"' >/dev/null 2>&1 &")
		Expect(err).NotTo(HaveOccurred())
	}
	_, err = lab.ExecInNetwork(ctx, "boot-0", "ping", "-c1", "-p", hex.EncodeToString([]byte(canary)), lab.Address("boot-1", "node0").String())
	Expect(err).NotTo(HaveOccurred())
	return func(found map[string]string) {
		GinkgoHelper()
		Expect(capture.Stop()).To(Succeed())
		for _, s := range names {
			_, err := lab.Exec(ctx, s, "rm", "/run/watch-args")
			Expect(err).NotTo(HaveOccurred())
		}
		size, seen := 0, false
		for _, f := range capture.Files {
			data, err := os.ReadFile(f)
			Expect(err).NotTo(HaveOccurred())
			size += len(data)
			seen = seen || strings.Contains(string(data), canary)
			notIn(string(data), found, "the packets at "+filepath.Base(f))
		}
		Expect(seen).To(BeTrue(), "text that is sent in clear is found")
		report("%d secrets in none of %d MiB of packets", len(found), size>>20)
		for _, s := range names {
			log, err := lab.Exec(ctx, s, "journalctl", "--no-pager", "-o", "cat")
			Expect(err).NotTo(HaveOccurred())
			notIn(log, found, "the journal of "+s)
			args, err := lab.Exec(ctx, s, "sort", "-u", "/run/args")
			Expect(err).NotTo(HaveOccurred())
			Expect(strings.Split(args, "\n")).To(ContainElement(command), "the arguments of neco "+command+" were seen on "+s)
			notIn(args, found, "the arguments on "+s)
		}
	}
}

// canary is sent in clear to check that the search finds text in packets; ping accepts
// 16 characters.
const canary = "neco was in here"

func notIn(text string, secrets map[string]string, where string) {
	GinkgoHelper()
	for name, secret := range secrets {
		if strings.Contains(text, secret) {
			Fail(name + " is in " + where)
		}
	}
}

// secrets returns the secrets of the data centre and of the given servers, by
// description.
func secrets(ctx SpecContext, lrns ...int) map[string]string {
	GinkgoHelper()
	all := map[string]string{"the password of admin": password}
	all["the unseal key"] = strings.TrimSpace(run(ctx, 0, "neco", "vault", "show-unseal-key"))
	all["the root token"] = strings.TrimSpace(run(ctx, 1, "neco", "vault", "show-root-token"))
	body := regexp.MustCompile(`(?s)KEY-----\n(.*?)\n-----END`)
	for _, lrn := range lrns {
		server := necotest.Server(lrn)
		for _, key := range strings.Fields(run(ctx, lrn, "find", "/etc/neco", "/etc/etcd", "/etc/vault", "-name", "*.key")) {
			m := body.FindStringSubmatch(run(ctx, lrn, "cat", key))
			Expect(m).NotTo(BeNil(), key)
			all[server+":"+key] = strings.Split(m[1], "\n")[1]
		}
		all[server+"'s host key"] = strings.TrimSpace(run(ctx, lrn, "cat", "/var/lib/neco/host-key"))
		m := regexp.MustCompile(`"secret_id":"([^"]+)"`).FindStringSubmatch(run(ctx, lrn, "cat", "/var/lib/neco/vault-approle.json"))
		Expect(m).NotTo(BeNil())
		all[server+"'s secret id"] = m[1]
	}
	return all
}
