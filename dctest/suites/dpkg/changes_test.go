//go:build dctest

package dpkg

import "maps"

var (
	daemons  = []string{"neco-updater.service", "neco-worker.service"}
	exporter = []string{"node-exporter.service"}
	timers   = []string{"docker-prune.timer", "export-unit-status.timer", "kill-old-login-sessions.timer", "backup-cke-etcd.timer"}
	backup   = []string{"etcd-backup.timer"}
	// conffile is the file whose changes by an operator stay.
	conffile = "/etc/logrotate.d/neco"
	// plain are the other files of the package in /etc.
	plain = []string{"/etc/profile.d/Z99cybozu.sh", "/etc/pam.d/teleport"}
)

// removed are the changes by a removal, and reinstalled those by an installation after it.
func removed(version string) Changes {
	return All(status("deinstall ok config-files", version), stops(daemons, exporter, timers, backup),
		disabled(daemons, exporter, timers, backup), gone(plain...))
}

func reinstalled(version string) Changes {
	return All(installed(version), runs(daemons, exporter, timers, backup), enabled(daemons, exporter, timers, backup), files(plain...))
}

// except returns changes without those of some keys.
func except(c Changes, keys ...string) Changes {
	c = maps.Clone(c)
	for _, key := range keys {
		delete(c, key)
	}
	return c
}

func units(groups ...[]string) []string {
	var all []string
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// runs means that units get new processes, or start; a timer gets a new start.
func runs(groups ...[]string) Changes { return To(Other, "unit", units(groups...)...) }

func stops(groups ...[]string) Changes { return To("", "unit", units(groups...)...) }

func enabled(groups ...[]string) Changes { return To(Other, "enabled", units(groups...)...) }

func disabled(groups ...[]string) Changes { return To("", "enabled", units(groups...)...) }

// installed means that dpkg has installed a version.
func installed(version string) Changes { return status("install ok installed", version) }

// status is the state of the package in dpkg's database.
func status(state, version string) Changes { return To(state+" "+version, "package", "neco") }

// upgraded means that a version replaces another one.
func upgraded(version string) Changes { return All(installed(version), runs(daemons)) }

// broken means that dpkg reports the package as not well, and sound that it does not any more.
func broken(state, version string) Changes {
	return All(status(state, version), To(Other, "audit", "neco"))
}

func sound() Changes { return To("", "audit", "neco") }

// files means that files appear or change, and gone that they disappear.
func files(names ...string) Changes { return To(Other, "file", names...) }

func gone(names ...string) Changes { return To("", "file", names...) }

// leftovers means that an interrupted dpkg has left temporary files, and clean that they are
// removed.
func leftovers() Changes { return To(Other, "left", "files") }

func clean() Changes { return To("", "left", "files") }
