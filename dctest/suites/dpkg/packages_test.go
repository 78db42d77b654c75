//go:build dctest

package dpkg

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/built"
)

// change makes the tree of a package, which is its first argument, another package with the
// version in its second argument: another node_exporter, another configuration file, and
// scripts of the package that run the files in /run/fault, as faults that a way injects.
const change = `
set -e
cd "$1"
sed -i "s/^Version: .*/Version: $2/" DEBIAN/control
for script in preinst postinst prerm postrm; do
    sed -i "1a [ ! -e /run/fault/$script ] || . /run/fault/$script" DEBIAN/$script
    echo "[ ! -e /run/fault/$script-end ] || . /run/fault/$script-end" >>DEBIAN/$script
done
echo '# another configuration' >>etc/logrotate.d/neco
old=$(md5sum <usr/sbin/node_exporter)
echo >>usr/sbin/node_exporter
new=$(md5sum <usr/sbin/node_exporter)
sed -i "s/^${old%% *}/${new%% *}/" DEBIAN/md5sums`

// foreign makes the tree of a package a package of another architecture.
const foreign = `
set -e
sed -i "s/^Architecture: .*/Architecture: $2/" "$1/DEBIAN/control"
rm -r "$1/usr/bin" "$1/usr/sbin" "$1/usr/lib"`

// copyPackages builds the packages and copies them to /root of the boot server, with the image
// of etcd.
func copyPackages(ctx SpecContext) {
	GinkgoHelper()
	put := func(from, to string) {
		GinkgoHelper()
		Expect(lab.Copy(ctx, "boot-0", from, "/root/"+to)).To(Succeed())
	}
	var deb string
	for _, p := range []struct{ version, name string }{{first, "first"}, {second, "second"}} {
		var err error
		deb, err = lab.PackageWithTools(ctx, p.version, cke)
		Expect(err).NotTo(HaveOccurred())
		put(deb, p.name+".deb")
	}
	tree := filepath.Join(GinkgoT().TempDir(), "tree")
	command(ctx, "dpkg-deb", "--raw-extract", deb, tree)
	for _, c := range []struct{ name, script, arg string }{{"faulty", change, faulty}, {"foreign", foreign, "arm64"}} {
		command(ctx, "sh", "-c", c.script, "sh", tree, c.arg)
		changed := filepath.Join(filepath.Dir(tree), c.name+".deb")
		command(ctx, "dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", tree, changed)
		put(changed, c.name+".deb")
		Expect(os.Remove(changed)).To(Succeed())
	}
	image, err := built.Image("etcd")
	Expect(err).NotTo(HaveOccurred())
	put(image, "etcd.tar")
}

// command runs a command on this machine. The command must succeed.
func command(ctx SpecContext, name string, args ...string) {
	GinkgoHelper()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), fmt.Sprintf("%s %s: %s", name, strings.Join(args, " "), out))
}
