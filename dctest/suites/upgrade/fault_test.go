//go:build dctest

package upgrade

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/necotest"
	"github.com/cybozu-go/neco/dctest/nexttag"
	"github.com/cybozu-go/neco/dctest/suite"
)

// The steps at each of which the worker of each boot server is killed.
const (
	firstKilled = 8
	lastKilled  = 17
)

func faultSpecs() {
	It("is updated while the links of a server are slow", func(ctx SpecContext) {
		const version = "2026.11.22-2"
		DeferCleanup(lab.Heal)
		for _, tor := range []string{"rack2-tor1", "rack2-tor2"} {
			Expect(lab.Rate(ctx, "boot-2", tor, "10mbit")).To(Succeed())
		}
		took := lab.Deliver(ctx, release(ctx, version, "1.22.6", nexttag.All), version, all, limit)
		suite.Print("with a server at 10 Mbit/s, release to complete: %s", took.SinceRequest.Round(time.Millisecond))
		Expect(lab.Heal(ctx)).To(Succeed())
	})

	It("continues an update when a server that was cut off is back", func(ctx SpecContext) {
		const version = "2026.11.22-3"
		Expect(lab.Publish(release(ctx, version, "1.22.6", nexttag.All))).To(Succeed())
		requested(ctx, version)
		DeferCleanup(lab.Heal)
		Expect(lab.Silence(ctx, "boot-1")).To(Succeed())
		// Longer than the lease of a worker.
		Expect(lab.Complete(ctx, "boot-0", version, 20*time.Second)).To(MatchError(ContainSubstring("exit status 3")), "without boot server 1")
		Expect(lab.Heal(ctx)).To(Succeed())
		healed := time.Now()
		Expect(lab.Complete(ctx, "boot-0", version, limit)).To(Succeed())
		suite.Print("healed to complete: %s", time.Since(healed).Round(time.Millisecond))
	})

	It("runs Vault again after an update that has lost a server while Vault was stopped", func(ctx SpecContext) {
		const version = "2026.11.23-1"
		Expect(lab.Publish(release(ctx, version, "1.22.6", nextMajorOfVault))).To(Succeed())
		Eventually(ctx, func() string {
			state, _ := lab.Exec(ctx, "boot-2", "systemctl", "is-active", neco.VaultService) // fails if it is not active
			return strings.TrimSpace(state)
		}).WithTimeout(limit).WithPolling(20 * time.Millisecond).Should(Equal("inactive"))
		Expect(lab.Kill(ctx, "boot-2")).To(Succeed())
		// This ends the run, because the others wait for boot server 2, which may also have been
		// etcd's leader: no request is answered before the others have elected one.
		Eventually(ctx, func() error {
			_, err := lab.Exec(ctx, "boot-0", "neco", "config", "set", "worker-timeout", "1m")
			return err
		}).WithTimeout(limit).WithPolling(200 * time.Millisecond).Should(Succeed())
		Eventually(ctx, func() (string, error) { return lab.Exec(ctx, "boot-0", "neco", "history") }).
			WithTimeout(limit).WithPolling(200 * time.Millisecond).Should(MatchRegexp(regexp.QuoteMeta(version) + `.*\stimeout\s`))
		ended := time.Now()
		for _, lrn := range []int{0, 1} {
			Eventually(ctx, func() error {
				_, err := lab.Exec(ctx, necotest.Server(lrn), "env", "VAULT_ADDR=https://127.0.0.1:8200", "vault", "status") // fails while sealed
				return err
			}).WithTimeout(suite.FailAtFactor*backAim - time.Since(ended)).WithPolling(100 * time.Millisecond).Should(Succeed())
		}
		suite.Print("end of the update to Vault running on both others: %s", time.Since(ended).Round(time.Millisecond))
		Expect(lab.PowerOn(ctx, "boot-2")).To(Succeed())
		lab.Run(ctx, 0, "neco", "config", "set", "worker-timeout", "1h")
		lab.Run(ctx, 0, "neco", "recover")
		Expect(lab.Complete(ctx, "boot-0", version, limit)).To(Succeed())
		for _, lrn := range all {
			Expect(lab.Run(ctx, lrn, "docker", "ps", "--format", "{{.Image}}")).To(ContainSubstring("vault:" + nexttag.Major(vaultTag())))
		}
	})

	It("completes an update in which each worker is killed at each of the steps 8 to 17", func(ctx SpecContext) {
		const version = "2026.11.24-1"
		for name := range strings.FieldsSeq(strings.NewReplacer("[", "", "]", "", `"`, "", ",", " ").Replace(lab.Run(ctx, 0, "sabactl", "assets", "index"))) {
			lab.Run(ctx, 0, "sabactl", "assets", "delete", name) // so that the update uploads all
		}
		for _, lrn := range all {
			// A file, because systemd would expand the variables of a script in an argument.
			Expect(lab.Write(ctx, necotest.Server(lrn), "/root/step-killer", strings.NewReader(killer), 0o755)).To(Succeed())
			lab.Run(ctx, lrn, "systemd-run", "--unit=step-killer", "--collect", "/root/step-killer")
		}
		took := lab.Deliver(ctx, release(ctx, version, "1.22.7", nil), version, all, limit)
		suite.Print("with %d kills, release to complete: %s", len(all)*(lastKilled-firstKilled+1), took.SinceRequest.Round(time.Millisecond))
		for _, lrn := range all {
			lab.Run(ctx, lrn, "systemctl", "stop", "step-killer")
			var want []string
			for step := firstKilled; step <= lastKilled; step++ {
				want = append(want, fmt.Sprint(step))
			}
			Expect(strings.Fields(lab.Run(ctx, lrn, "cat", "/run/step-kills"))).To(Equal(want), "steps at which the worker of boot server %d was killed", lrn)
			Expect(lab.Run(ctx, lrn, "curl", "-sS", "http://127.0.0.1:10180/version")).To(ContainSubstring("1.22.7"))
			Expect(lab.Run(ctx, lrn, "journalctl", "-u", "cke", "--no-pager")).NotTo(ContainSubstring("ANOTHER VERSION RUNS"))
		}
		assets := lab.Run(ctx, 0, "sabactl", "assets", "index")
		for _, name := range neco.SabakanImages {
			img, err := neco.CurrentArtifacts.FindContainerImage(name)
			Expect(err).NotTo(HaveOccurred())
			Expect(assets).To(ContainSubstring("cybozu-" + name + "-" + img.Tag + ".img"))
		}
	})
}

// killer is a script that kills the worker on its boot server when the worker has logged the
// start of a step for the first time, for each of the steps.
var killer = fmt.Sprintf(`#!/bin/bash
seen=
journalctl -n 0 -f -u neco-worker -o cat | while read -r line; do
    case $line in *'msg="step started"'*) ;; *) continue ;; esac
    step=${line#*step=}
    step=${step%%%% *}
    case " $seen " in *" $step "*) continue ;; esac
    [ "$step" -ge %d ] && [ "$step" -le %d ] || continue
    seen="$seen $step"
    systemctl kill --signal=KILL neco-worker && echo "$step" >>/run/step-kills
done`, firstKilled, lastKilled)

// release builds the package of a release that contains the version cke of CKE.
func release(ctx SpecContext, version, cke string, change func(artifacts string) string) string {
	GinkgoHelper()
	deb, err := lab.PackageWithCKE(ctx, version, cke, change)
	Expect(err).NotTo(HaveOccurred())
	return deb
}

// requested waits until an update to version has begun.
func requested(ctx SpecContext, version string) {
	GinkgoHelper()
	Eventually(ctx, func() (string, error) { return lab.Exec(ctx, "boot-0", "neco", "history") }).WithTimeout(limit).
		WithPolling(100 * time.Millisecond).Should(ContainSubstring(version))
}

// vaultTag returns the tag of Vault's image in the artifact set.
func vaultTag() string {
	img, err := neco.CurrentArtifacts.FindContainerImage("vault")
	Expect(err).NotTo(HaveOccurred())
	return img.Tag
}

// nextMajorOfVault returns the text of artifacts.go with the next tag of every image, but
// with the next major version of Vault.
func nextMajorOfVault(artifacts string) string {
	return strings.Replace(nexttag.All(artifacts), fmt.Sprintf("vault\", Tag: %q", nexttag.Of(vaultTag())), fmt.Sprintf("vault\", Tag: %q", nexttag.Major(vaultTag())), 1)
}
