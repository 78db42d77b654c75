package debian

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/dctest/executable"
)

// server is a directory that the real dpkg takes for the root of a boot server, with the
// original's package. The scripts of packages run without chroot: their paths are changed to
// those below the directory. systemctl and journalctl are imitations, which keep the state of
// units in files, because systemd does not run here.
type server struct {
	t   *testing.T
	dir string
}

// systemctl keeps files named after units in state/active, state/enabled and state/stopped. A
// service of CKE runs the contents of its program.
const systemctl = `#!/bin/sh
cd "%s"
echo "$*" >>state/log
verb=
for arg; do
    case $arg in -*) continue ;; esac
    if [ -z "$verb" ]; then verb=$arg; continue; fi
    case $arg in *.*) ;; *) arg=$arg.service ;; esac
    case $verb in
    start | restart)
        [ -e lib/systemd/system/$arg ] || { echo "Unit $arg not found." >&2; exit 5; }
        if [ $arg = cke.service ] && [ ! -e state/active/$arg ]; then cat usr/sbin/cke >state/active/$arg || exit 1; fi
        [ -e state/active/$arg ] || : >state/active/$arg ;;
    stop) [ ! -e state/active/$arg ] || mv state/active/$arg state/stopped/$arg ;;
    enable) [ -e lib/systemd/system/$arg ] && : >state/enabled/$arg ;;
    disable) rm -f state/enabled/$arg ;;
    show) echo 0 ;;
    esac
done
`

// journalctl reports the units that systemctl has stopped.
const journalctl = `#!/bin/sh
cd "%s"
for arg; do
    case $arg in UNIT=*) [ ! -e "state/stopped/${arg#UNIT=}" ] || echo "Stopped ${arg#UNIT=}." ;; esac
done
`

// newServer returns a boot server where all units of the original's package run.
func newServer(t *testing.T) server {
	t.Helper()
	s := server{t, t.TempDir()}
	s.shell(`mkdir -p bin state/active state/enabled state/stopped run/systemd/system tmp \
		var/log var/lib/neco var/lib/dpkg/info var/lib/dpkg/updates etc/bash_completion.d
		: >var/lib/dpkg/status; : >var/lib/dpkg/available; echo 1 >var/lib/dpkg/info/format`)
	for name, text := range map[string]string{"systemctl": systemctl, "journalctl": journalctl} {
		if err := executable.Write(s.path("bin/"+name), fmt.Appendf(nil, text, s.dir)); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := s.dpkg("-i", s.packOriginal()); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s.wantRunning(stoppedUnits)
	return s
}

func (s server) path(name string) string { return filepath.Join(s.dir, name) }

func (s server) read(name string) string {
	s.t.Helper()
	data, err := os.ReadFile(s.path(name))
	if err != nil {
		s.t.Error(err)
	}
	return string(data)
}

// shell runs a script in the directory. The script must succeed.
func (s server) shell(script string) {
	s.t.Helper()
	if out, err := s.output("sh", "-c", "set -e\n"+script); err != nil {
		s.t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

// dpkg runs dpkg in a shell, which reports that dpkg was killed.
func (s server) dpkg(args ...string) (string, error) {
	return s.output("bash", append([]string{"-c", `dpkg --root="$PWD" --force-not-root --force-script-chrootless --force-unsafe-io --log="$PWD/var/log/dpkg.log" "$@"
		code=$?; [ $code != 137 ] || echo Killed; exit $code`, "bash"}, args...)...)
}

// packOriginal builds a package with the scripts and units of the imitation of the original's
// package.
func (s server) packOriginal() string {
	s.t.Helper()
	tree := s.tree("1", "../dctest/original", "prerm", "postinst")
	s.copyUnits(tree, "../dctest/original/files/lib/systemd/system")
	s.programs(tree, "of the original", "/usr/bin/neco", "/usr/bin/ckecli", "/usr/bin/kubectl", "/usr/bin/sabakan-state-setter",
		"/usr/sbin/cke", "/usr/sbin/cke-localproxy", "/usr/sbin/teleport", "/usr/libexec/neco/ctr")
	return s.build(tree)
}

// pack builds a package with the scripts and units of this Neco, after change has changed its
// tree.
func (s server) pack(version string, change func(tree string)) string {
	s.t.Helper()
	tree := s.tree(version, ".", "preinst", "postinst", "prerm", "postrm")
	for _, dir := range []string{"root", "tools/cke/root", "tools/teleport/root", "tools/node_exporter/root"} {
		s.copyUnits(tree, filepath.Join(dir, "lib/systemd/system"))
	}
	s.programs(tree, "of this Neco", "/usr/bin/neco", "/usr/bin/sabakan-state-setter", "/usr/bin/kubectl", "/usr/sbin/teleport", "/usr/libexec/neco/ctr", "/usr/lib/neco/cke/9/cke",
		"/usr/lib/neco/cke/9/cke-localproxy", "/usr/lib/neco/cke/9/ckecli",
		"/usr/share/bash-completion/completions/neco", "/usr/share/bash-completion/completions/kubectl")
	store := s.path("var/lib/neco/cke/current")
	s.shell(fmt.Sprintf(`cd %s
		head -c 1000000 /dev/urandom >usr/bin/neco
		mkdir -p usr/sbin
		ln -s %s/cke %[2]s/cke-localproxy usr/sbin/
		ln -s %[2]s/ckecli usr/bin/`, tree, store))
	if change != nil {
		change(tree)
	}
	s.shell("cd " + tree + "; find usr lib -type f -exec md5sum {} + | sed 's#  #  ./#' >DEBIAN/md5sums")
	return s.build(tree)
}

var (
	rootVariable = regexp.MustCompile(`\$DPKG_ROOT\b`)
	absolutePath = regexp.MustCompile(`(?m)(^|[\s"=(>])/(etc|lib|run|usr|var)/`)
)

// tree makes the directory of a package with the control files, whose scripts are in from.
func (s server) tree(version, from string, scripts ...string) string {
	s.t.Helper()
	tree := s.path("tmp/" + version)
	if err := os.MkdirAll(filepath.Join(tree, "DEBIAN"), 0o755); err != nil {
		s.t.Fatal(err)
	}
	write := func(name, text string, mode os.FileMode) {
		s.t.Helper()
		if err := os.WriteFile(filepath.Join(tree, "DEBIAN", name), []byte(text), mode); err != nil {
			s.t.Fatal(err)
		}
	}
	write("control", "Package: neco\nVersion: "+version+"\nArchitecture: all\nMaintainer: test <test@example.org>\nDescription: test\n", 0o644)
	for _, name := range scripts {
		data, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			s.t.Fatal(err)
		}
		text := rootVariable.ReplaceAllString(string(data), "")
		write(name, absolutePath.ReplaceAllString(text, "${1}"+s.dir+"/$2/"), 0o755)
	}
	return tree
}

func (s server) copyUnits(tree, from string) {
	s.t.Helper()
	from, err := filepath.Abs(from)
	if err != nil {
		s.t.Fatal(err)
	}
	s.shell(fmt.Sprintf("mkdir -p %s/lib/systemd/system; cp -R %s/. %[1]s/lib/systemd/system/", tree, from))
}

// programs writes files that consist of their names and of text.
func (s server) programs(tree, text string, names ...string) {
	s.t.Helper()
	for _, name := range names {
		file := filepath.Join(tree, name)
		err := os.MkdirAll(filepath.Dir(file), 0o755)
		if err == nil {
			err = os.WriteFile(file, []byte(filepath.Base(name)+" "+text+"\n"), 0o755)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// build builds the package of a tree and returns its path.
func (s server) build(tree string) string {
	s.t.Helper()
	deb := tree + ".deb"
	s.shell("dpkg-deb --root-owner-group -Zgzip -z1 --build " + tree + " " + deb + "; rm -r " + tree)
	return strings.TrimSpace(deb)
}
