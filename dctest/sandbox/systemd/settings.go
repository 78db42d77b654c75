package systemd

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// setting stores the value of a setting in a definition.
type setting func(d *definition, value string) error

// settings returns the supported settings, by section and name. All other settings are
// ignored.
func settings() map[string]setting {
	return map[string]setting{
		"Unit.Description":           func(d *definition, v string) error { d.description = v; return nil },
		"Unit.Wants":                 list(func(d *definition) *[]string { return &d.wants }),
		"Unit.Requires":              list(func(d *definition) *[]string { return &d.wants }),
		"Unit.BindsTo":               list(func(d *definition) *[]string { return &d.wants }),
		"Unit.StartLimitIntervalSec": span(func(d *definition) *time.Duration { return &d.limitInterval }),
		"Unit.StartLimitInterval":    span(func(d *definition) *time.Duration { return &d.limitInterval }),
		"Unit.StartLimitBurst":       setBurst,
		"Unit.ConditionPathExists":   addCondition(conditionPathExists),
		"Unit.ConditionFileNotEmpty": addCondition(conditionFileNotEmpty),
		"Unit.ConditionPathIsDirectory": addCondition(
			conditionPathIsDirectory),

		"Service.StartLimitInterval": span(func(d *definition) *time.Duration { return &d.limitInterval }),
		"Service.StartLimitBurst":    setBurst,
		"Service.Type":               setType,
		"Service.ExecStartPre":       commands(func(d *definition) *[]command { return &d.startPre }),
		"Service.ExecStart":          commands(func(d *definition) *[]command { return &d.start }),
		"Service.ExecStartPost":      commands(func(d *definition) *[]command { return &d.startPost }),
		"Service.ExecStop":           commands(func(d *definition) *[]command { return &d.stop }),
		"Service.ExecStopPost":       commands(func(d *definition) *[]command { return &d.stopPost }),
		"Service.ExecReload":         commands(func(d *definition) *[]command { return &d.reload }),
		"Service.Environment":        list(func(d *definition) *[]string { return &d.environment }),
		"Service.EnvironmentFile":    list(func(d *definition) *[]string { return &d.envFiles }),
		"Service.WorkingDirectory":   func(d *definition, v string) error { d.directory = strings.TrimPrefix(v, "-"); return nil },
		"Service.RemainAfterExit":    func(d *definition, v string) error { d.remainAfter = parseBool(v); return nil },
		"Service.Restart":            setRestart,
		"Service.RestartSec":         span(func(d *definition) *time.Duration { return &d.restartDelay }),
		"Service.TimeoutStartSec":    span(func(d *definition) *time.Duration { return &d.startTimeout }),
		"Service.TimeoutStopSec":     span(func(d *definition) *time.Duration { return &d.stopTimeout }),
		"Service.TimeoutSec":         setTimeouts,
		"Service.KillSignal":         setSignal,
		"Service.KillMode":           func(d *definition, v string) error { d.killMode = v; return nil },
		"Service.RuntimeDirectory":   list(func(d *definition) *[]string { return &d.runtimeDirs }),
		"Service.StateDirectory":     list(func(d *definition) *[]string { return &d.stateDirs }),

		"Install.WantedBy":   list(func(d *definition) *[]string { return &d.install.wantedBy }),
		"Install.RequiredBy": list(func(d *definition) *[]string { return &d.install.requiredBy }),
		"Install.Alias":      list(func(d *definition) *[]string { return &d.install.alias }),
		"Install.Also":       list(func(d *definition) *[]string { return &d.install.also }),
	}
}

// list returns a setting that appends words to a list. An empty value clears the list.
func list(field func(*definition) *[]string) setting {
	return func(d *definition, value string) error {
		words, err := splitWords(value)
		if err != nil {
			return err
		}
		if len(words) == 0 {
			*field(d) = nil
			return nil
		}
		*field(d) = append(*field(d), words...)
		return nil
	}
}

func span(field func(*definition) *time.Duration) setting {
	return func(d *definition, value string) (err error) {
		*field(d), err = parseSpan(value)
		return err
	}
}

// commands returns a setting that appends a command line to a list. An empty value clears
// the list.
func commands(field func(*definition) *[]command) setting {
	return func(d *definition, value string) error {
		if value == "" {
			*field(d) = nil
			return nil
		}
		c, err := parseCommand(value)
		if err != nil {
			return err
		}
		*field(d) = append(*field(d), c)
		return nil
	}
}

func parseCommand(value string) (command, error) {
	var c command
	line := strings.TrimLeft(value, "-@:+!|")
	prefix := value[:len(value)-len(line)]
	c.ignoreFailure = strings.Contains(prefix, "-")
	words, err := splitWords(line)
	if err != nil {
		return c, err
	}
	if strings.Contains(prefix, "@") && len(words) > 1 {
		words = append(words[:1], words[2:]...) // a custom argv[0] is not supported
	}
	if len(words) == 0 {
		return c, fmt.Errorf("no executable in %q", value)
	}
	c.argv = words
	return c, nil
}

func setType(d *definition, value string) error {
	switch t := serviceType(value); t {
	case typeSimple, typeExec, typeNotify, typeOneshot:
		d.kind = t
		return nil
	case "idle":
		d.kind = typeSimple
		return nil
	}
	return fmt.Errorf("type %q is not supported", value)
}

func setRestart(d *definition, value string) error {
	switch p := restartPolicy(value); p {
	case restartNo, restartAlways, restartOnFailure, restartOnAbnormal, restartOnSuccess:
		d.restart = p
		return nil
	}
	return fmt.Errorf("restart %q is not supported", value)
}

func setBurst(d *definition, value string) (err error) {
	d.limitBurst, err = strconv.Atoi(value)
	return err
}

func setTimeouts(d *definition, value string) (err error) {
	d.startTimeout, err = parseSpan(value)
	d.stopTimeout = d.startTimeout
	return err
}

func setSignal(d *definition, value string) error {
	if n, err := strconv.Atoi(value); err == nil && n > 0 && n < 64 {
		d.killSignal = syscall.Signal(n)
		return nil
	}
	name := value
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	s := unix.SignalNum(name)
	if s == 0 {
		return fmt.Errorf("unknown signal %q", value)
	}
	d.killSignal = s
	return nil
}
