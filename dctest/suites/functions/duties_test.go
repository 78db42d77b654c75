//go:build dctest

package functions

import (
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
	"github.com/cybozu-go/neco/dctest/suite"
)

// The files of Docker's unit with its proxy: that of Neco, and that of cybozu-go/neco.
const (
	dropIn   = "/etc/systemd/system/docker.service.d/http-proxy.conf"
	override = "/etc/systemd/system/docker.service.d/override.conf"
)

func dutySpecs() {
	Describe("an update", func() {
		It("has written the completion of sabactl", func(ctx SpecContext) {
			for _, lrn := range all {
				Expect(lab.Run(ctx, lrn, "bash", "-c", ". /etc/bash_completion.d/sabactl; complete -p sabactl")).To(ContainSubstring("sabactl"))
			}
		})

		It("after a change of the proxy restarts Docker on one server after the other", func(ctx SpecContext) {
			const another = suite.Proxy + "/"
			Expect(lab.Build(ctx, "probe", "boot-0")).To(Succeed())
			lab.Run(ctx, 0, "neco", "config", "set", "proxy", another)
			before, services := containers(ctx), pids(ctx)
			etcd, err := lab.StartProbe(ctx, "boot-0", "etcd")
			Expect(err).NotTo(HaveOccurred())
			vault, err := lab.StartProbe(ctx, "boot-0", "vault")
			Expect(err).NotTo(HaveOccurred())
			took := deliver(ctx, "2026.11.23-1", lastCKE)
			after := containers(ctx)
			etcdGap, err := etcd.Stop()
			Expect(err).NotTo(HaveOccurred())
			vaultGap, err := vault.Stop()
			Expect(err).NotTo(HaveOccurred())
			suite.Print("last installation to complete with another proxy of Docker: %s; etcd: %d writes, longest gap %s, at most %d members down; Vault: %d reads, longest gap %s",
				took.Round(time.Millisecond), etcdGap.Answers, etcdGap.Longest.Round(time.Millisecond), etcdGap.Worst, vaultGap.Answers, vaultGap.Longest.Round(time.Millisecond))
			Expect(etcdGap.Answers).To(BeNumerically(">", 10))
			Expect(vaultGap.Answers).To(BeNumerically(">", 3))
			Expect(etcdGap.Worst).To(Equal(1), "members down at once; with 0 the probe has missed the restarts")
			Expect(after).To(Equal(before))
			for _, lrn := range all {
				usesProxy(ctx, lrn, another)
				Expect(lab.Run(ctx, lrn, "curl", "-sk", "https://127.0.0.1:8200/v1/sys/seal-status")).To(ContainSubstring(`"sealed":false`))
				Expect(lab.Run(ctx, lrn, "journalctl", "-u", "neco-worker", "--no-pager", "-o", "cat")).To(ContainSubstring("Docker uses the new proxy"))
			}
			active(ctx, services)
		})

		It("takes the original's drop-in over without a restart, and the resolver where it works", func(ctx SpecContext) {
			const elsewhere = "nameserver 10.0.0.53\n"
			usual := lab.Run(ctx, 0, "cat", "/etc/resolv.conf")
			for _, lrn := range all {
				lab.Run(ctx, lrn, "mv", dropIn, override)
				lab.Run(ctx, lrn, "sh", "-c", "printf '"+elsewhere+"' >/etc/resolv.conf")
			}
			// The link at boot server 1 stands for another program that writes the file.
			lab.Run(ctx, 1, "mv", "/etc/resolv.conf", "/etc/other.conf")
			lab.Run(ctx, 1, "ln", "-s", "other.conf", "/etc/resolv.conf")
			before, dockers, services := containers(ctx), dockerPids(ctx), pids(ctx)
			deliver(ctx, newest, lastCKE)
			Expect(dockerPids(ctx)).To(Equal(dockers))
			Expect(pids(ctx)).To(Equal(services))
			Expect(containers(ctx)).To(Equal(before))
			for _, lrn := range all {
				usesProxy(ctx, lrn, suite.Proxy+"/")
				now, said := lab.Run(ctx, lrn, "cat", "/etc/resolv.conf"), lab.Run(ctx, lrn, "journalctl", "-u", "neco-worker", "--no-pager", "-o", "cat")
				if lrn == 1 {
					Expect(now).To(Equal(elsewhere))
					Expect(said).To(ContainSubstring("/etc/resolv.conf left alone: it is a link to other.conf"))
					continue
				}
				Expect(now).To(Equal(usual))
				Expect(said).To(ContainSubstring("/etc/resolv.conf replaced"))
				Expect(lab.Run(ctx, lrn, "cat", "/etc/resolv.conf.before-neco")).To(Equal(elsewhere))
			}
		})
	})
}

// usesProxy checks that Docker on a server uses a proxy and that one drop-in sets it.
func usesProxy(ctx SpecContext, lrn int, url string) {
	GinkgoHelper()
	Expect(words(ctx, lrn, "docker", "info", "--format", "{{.HTTPProxy}} {{.HTTPSProxy}}")).To(Equal([]string{url, url}))
	Expect(lab.Run(ctx, lrn, "cat", dropIn)).To(ContainSubstring(url))
	_, err := lab.Exec(ctx, necotest.Server(lrn), "test", "-e", override)
	Expect(err).To(HaveOccurred(), "%s exists", override)
}

// containers returns the sorted names of the running containers of each server.
func containers(ctx SpecContext) map[int][]string {
	GinkgoHelper()
	names := map[int][]string{}
	for _, lrn := range all {
		names[lrn] = slices.Sorted(slices.Values(words(ctx, lrn, "docker", "ps", "--format", "{{.Names}}")))
	}
	return names
}

// dockerPids returns the main process of Docker on each server.
func dockerPids(ctx SpecContext) (pids []string) {
	GinkgoHelper()
	for _, lrn := range all {
		pids = append(pids, strings.TrimSpace(lab.Run(ctx, lrn, "systemctl", "show", "-p", "MainPID", "--value", "docker")))
	}
	return pids
}

// active checks that the services that ran in before, the result of pids, are active again.
func active(ctx SpecContext, before map[string]string) {
	GinkgoHelper()
	for key, pid := range before {
		if pid == "0" {
			continue
		}
		server, unit, _ := strings.Cut(key, " ")
		state, err := lab.Exec(ctx, server, "systemctl", "is-active", unit)
		Expect(err).NotTo(HaveOccurred(), key)
		Expect(state).To(HavePrefix("active"), key)
	}
}
