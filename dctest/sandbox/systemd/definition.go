package systemd

import (
	"fmt"
	"strings"
	"syscall"
	"time"
)

// serviceType says when a service counts as started.
type serviceType string

const (
	typeSimple  serviceType = "simple"  // when its process is there
	typeExec    serviceType = "exec"    // the same here: Go waits for exec
	typeNotify  serviceType = "notify"  // when it says READY=1
	typeOneshot serviceType = "oneshot" // when it has ended
)

// restartPolicy says which ends of a service are not to be its last.
type restartPolicy string

const (
	restartNo         restartPolicy = "no"
	restartAlways     restartPolicy = "always"
	restartOnFailure  restartPolicy = "on-failure"
	restartOnAbnormal restartPolicy = "on-abnormal"
	restartOnSuccess  restartPolicy = "on-success"
)

// command is one line to run.
type command struct {
	argv          []string // not expanded yet, the executable first
	ignoreFailure bool
}

// definition is what a unit's files say. It is not changed once it is built.
type definition struct {
	name        string
	description string
	fragment    string // the file below root that it comes from, "" for a transient unit
	missing     bool   // there is no such file
	masked      bool
	transient   bool
	collect     bool // forget it also when it has failed
	err         error

	conditions []condition
	wants      []string // units to start with it
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

// newDefinition has systemd's defaults.
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

// finish checks a definition when all its settings are known.
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
		d.startTimeout = 0 // a oneshot may take as long as it takes
	}
	switch {
	case d.err != nil:
	case len(d.start) == 0 && len(d.stop) == 0 && !d.transient:
		d.err = fmt.Errorf("%s: no ExecStart=", d.name)
	case len(d.start) > 1 && d.kind != typeOneshot:
		d.err = fmt.Errorf("%s: several ExecStart=, and not of type oneshot", d.name)
	}
}

// loadState is what systemd says about the unit's files.
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

// again reports whether the policy wants another start after such an end.
func (d *definition) again(o outcome) bool {
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
