//go:build dctest

package migrate

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/necotest"
	"github.com/cybozu-go/neco/dctest/suite"
	"github.com/cybozu-go/neco/pkg/program"
)

// backupUnits writes the units of the original's backups, which its setup has made.
const backupUnits = `
printf '#!/bin/sh\nexit 0\n' >/usr/local/bin/etcd-backup
chmod 755 /usr/local/bin/etcd-backup
cd /etc/systemd/system
printf '[Service]\nType=oneshot\nExecStart=/usr/local/bin/etcd-backup\n' >etcd-backup.service
printf '[Unit]\nPartOf=etcd-container.service\n[Timer]\nOnCalendar=hourly\nPersistent=true\n[Install]\nWantedBy=timers.target\n' >etcd-backup.timer
systemctl daemon-reload
systemctl enable --now etcd-backup.timer`

// asOriginal gives the original's files of Docker and Vault their names and contents, by step 6 of
// docs/migration.md's way back.
const asOriginal = `
mv docker.service.d/http-proxy.conf docker.service.d/override.conf
systemctl stop vault-unseal
rm vault-unseal.service
mkdir -p vault.service.d
printf '[Service]\nExecStartPost=/usr/bin/neco vault unseal\n' >vault.service.d/unseal.conf
systemctl daemon-reload`

// toOriginal replaces this Neco on a server by the original. At its end, nothing unseals a Vault
// that restarts; in the original, its vault.service does.
const toOriginal = `
set -e
cd /etc/systemd/system` + asOriginal + `
dpkg -i /root/original.deb
rm -rf /var/lib/neco/cke /var/lib/neco/applied` + backupUnits + `
rm vault.service.d/unseal.conf
systemctl daemon-reload`

func layoutSpecs() {
	It("has the original's package, units and keys", func(ctx SpecContext) {
		deb, err := lab.PackageWithCKE(ctx, setUp, newCKE, nil)
		Expect(err).NotTo(HaveOccurred())
		lab.Password, err = lab.FreshSetUp(ctx, deb, all, "--proxy", suite.Proxy)
		Expect(err).NotTo(HaveOccurred())
		token := lab.AdminToken(ctx)
		Expect(lab.Complete(ctx, "boot-0", setUp, limit)).To(Succeed())
		for _, name := range program.Names(program.OnServers()) {
			lab.Run(ctx, 0, "neco", "init", name)
			for _, lrn := range all {
				_, err := lab.InitLocal(ctx, necotest.Server(lrn), token, name)
				Expect(err).NotTo(HaveOccurred())
			}
		}
		lab.Run(ctx, 0, "neco", "init", "teleport")
		for _, lrn := range all {
			lab.Run(ctx, lrn, "neco", "teleport", "config")
		}
		original = buildOriginal(ctx)
		becomeOriginal(ctx)
		for _, lrn := range all {
			for _, unit := range stopped {
				Expect(lab.Run(ctx, lrn, "systemctl", "is-active", unit)).To(HavePrefix("active"), unit)
			}
			Expect(lab.Run(ctx, lrn, "curl", "-sS", "http://127.0.0.1:10180/version")).To(ContainSubstring(oldCKE))
		}
	})
}

// buildOriginal builds the imitation of the original's package, with the imitations of CKE that
// an earlier package has.
func buildOriginal(ctx SpecContext) string {
	GinkgoHelper()
	root, err := filepath.Abs("../../..")
	Expect(err).NotTo(HaveOccurred())
	deb := filepath.Join(root, "build", "original.deb")
	out, err := exec.CommandContext(ctx, filepath.Join(root, "dctest/original/build"), deb, before, filepath.Join(root, "build", "cke", newCKE)).CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(out))
	return deb
}

// becomeOriginal replaces this Neco by the original on all servers.
func becomeOriginal(ctx SpecContext) {
	GinkgoHelper()
	lab.Run(ctx, 0, "neco", "config", "set", "env", "none")
	leave(ctx)
	finished(ctx)
	for _, lrn := range all {
		Expect(lab.Copy(ctx, necotest.Server(lrn), original, "/root/original.deb")).To(Succeed())
		lab.Run(ctx, lrn, "sh", "-c", toOriginal)
	}
}

// finished writes the keys of the original's last update, which is complete.
func finished(ctx SpecContext) {
	GinkgoHelper()
	request, err := json.Marshal(neco.UpdateRequest{Version: before, Servers: all, StartedAt: time.Now().UTC()})
	Expect(err).NotTo(HaveOccurred())
	status, err := json.Marshal(neco.UpdateStatus{Version: before, Step: 18, Cond: neco.CondComplete})
	Expect(err).NotTo(HaveOccurred())
	lab.Etcdctl(ctx, 0, "put", "/neco/status/current", string(request))
	for _, lrn := range all {
		lab.Etcdctl(ctx, 0, "put", fmt.Sprintf("/neco/status/bootservers/%d", lrn), string(status))
	}
}

// leave prepares the data centre for the original, by steps 2 to 5 of docs/migration.md's way back:
// the unseal key is in clear, nothing is left of this Neco's updates, the newest known release is
// the original's, and no CKE runs, because two versions of it must not run at the same time.
func leave(ctx SpecContext) {
	GinkgoHelper()
	lab.Run(ctx, 0, "sh", "-c", "set -e; neco vault show-unseal-key | tr -d '\\n' | "+suite.EtcdctlAs("/etc/neco/etcd")+" put /neco/vault-unseal-key")
	for _, lrn := range all {
		lab.Run(ctx, lrn, "systemctl", "stop", "neco-updater", "neco-worker")
	}
	for _, prefix := range []string{"/neco/status/", "/neco/contents/"} {
		lab.Etcdctl(ctx, 0, "del", "--prefix", prefix)
	}
	lab.Etcdctl(ctx, 0, "put", "/neco/info/neco-release", before)
	for _, lrn := range all {
		lab.Run(ctx, lrn, "systemctl", "disable", "--now", "cke-localproxy", "cke")
	}
}
