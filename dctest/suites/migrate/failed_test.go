//go:build dctest

package migrate

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
)

// fault is an installation over the original's package that fails.
type fault struct {
	name string
	// script runs on the boot server, where /root/neco.deb is the package. It ends with dpkg,
	// which prints says and fails.
	script, says string
}

// change makes /root/faulty.deb, whose preinst has another line after the line set -e or start.
const change = `
# change LINE TEXT
change() {
    rm -rf /root/tree
    dpkg-deb --raw-extract /root/neco.deb /root/tree
    grep -qx "$1" /root/tree/DEBIAN/preinst || exit 9
    sed -i "s/^$1\$/&\n$2/" /root/tree/DEBIAN/preinst
    dpkg-deb --root-owner-group -Znone --build /root/tree /root/faulty.deb
    rm -rf /root/tree
}`

// faults are in the order in which they happen. The last one leaves the package half-installed.
var faults = []fault{
	{"a truncated package", `head -c $(($(stat -c %s /root/neco.deb) / 2)) /root/neco.deb >/root/faulty.deb
dpkg -i /root/faulty.deb`, "error processing archive"},
	// Neither the list of what ran nor the copy of CKE has space.
	{"a full disk", `mount -t tmpfs -o size=64k full /var/lib/neco
head -c 1000000 /dev/zero >/var/lib/neco/filler
dpkg -i /root/neco.deb
code=$?
umount /var/lib/neco
exit $code`, "CKE cannot be copied to /var/lib/neco/cke: .*No space left on device"},
	{"a preinst script that fails at its beginning", `change "set -e" '[ "$1" != upgrade ] || exit 1'
dpkg -i /root/faulty.deb`, "pre-installation script subprocess returned error"},
	{"a dpkg that is killed in the preinst script", `change start 'kill -KILL $PPID; exit 1'
dpkg -i /root/faulty.deb
code=$?
[ $code != 137 ] || echo it was killed
exit $code`, "it was killed"},
}

func failedSpecs() {
	for _, f := range faults {
		It("runs everything again after "+f.name, func(ctx SpecContext) {
			const lrn = 2
			server := necotest.Server(lrn)
			deb, err := lab.PackageWithTools(ctx, taken, newCKE)
			Expect(err).NotTo(HaveOccurred())
			Expect(lab.Copy(ctx, server, deb, "/root/neco.deb")).To(Succeed())
			running := lab.Pids(ctx, []int{lrn}, others...)
			out, failed := lab.Exec(ctx, server, "sh", "-c", "exec 2>&1\nexport LC_ALL=C"+change+"\n"+f.script)
			GinkgoWriter.Println(out)
			Expect(failed).To(HaveOccurred(), out)
			Expect(out).To(MatchRegexp(f.says))
			for _, unit := range stopped {
				Eventually(ctx, func() (string, error) { return lab.Exec(ctx, server, "systemctl", "is-active", unit) }).
					WithTimeout(limit).WithPolling(poll).Should(HavePrefix("active"), unit)
				Expect(lab.Run(ctx, lrn, "systemctl", "is-enabled", unit)).To(HavePrefix("enabled"), unit)
			}
			Eventually(ctx, func() (string, error) {
				return lab.Exec(ctx, server, "curl", "-sS", "http://127.0.0.1:10180/version")
			}).WithTimeout(limit).WithPolling(poll).Should(ContainSubstring(oldCKE))
			Expect(lab.Pids(ctx, []int{lrn}, others...)).To(Equal(running))
		})
	}
}
