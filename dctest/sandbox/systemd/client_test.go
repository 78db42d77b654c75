package systemd

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
)

const (
	sleeper = "[Unit]\nDescription=a service\n[Service]\nExecStart=/bin/sleep 3600\n[Install]\nWantedBy=multi-user.target\n"
	unitDir = "/lib/systemd/system/"
)

func TestAServiceIsStartedRestartedAndStopped(t *testing.T) {
	h := newHost(t, map[string]string{unitDir + "a.service": sleeper})
	c := h.client()
	if got := h.job(c.StartUnitContext, "a.service"); got != "done" {
		t.Fatalf("start: %s", got)
	}
	first := h.MainPID("a.service")
	if err := syscall.Kill(first, 0); err != nil {
		t.Fatalf("process %d: %v", first, err)
	}
	if diff := cmp.Diff("loaded active/running success", states(t, c, "a.service")); diff != "" {
		t.Error(diff)
	}
	if got := h.job(c.StartUnitContext, "a.service"); got != "done" || h.MainPID("a.service") != first {
		t.Errorf("a second start: %s, process %d instead of %d", got, h.MainPID("a.service"), first)
	}
	if got := h.job(c.RestartUnitContext, "a.service"); got != "done" || h.MainPID("a.service") == first {
		t.Errorf("restart: %s, still process %d", got, first)
	}
	second := h.MainPID("a.service")
	if got := h.job(c.StopUnitContext, "a.service"); got != "done" || h.MainPID("a.service") != 0 {
		t.Errorf("stop: %s", got)
	}
	for _, pid := range []int{first, second} {
		if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
			t.Errorf("process %d still exists: %v", pid, err)
		}
	}
	if diff := cmp.Diff("loaded inactive/dead success", states(t, c, "a.service")); diff != "" {
		t.Error(diff)
	}
	if got := h.job(c.TryRestartUnitContext, "a.service"); got != "done" || h.MainPID("a.service") != 0 {
		t.Errorf("try-restart of a stopped unit: %s", got)
	}
	if got := h.job(c.ReloadOrRestartUnitContext, "a.service"); got != "done" || h.MainPID("a.service") == 0 {
		t.Errorf("reload-or-restart of a stopped unit: %s", got)
	}
}

func TestUnitsThatCannotBeStarted(t *testing.T) {
	h := newHost(t, map[string]string{
		unitDir + "bad.service":       "[Service]\nType=forking\nExecStart=/bin/true\n",
		unitDir + "empty.service":     "",
		unitDir + "none.service":      "[Unit]\nDescription=nothing to run\n",
		unitDir + "lost.service":      "[Service]\nExecStart=/usr/bin/no-such-program\n",
		unitDir + "quote.service":     "[Service]\nExecStart=/bin/echo \"a\n",
		unitDir + "fails.service":     "[Service]\nType=oneshot\nExecStart=/bin/false\n",
		unitDir + "pre.service":       "[Service]\nExecStartPre=/bin/false\nExecStart=/bin/sleep 3600\n",
		unitDir + "mute.service":      "[Service]\nType=notify\nExecStart=/bin/true\n",
		unitDir + "late.service":      "[Service]\nType=notify\nTimeoutStartSec=50ms\nExecStart=/bin/sleep 3600\n",
		unitDir + "envfile.service":   "[Service]\nEnvironmentFile=/etc/missing\nExecStart=/bin/true\n",
		unitDir + "template@.service": sleeper,
	})
	c := h.client()
	for unit, want := range map[string]string{
		"missing.service":  nameNoSuchUnit,
		"no-suffix":        nameInvalidArgs,
		"../etc/a.service": nameInvalidArgs,
		"bad.service":      nameBadSetting,
		"quote.service":    nameBadSetting,
		"none.service":     nameBadSetting,
		"empty.service":    nameMasked,
		"lost.service":     "failed",
		"fails.service":    "failed",
		"pre.service":      "failed",
		"mute.service":     "failed",
		"late.service":     "failed",
		"envfile.service":  "failed",

		"template@1.service": "done",
	} {
		t.Run(unit, func(t *testing.T) {
			if got := h.job(c.StartUnitContext, unit); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
	for unit, want := range map[string]string{
		"lost.service": "exit-code", "fails.service": "exit-code", "pre.service": "exit-code",
		"mute.service": "protocol", "late.service": "timeout", "envfile.service": "resources",
	} {
		if got := states(t, c, unit); got != "loaded failed/failed "+want {
			t.Errorf("%s is %s, want %s", unit, got, want)
		}
	}
	if got := h.job(c.StopUnitContext, "missing.service"); got != nameNoSuchUnit {
		t.Errorf("stop of a missing unit: %s", got)
	}
	if err := c.ResetFailedUnitContext(t.Context(), "lost.service"); err != nil || states(t, c, "lost.service") != "loaded inactive/dead success" {
		t.Errorf("reset: %v, %s", err, states(t, c, "lost.service"))
	}
}

func TestAnUnmetConditionIsNoFailure(t *testing.T) {
	h := newHost(t, map[string]string{
		unitDir + "a.service": "[Unit]\nConditionPathExists=/etc/a\nConditionPathExists=!/etc/b\n[Service]\nExecStart=/bin/sleep 3600\n",
	})
	c := h.client()
	start := func() string { return h.job(c.StartUnitContext, "a.service") + " " + h.ActiveState("a.service") }
	if got := start(); got != "done inactive" || prop(t, c, "a.service", "ConditionResult") != false {
		t.Errorf("without the file: %s", got)
	}
	h.write("/etc/a", "")
	if got := start(); got != "done active" || prop(t, c, "a.service", "ConditionResult") != true {
		t.Errorf("with the file: %s", got)
	}
	h.write("/etc/b", "")
	if got := h.job(c.RestartUnitContext, "a.service"); got != "done" || h.ActiveState("a.service") != "inactive" {
		t.Errorf("with the other file too: %s, %s", got, h.ActiveState("a.service"))
	}
}

func TestUnitsAreEnabledAndDisabled(t *testing.T) {
	h := newHost(t, map[string]string{
		unitDir + "a.service": sleeper + "Also=b.timer\nAlias=alias.service\n",
		unitDir + "b.timer":   "[Timer]\nOnCalendar=hourly\n[Install]\nWantedBy=timers.target\n",
		unitDir + "c.service": "[Service]\nExecStart=/bin/true\n",
	})
	c := h.client()
	carries, changes, err := c.EnableUnitFilesContext(t.Context(), []string{"a.service"}, false, true)
	if err != nil || !carries {
		t.Fatalf("enable: %v, %v", carries, err)
	}
	want := []dbus.EnableUnitFileChange{
		{Type: "symlink", Filename: "/etc/systemd/system/multi-user.target.wants/a.service", Destination: unitDir + "a.service"},
		{Type: "symlink", Filename: "/etc/systemd/system/alias.service", Destination: unitDir + "a.service"},
		{Type: "symlink", Filename: "/etc/systemd/system/timers.target.wants/b.timer", Destination: unitDir + "b.timer"},
	}
	if diff := cmp.Diff(want, changes); diff != "" {
		t.Error(diff)
	}
	if _, changes, err := c.EnableUnitFilesContext(t.Context(), []string{"a.service"}, false, true); err != nil || len(changes) != 0 {
		t.Errorf("again: %v, %v", changes, err)
	}
	if got := prop(t, c, "a.service", "UnitFileState"); got != "enabled" {
		t.Errorf("state is %v", got)
	}
	if carries, _, err := c.EnableUnitFilesContext(t.Context(), []string{"c.service"}, false, true); err != nil || carries {
		t.Errorf("a unit without [Install]: %v, %v", carries, err)
	}
	if _, _, err := c.EnableUnitFilesContext(t.Context(), []string{"d.service"}, false, true); errorName(err) != nameNoSuchUnit {
		t.Errorf("a missing unit: %v", err)
	}
	if got := h.job(c.StartUnitContext, "alias.service"); got != "done" {
		t.Errorf("start by the alias: %s", got)
	}
	if err := h.Boot(t.Context()); err != nil {
		t.Error(err)
	}
	if h.ActiveState("a.service") != "active" || h.ActiveState("b.timer") != "active" || h.ActiveState("c.service") != "inactive" {
		t.Error("the active units after boot are not the enabled ones")
	}
	removed, err := c.DisableUnitFilesContext(t.Context(), []string{"a.service"}, false)
	if err != nil || len(removed) != 2 {
		t.Errorf("disable: %v, %v", removed, err)
	}
	if got := prop(t, c, "a.service", "UnitFileState"); got != "disabled" || h.ActiveState("a.service") != "active" {
		t.Errorf("after disabling it is %v and %s", got, h.ActiveState("a.service"))
	}
}

func TestTransientUnits(t *testing.T) {
	h := newHost(t, map[string]string{"/usr/bin/tool": "#!/bin/sh\necho \"got $1, $SETTING, $GIVEN\"\ntest ! -e " + "stop\n"})
	c := h.client()
	props := func(more ...dbus.Property) []dbus.Property {
		return append([]dbus.Property{
			dbus.PropDescription("a tool"), dbus.PropType("oneshot"), dbus.PropSlice("system.slice"),
			dbus.PropExecStart([]string{"/usr/bin/tool", "an argument"}, false),
			{Name: "Environment", Value: godbus.MakeVariant([]string{"SETTING=a setting"})},
		}, more...)
	}
	run := func(props []dbus.Property) string {
		return h.job(func(ctx context.Context, name, mode string, done chan<- string) (int, error) {
			return c.StartTransientUnitContext(ctx, name, mode, props, done)
		}, "t.service")
	}
	if got := run(props()); got != "done" || h.log("t.service") != "got an argument, a setting, by options\n" {
		t.Fatalf("got %s: %s", got, h.log("t.service"))
	}
	h.eventually("the unit is forgotten", func() bool { return prop(t, c, "t.service", "LoadState") == "not-found" })

	h.write("stop", "")
	if got := run(props()); got != "failed" {
		t.Fatalf("a tool that fails: %s", got)
	}
	if got := run(props()); got != nameUnitExists {
		t.Errorf("while the failure is not seen: %s", got)
	}
	if err := c.ResetFailedUnitContext(t.Context(), "t.service"); err != nil {
		t.Error(err)
	}
	collected := props(dbus.Property{Name: "CollectMode", Value: godbus.MakeVariant("inactive-or-failed")})
	for range 3 {
		if got := run(collected); got != "failed" {
			t.Errorf("a tool whose failure nobody needs to see: %s", got)
		}
	}
	os.Remove(filepath.Join(h.root, "stop"))
	if got := run(props(dbus.PropRemainAfterExit(true))); got != "done" || states(t, c, "t.service") != "loaded active/exited success" {
		t.Errorf("a unit that remains: %s, %s", got, states(t, c, "t.service"))
	}
	if got := h.job(c.StopUnitContext, "t.service"); got != "done" {
		t.Errorf("stop: %s", got)
	}
	for name, bad := range map[string]dbus.Property{
		nameReadOnly:    {Name: "NoSuchProperty", Value: godbus.MakeVariant("x")},
		nameInvalidArgs: dbus.PropType("strange"),
	} {
		if got := run(props(bad)); got != name {
			t.Errorf("property %s: %s", bad.Name, got)
		}
	}
}

func TestUnitsAreListed(t *testing.T) {
	h := newHost(t, map[string]string{unitDir + "a.service": sleeper, unitDir + "b.service": sleeper})
	c := h.client()
	h.job(c.StartUnitContext, "a.service")
	list, err := c.ListUnitsByNamesContext(t.Context(), []string{"a.service", "b.service", "c.service"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range list {
		got = append(got, strings.Join([]string{s.Name, s.LoadState, s.ActiveState, s.SubState}, " "))
	}
	want := []string{"a.service loaded active running", "b.service loaded inactive dead", "c.service not-found inactive dead"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if list, err := c.ListUnitsContext(t.Context()); err != nil || len(list) != 2 || list[0].Path != "/org/freedesktop/systemd1/unit/a_2eservice" {
		t.Errorf("all: %v, %v", list, err)
	}
	if list, err := c.ListUnitsByPatternsContext(t.Context(), []string{"active"}, []string{"[ab].*"}); err != nil || len(list) != 1 {
		t.Errorf("by pattern: %v, %v", list, err)
	}
	files, err := c.ListUnitFilesByPatternsContext(t.Context(), nil, []string{"[bc].service"})
	if err != nil || len(files) != 1 || files[0] != (dbus.UnitFile{Path: "/lib/systemd/system/b.service", Type: "disabled"}) {
		t.Errorf("files by pattern: %v, %v", files, err)
	}
	if files, err := c.ListUnitFilesByPatternsContext(t.Context(), []string{"enabled"}, nil); err != nil || len(files) != 0 {
		t.Errorf("enabled files: %v, %v", files, err)
	}
	if name, err := c.GetUnitNameByPID(t.Context(), uint32(h.MainPID("a.service"))); err != nil || name != "a.service" {
		t.Errorf("by process: %s, %v", name, err)
	}
	if p, err := c.SystemStateContext(t.Context()); err != nil || p.Value.Value() != "running" {
		t.Errorf("system state: %v, %v", p, err)
	}
}

func TestThePublicAPIWorksWithIt(t *testing.T) {
	h := newHost(t, map[string]string{unitDir + "a.service": sleeper, unitDir + "b.timer": "[Timer]\nOnCalendar=hourly\n[Install]\nWantedBy=timers.target\n"})
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", h.Address())
	ctx := t.Context()
	active := func() bool {
		t.Helper()
		is, err := neco.IsActiveService(ctx, "a")
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	if active() {
		t.Error("the unit is active before its start")
	}
	for _, act := range []struct {
		name string
		do   func(context.Context, string) error
		unit string
		runs bool
	}{
		{"start", neco.StartService, "a", true},
		{"restart", neco.RestartService, "a", true},
		{"disable", neco.DisableService, "a", true},
		{"stop", neco.StopService, "a", false},
		{"stop an unknown one", neco.StopService, "unknown", false},
		{"start a timer", neco.StartTimer, "b", false},
		{"stop a timer", neco.StopTimer, "b", false},
		{"disable a timer", neco.DisableTimer, "b", false},
	} {
		if err := act.do(ctx, act.unit); err != nil || active() != act.runs {
			t.Errorf("%s: %v, active %v", act.name, err, active())
		}
	}
	if err := neco.StartService(ctx, "unknown"); err == nil {
		t.Error("an unknown service starts")
	}
}

func TestAKilledUnitHasFailedAndASignalIsSent(t *testing.T) {
	h := newHost(t, map[string]string{unitDir + "a.service": sleeper})
	c := h.client()
	bus, err := godbus.Connect(h.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	if err := bus.AddMatchSignal(godbus.WithMatchObjectPath(unitPath("a.service"))); err != nil {
		t.Fatal(err)
	}
	signals := make(chan *godbus.Signal, 64)
	bus.Signal(signals)
	h.job(c.StartUnitContext, "a.service")
	if err := c.KillUnitWithTarget(t.Context(), "a.service", dbus.All, int32(syscall.SIGKILL)); err != nil {
		t.Fatal(err)
	}
	var seen []string
	for len(seen) == 0 || seen[len(seen)-1] != "failed" {
		signal := <-signals
		seen = append(seen, signal.Body[1].(map[string]godbus.Variant)["ActiveState"].Value().(string))
	}
	want := []string{"activating", "activating", "active", "deactivating", "failed"}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
	if got := prop(t, c, "a.service", "ExecMainStatus"); got != int32(syscall.SIGKILL) || states(t, c, "a.service") != "loaded failed/failed signal" {
		t.Errorf("%s by %v", states(t, c, "a.service"), got)
	}
}
