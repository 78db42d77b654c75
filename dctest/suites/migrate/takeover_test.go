//go:build dctest

package migrate

import (
	"bufio"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
	"github.com/cybozu-go/neco/dctest/suite"
)

// stopped are the units that the original's script stops before an upgrade, in the original's
// package.
var stopped = []string{
	"neco-updater.service", "neco-worker.service", "sabakan-state-setter.service", "node-exporter.service", "cke.service", "cke-localproxy.service", "teleport-node.service",
	"backup-cke-etcd.timer", "docker-prune.timer", "export-unit-status.timer", "kill-old-login-sessions.timer",
}

// others are the services that nothing stops.
var others = []string{"docker", "etcd-container", "vault", "sabakan", "serf", "setup-hw", "promtail"}

// kept are the services that nothing stops once the original has left.
var kept = append([]string{"node-exporter", "cke", "cke-localproxy", "teleport-node", "sabakan-state-setter"}, others...)

func takeoverSpecs() {
	It("is taken over by one package on each server, which starts what the original's script has stopped", func(ctx SpecContext) {
		deb, err := lab.PackageWithTools(ctx, taken, newCKE)
		Expect(err).NotTo(HaveOccurred())
		for _, lrn := range all {
			running := lab.Pids(ctx, []int{lrn}, others...)
			Expect(lab.Install(ctx, deb, necotest.Server(lrn))).To(Succeed())
			for _, unit := range stopped {
				Eventually(ctx, func() (string, error) { return lab.Exec(ctx, necotest.Server(lrn), "systemctl", "is-active", unit) }).
					WithTimeout(limit).WithPolling(poll).Should(HavePrefix("active"), unit)
				Expect(lab.Run(ctx, lrn, "systemctl", "is-enabled", unit)).To(HavePrefix("enabled"), unit)
				took := stopTime(ctx, lrn, unit)
				suite.Print("boot server %d: %s was stopped for %s", lrn, unit, took.Round(time.Millisecond))
				Expect(took).To(BeNumerically("<", suite.FailAtFactor*stopAim), unit)
			}
			Expect(lab.Pids(ctx, []int{lrn}, others...)).To(Equal(running))
			Expect(lab.Run(ctx, lrn, "curl", "-sS", "http://127.0.0.1:10180/version")).To(ContainSubstring(oldCKE))
			Expect(lab.Run(ctx, lrn, "readlink", "-f", "/usr/sbin/cke")).To(Equal("/var/lib/neco/cke/original/cke\n"))
		}
		for _, lrn := range all {
			Expect(lab.Run(ctx, lrn, "systemctl", "restart", "cke")).To(BeEmpty())
			Eventually(ctx, func() (string, error) {
				return lab.Exec(ctx, necotest.Server(lrn), "curl", "-sS", "http://127.0.0.1:10180/version")
			}).WithTimeout(limit).WithPolling(poll).Should(ContainSubstring(oldCKE))
		}
	})

	It("works at once", func(ctx SpecContext) {
		Eventually(ctx, func() (string, error) { return lab.Exec(ctx, "boot-0", "neco", "status") }).
			WithTimeout(limit).WithPolling(time.Second).ShouldNot(ContainSubstring("silent"))
		Expect(lab.Run(ctx, 0, "neco", "config", "get", "env")).To(Equal("none\n"))
		lab.FollowReleases(ctx)
		deb, err := lab.PackageWithTools(ctx, next, newCKE)
		Expect(err).NotTo(HaveOccurred())
		docker := lab.Pids(ctx, all, "docker")
		took := lab.Deliver(ctx, deb, next, all, limit)
		suite.Print("first update after the takeover, from request to complete: %s", took.SinceRequest.Round(time.Millisecond))
		lab.PrintSteps(ctx, 0, next)
		Expect(lab.Pids(ctx, all, "docker")).To(Equal(docker))
		for _, lrn := range all {
			Expect(lab.Run(ctx, lrn, "ls", "/etc/systemd/system/docker.service.d")).To(And(ContainSubstring("http-proxy.conf"), Not(ContainSubstring("override.conf"))))
			Expect(lab.Run(ctx, lrn, "curl", "-sS", "http://127.0.0.1:10180/version")).To(ContainSubstring(newCKE))
			Expect(lab.Run(ctx, lrn, "journalctl", "-u", "cke", "--no-pager")).NotTo(ContainSubstring("ANOTHER VERSION RUNS"))
			for _, unit := range append([]string{"etcd-backup.timer"}, stopped...) {
				Expect(lab.Run(ctx, lrn, "systemctl", "is-active", unit)).To(HavePrefix("active"), unit)
			}
			Expect(lab.Run(ctx, lrn, "sh", "-c", "readlink /proc/$(systemctl show -p MainPID --value sabakan-state-setter)/exe")).To(Equal("/usr/bin/sabakan-state-setter\n"))
			Expect(lab.Run(ctx, lrn, "systemctl", "show", "-p", "FragmentPath", "--value", "etcd-backup.timer")).To(ContainSubstring("/lib/systemd/system/"))
		}
	})

	It("stops nothing in later upgrades", func(ctx SpecContext) {
		const again = "2026.11.21-3"
		deb, err := lab.PackageWithTools(ctx, again, newCKE)
		Expect(err).NotTo(HaveOccurred())
		for _, lrn := range all {
			running := lab.Pids(ctx, []int{lrn}, kept...)
			Expect(lab.Install(ctx, deb, necotest.Server(lrn))).To(Succeed())
			Expect(lab.Pids(ctx, []int{lrn}, kept...)).To(Equal(running))
		}
	})

	It("runs every unit of the package", func(ctx SpecContext) {
		for _, unit := range []string{"docker-prune", "export-unit-status", "kill-old-login-sessions", "etcd-backup", "backup-cke-etcd"} {
			lab.Run(ctx, 0, "systemctl", "start", unit+".service")
			Expect(lab.Run(ctx, 0, "systemctl", "show", "-p", "ConditionResult", "--value", unit+".service")).To(Equal("yes\n"), unit)
		}
		Expect(lab.Run(ctx, 0, "sh", "-c", "ls /var/cke/etcd-backups")).To(MatchRegexp(`^(etcd-\d{8}-\d{6}\.backup\n)+$`))
		metrics := lab.Run(ctx, 0, "sh", "-c", "cat /var/lib/node_exporter/textfile/*.prom")
		Expect(metrics).To(ContainSubstring(`systemd_unit_active{unit="neco-updater.service"} 1`))
		Expect(metrics).To(MatchRegexp(`(?m)^cke_etcd_backup_last_succeeded_time \d+$`))
	})
}

// stopTime returns how long a unit was stopped for the last time: from the end of the job that
// stopped it to the end of the next job that started it, by the journal.
func stopTime(ctx SpecContext, lrn int, unit string) time.Duration {
	GinkgoHelper()
	log := lab.Run(ctx, lrn, "sh", "-c", "journalctl --sync; journalctl --no-pager -b -o json _PID=1 UNIT="+unit)
	var down, up int64
	for s := bufio.NewScanner(strings.NewReader(log)); s.Scan(); {
		var e struct {
			Job    string `json:"JOB_TYPE"`
			Result string `json:"JOB_RESULT"`
			At     string `json:"__MONOTONIC_TIMESTAMP"`
		}
		Expect(json.Unmarshal(s.Bytes(), &e)).To(Succeed())
		at, err := strconv.ParseInt(e.At, 10, 64)
		Expect(err).NotTo(HaveOccurred())
		switch {
		case e.Job == "stop" && e.Result == "done":
			down, up = at, 0
		case e.Job == "start" && e.Result == "done" && up == 0:
			up = at
		}
	}
	Expect(down).NotTo(BeZero(), "%s was not stopped", unit)
	Expect(up).To(BeNumerically(">", down), unit)
	return time.Duration(up-down) * time.Microsecond
}
