//go:build dctest

package migrate

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
)

// backupsOfOriginal gives the original's units of backups their names again.
const backupsOfOriginal = `
set -e
cd /etc/systemd/system
systemctl disable --now vault-unseal
mv etcd-backup.service.before-neco etcd-backup.service
mv etcd-backup.timer.before-neco etcd-backup.timer
systemctl daemon-reload`

func backSpecs() {
	It("goes back by the documented way", func(ctx SpecContext) {
		lab.Run(ctx, 0, "neco", "config", "set", "env", "none")
		leave(ctx)
		for _, lrn := range all {
			lab.Run(ctx, lrn, "sh", "-c", backupsOfOriginal)
			Expect(lab.Install(ctx, original, necotest.Server(lrn))).To(Succeed())
		}
		for _, lrn := range all {
			for _, unit := range append([]string{"etcd-backup.timer", "sabakan-state-setter.service"}, stopped...) {
				Expect(lab.Run(ctx, lrn, "systemctl", "is-active", unit)).To(HavePrefix("active"), unit)
			}
			Expect(lab.Run(ctx, lrn, "neco")).To(Equal("neco of the original\n"))
		}
	})
}
