//go:build dctest

package dpkg

import "slices"

// ways are all ways on a member of a data centre. They begin and end with the first version.
func ways() []way {
	return slices.Concat(upgrades(), choices(), removals(), failures(), kills(), refusals(), fullDisks())
}

// bare is the installation on a server that is no member of a data centre yet.
func bare() way {
	return way{"installs the package on a bare server", []step{
		{script: "dpkg -i /root/first.deb", want: All(installed(first), runs(exporter, timers), enabled(daemons, exporter, timers),
			files(conffile), files(plain...))},
	}}
}

// back is the step that installs the first version again.
func back(more ...Changes) step {
	return step{script: "dpkg -i /root/first.deb", want: All(append([]Changes{upgraded(first)}, more...)...)}
}

func upgrades() []way {
	return []way{
		{"upgrades, installs the same version again, and downgrades", []step{
			{script: "dpkg -i /root/second.deb", want: upgraded(second)},
			{script: "dpkg -i /root/second.deb", want: runs(daemons)},
			back(),
		}},
		{"is run by neco-worker for an update", []step{
			{script: "systemd-run --quiet --wait --unit neco-install /usr/sbin/neco-worker install /root/second.deb", want: upgraded(second)},
			back(),
		}},
		{"upgrades where node_exporter and the configuration file have changed", []step{
			{script: "dpkg -i /root/faulty.deb", want: All(upgraded(faulty), runs(exporter), files(conffile))},
			back(runs(exporter), files(conffile)),
		}},
	}
}

// choices are ways that concern what an operator has chosen.
func choices() []way {
	const keep = "dpkg --force-confdef --force-confold -i "
	masked := []string{"unit docker-prune.timer", "enabled docker-prune.timer"}
	return []way{
		{"keeps an operator's configuration file", []step{
			{script: "echo '# mine' >>" + conffile, want: files(conffile)},
			{script: keep + "/root/faulty.deb", want: All(upgraded(faulty), runs(exporter), files(conffile+".dpkg-dist"))},
			{script: keep + "/root/first.deb", want: All(upgraded(first), runs(exporter), files(conffile+".dpkg-dist"))},
			{script: "rm " + conffile + ".dpkg-dist; sed -i '/# mine/d' " + conffile, want: All(files(conffile), gone(conffile+".dpkg-dist"))},
		}},
		{"leaves a masked unit masked and a stopped daemon stopped, and starts a disabled timer", []step{
			{script: "systemctl mask --now docker-prune.timer; systemctl disable --now export-unit-status.timer; systemctl stop neco-updater node-exporter",
				want: All(stops(timers[:2], daemons[:1], exporter), disabled(timers[1:2]), To(Other, "masked", timers[0]))},
			{script: "dpkg -i /root/second.deb", says: "docker-prune.timer stays disabled",
				want: All(installed(second), runs(daemons[1:], timers[1:2]), enabled(timers[1:2]))},
			{script: "dpkg -i /root/first.deb", want: All(installed(first), runs(daemons[1:]))},
			{script: "dpkg -r neco", want: except(removed(first), masked...)},
			{script: "dpkg -i /root/first.deb", says: "docker-prune.timer stays disabled",
				want: except(reinstalled(first), masked...)},
			{script: "systemctl unmask docker-prune.timer; systemctl start docker-prune.timer",
				want: All(runs(timers[:1]), To("", "masked", timers[0]))},
		}},
	}
}

func removals() []way {
	return []way{
		{"removes the package, and installs it again", []step{
			{script: "dpkg -r neco", want: removed(first)},
			{script: "dpkg -i /root/first.deb", want: reinstalled(first)},
		}},
		{"purges the package, and installs it again", []step{
			{script: "dpkg -P neco", want: All(removed(first), To("", "package", "neco"), gone(conffile)),
				says: "stay: /etc/neco /var/lib/neco /etc/etcd /var/lib/etcd-container /var/lib/etcd-backup /etc/vault"},
			{script: "dpkg -i /root/first.deb", want: All(reinstalled(first), files(conffile))},
		}},
		{"runs all units again if the script of a removal fails", []step{
			{script: "dpkg -i /root/faulty.deb", want: All(upgraded(faulty), runs(exporter), files(conffile))},
			{script: "fault prerm 'exit 1'; dpkg -r neco", fails: "pre-removal script", want: status("deinstall ok installed", faulty)},
			{script: "fault prerm-end 'exit 1'; dpkg -r neco", fails: "pre-removal script",
				want: runs(daemons, exporter, timers, backup)},
			{script: "dpkg -i /root/first.deb", want: All(upgraded(first), runs(exporter), files(conffile))},
		}},
	}
}

// failures are packages whose scripts fail.
func failures() []way {
	return []way{
		{"changes nothing if the preinst script fails", []step{
			{script: "fault preinst 'exit 1'; dpkg -i /root/faulty.deb", fails: "pre-installation script"},
		}},
		{"leaves everything running if the postinst script fails", []step{
			{script: "fault postinst 'exit 1'; dpkg -i /root/faulty.deb", fails: "post-installation script",
				want: All(broken("install ok half-configured", faulty), files(conffile))},
			{script: "fault postinst 'exit 1'; dpkg --configure -a", fails: "post-installation script"},
			{script: "dpkg --configure -a", want: All(upgraded(faulty), runs(exporter), sound())},
			back(runs(exporter), files(conffile)),
		}},
		{"completes the configuration if the next package fails, too", []step{
			{script: "fault postinst 'exit 1'; dpkg -i /root/faulty.deb", fails: "post-installation script",
				want: All(broken("install ok half-configured", faulty), files(conffile))},
			{script: "head -c 30000000 /root/second.deb >/root/cut.deb; dpkg -i /root/cut.deb", fails: "error processing archive",
				want: All(upgraded(faulty), runs(exporter), sound())},
			back(runs(exporter), files(conffile)),
		}},
		{"goes back to the former version if the postinst script fails", []step{
			{script: "fault postinst 'exit 1'; dpkg -i /root/faulty.deb", fails: "post-installation script",
				want: All(broken("install ok half-configured", faulty), files(conffile))},
			{script: "dpkg -i /root/first.deb", want: All(upgraded(first), sound(), files(conffile))},
		}},
	}
}

// kills are runs of dpkg that are killed.
func kills() []way {
	half := broken("install reinstreq half-installed", first)
	repaired := All(upgraded(first), sound())
	// replaced is the program that is another one in the faulty package.
	const replaced = "/usr/libexec/neco/node_exporter"
	return []way{
		{"is killed in the preinst script", []step{
			{script: `fault preinst "$kill_dpkg"; dpkg -i /root/faulty.deb`, fails: "Killed", want: half},
			{script: "dpkg --configure -a"},
			{script: "dpkg -i /root/second.deb", want: All(upgraded(second), sound())},
			back(),
		}},
		{"is killed at the beginning of the files", []step{
			{script: "killed 100000 -i /root/second.deb", fails: "Killed", want: All(half, leftovers())},
			{script: "dpkg --configure -a"},
			{script: "dpkg -i /root/first.deb", want: All(repaired, clean())},
		}},
		{"is killed in the middle of the files", []step{
			{script: "killed 80000000 -i /root/second.deb", fails: "Killed", want: All(half, leftovers())},
			{script: "dpkg --configure -a"},
			{script: "dpkg -i /root/second.deb", want: All(upgraded(second), sound(), clean())},
			back(),
		}},
		{"is killed when the files are replaced", []step{
			{script: "dpkg -i /root/faulty.deb", want: All(upgraded(faulty), runs(exporter), files(conffile))},
			{script: `fault postrm "$kill_dpkg"; dpkg -i /root/second.deb`, fails: "Killed",
				want: All(broken("install reinstreq half-installed", faulty), leftovers(), To(Other, "damaged", replaced))},
			{script: "dpkg --configure -a"},
			{script: "dpkg -i /root/first.deb", want: All(repaired, runs(exporter), files(conffile), clean(), To("", "damaged", replaced))},
		}},
		{"ends between the files and the postinst script", []step{
			{script: "dpkg --unpack /root/second.deb", want: All(broken("install ok unpacked", second), leftovers())},
			{script: "dpkg --configure -a", want: All(upgraded(second), sound(), clean())},
			back(),
		}},
		{"is killed in the postinst script", []step{
			{script: `fault postinst "$kill_dpkg"; dpkg -i /root/faulty.deb`, fails: "Killed",
				want: All(broken("install ok half-configured", faulty), files(conffile))},
			{script: "dpkg --configure -a", want: All(upgraded(faulty), runs(exporter), sound())},
			back(runs(exporter), files(conffile)),
		}},
		{"is killed at the end of the postinst script, and neco-worker repairs that", []step{
			{script: `fault postinst-end "rm -r /run/fault; $kill_dpkg"; dpkg -i /root/faulty.deb`, fails: "Killed",
				want: All(upgraded(faulty), runs(exporter), files(conffile)), heals: true},
			back(runs(exporter), files(conffile)),
		}},
	}
}

// refusals are package files that dpkg refuses.
func refusals() []way {
	all := []way{{"refuses a package of another architecture", []step{
		{script: "dpkg -i /root/foreign.deb", fails: `architecture \(arm64\) does not match`},
	}}}
	for _, cut := range []struct{ where, size string }{
		{"at its beginning", "0"},
		{"in the header of the archive", "100"},
		{"in its control files", "1000"},
		{"at the beginning of its files", "100000"},
		{"in the middle of its files", "$(($(stat -c %s /root/second.deb) / 2))"},
		// dpkg does not read the last byte: it may be padding.
		{"before the end of its files", "-2"},
	} {
		all = append(all, way{"refuses a package that is cut off " + cut.where, []step{
			{script: "head -c " + cut.size + " /root/second.deb >/root/cut.deb; dpkg -i /root/cut.deb", fails: "error processing archive"},
		}})
	}
	return all
}

// fullDisks are installations on full file systems.
func fullDisks() []way {
	var all []way
	for _, c := range []struct {
		name, dir, kib string
		want           Changes
		then           []step
	}{
		{"changes nothing if there is space for no file of the package", "/usr/share/neco", "0", nil, nil},
		{"changes nothing if there is space for some files of the package", "/usr/share/neco", "200", nil, nil},
		{"changes nothing if dpkg's database has space for nothing", "/var/lib/dpkg", "0", nil, nil},
		{"changes nothing if dpkg's database has space for a part of the control files", "/var/lib/dpkg", "28", nil, nil},
		{"installs the package if dpkg's database has no space for the list of packages", "/var/lib/dpkg", "100", upgraded(second), []step{back()}},
	} {
		script := "small " + c.dir + " " + c.kib + "; dpkg -i /root/second.deb; code=$?; release " + c.dir + "; exit $code"
		all = append(all, way{c.name, append([]step{
			{script: script, fails: "No space left on device", want: c.want},
			{script: "dpkg --configure -a"},
		}, c.then...)})
	}
	return all
}
