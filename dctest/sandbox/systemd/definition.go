package systemd

import (
	"fmt"
	"strings"
	"syscall"
	"time"
)

// serviceType determines when a service counts as started.
type serviceType string

const (
	typeSimple  serviceType = "simple"  // when its process was created
	typeExec    serviceType = "exec"    // like simple, because Go always waits for exec
	typeNotify  serviceType = "notify"  // when it sends READY=1
	typeOneshot serviceType = "oneshot" // when it has ended
)

// restartPolicy determines after which outcomes a service is restarted.
type restartPolicy string

const (
	restartNo         restartPolicy = "no"
	restartAlways     restartPolicy = "always"
	restartOnFailure  restartPolicy = "on-failure"
	restartOnAbnormal restartPolicy = "on-abnormal"
	restartOnSuccess  restartPolicy = "on-success"
)

// command is a command in the settings of a unit.
type command struct {
	argv          []string // before the expansion of variables; the executable first
	ignoreFailure bool
}

// definition holds the settings in a unit's files. It is not changed after finish was
// called.
type definition struct {
	name        string
	description string
	fragment    string // the path of the unit file below root, "" for a transient unit
	missing     bool   // the unit file does not exist
	masked      bool
	transient   bool
	collect     bool // unload the unit even if it has failed
	err         error

	conditions []condition
	wants      []string // units to start together with this unit
	install    installInfo

	kind          serviceType
	startPre      []command
	start         []command
	startPost     []command
	stop          []command
	stopPost      []command
	reload        []command
	environment   []string
	envFiles      []string
	directory     string
	remainAfter   bool
	restart       restartPolicy
	restartDelay  time.Duration
	startTimeout  time.Duration
	stopTimeout   time.Duration
	limitInterval time.Duration
	limitBurst    int
	killSignal    syscall.Signal
	killMode      string
	runtimeDirs   []string
	stateDirs     []string
}

// newDefinition returns a definition with systemd's defaults.
func newDefinition(name string) *definition {
	return &definition{
		name:          name,
		description:   name,
		restart:       restartNo,
		restartDelay:  100 * time.Millisecond,
		startTimeout:  90 * time.Second,
		stopTimeout:   90 * time.Second,
		limitInterval: 10 * time.Second,
		limitBurst:    5,
		killSignal:    syscall.SIGTERM,
		killMode:      "control-group",
	}
}

// finish completes and checks the definition. It is called after all settings were read.
func (d *definition) finish() {
	if !strings.HasSuffix(d.name, ".service") {
		return
	}
	if d.kind == "" {
		d.kind = typeSimple
		if len(d.start) == 0 {
			d.kind = typeOneshot
		}
	}
	if d.kind == typeOneshot && d.startTimeout == 90*time.Second {
		d.startTimeout = 0 // the start of a oneshot is unlimited by default
	}
	switch {
	case d.err != nil:
	case len(d.start) == 0 && len(d.stop) == 0 && !d.transient:
		d.err = fmt.Errorf("%s: no ExecStart=", d.name)
	case len(d.start) > 1 && d.kind != typeOneshot:
		d.err = fmt.Errorf("%s: several ExecStart= need Type=oneshot", d.name)
	}
}

// loadState returns the unit's LoadState.
func (d *definition) loadState() string {
	switch {
	case d.masked:
		return "masked"
	case d.missing:
		return "not-found"
	case d.err != nil:
		return "bad-setting"
	}
	return "loaded"
}

func (d *definition) isService() bool { return strings.HasSuffix(d.name, ".service") }

// restarts reports whether the restart policy requires a restart after a process has
// ended with this outcome.
func (d *definition) restarts(o outcome) bool {
	switch d.restart {
	case restartAlways:
		return true
	case restartOnSuccess:
		return o.clean()
	case restartOnFailure:
		return !o.clean()
	case restartOnAbnormal:
		return !o.clean() && o.result != resultExitCode
	}
	return false
}
