//go:build dctest

package migrate

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
)

// filesOfOriginal gives the original's files their names again, by step 6 of docs/migration.md's
// way back.
const filesOfOriginal = `
set -e
cd /etc/systemd/system
mv etcd-backup.service.before-neco etcd-backup.service
mv etcd-backup.timer.before-neco etcd-backup.timer` + asOriginal

func backSpecs() {
	It("goes back by the documented way, and stops only CKE and Neco's daemons", func(ctx SpecContext) {
		lab.Run(ctx, 0, "neco", "config", "set", "env", "none")
		lab.Run(ctx, 0, "neco", "status", "--wait")
		kept := append([]string{"node-exporter", "teleport-node"}, others...)
		running := lab.Pids(ctx, all, kept...)
		leave(ctx)
		for _, lrn := range all {
			lab.Run(ctx, lrn, "sh", "-c", filesOfOriginal)
			Expect(lab.Install(ctx, original, necotest.Server(lrn))).To(Succeed())
		}
		for _, lrn := range all {
			for _, unit := range append([]string{"etcd-backup.timer"}, stopped...) {
				Expect(lab.Run(ctx, lrn, "systemctl", "is-active", unit)).To(HavePrefix("active"), unit)
			}
			Expect(lab.Run(ctx, lrn, "systemctl", "show", "-p", "FragmentPath", "--value", "etcd-backup.timer")).To(Equal("/etc/systemd/system/etcd-backup.timer\n"))
			Expect(lab.Run(ctx, lrn, "neco")).To(Equal("neco of the original\n"))
			Eventually(ctx, func() (string, error) {
				return lab.Exec(ctx, necotest.Server(lrn), "curl", "-sS", "http://127.0.0.1:10180/version")
			}).WithTimeout(limit).WithPolling(poll).Should(ContainSubstring(oldCKE))
			Expect(lab.Run(ctx, lrn, "systemctl", "show", "-p", "ExecStartPost", "--value", "vault")).To(ContainSubstring("neco vault unseal"))
			Expect(lab.Run(ctx, lrn, "systemctl", "show", "-p", "LoadState", "--value", "vault-unseal")).To(Equal("not-found\n"))
		}
		// Otherwise the original's updater would start an update to this Neco.
		Expect(lab.Etcdctl(ctx, 0, "get", "--print-value-only", "/neco/info/neco-release")).To(Equal(before + "\n"))
		Expect(lab.Pids(ctx, all, kept...)).To(Equal(running))
	})
}
