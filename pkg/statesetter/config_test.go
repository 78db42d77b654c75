package statesetter_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/statesetter"
)

// load reads a configuration with this text.
func load(t *testing.T, text string) (statesetter.Config, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "config.yml")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := statesetter.Load(name)
	if err != nil && !strings.HasPrefix(err.Error(), name+": ") {
		t.Errorf("the error does not name the file: %v", err)
	}
	return c, err
}

func TestTheConfigurationOfThePackageIsRead(t *testing.T) {
	c, err := statesetter.Load("../../etc/sabakan-state-setter.yml")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Types["qemu"]; got.Grace != 5*time.Second || len(got.Metrics) != 1 {
		t.Errorf("qemu: %+v", got)
	}
	want := statesetter.Metric{
		Name: "hw_systems_storage_drives_status_health", Prefixes: map[string]string{"device": "Disk.Direct"}, MinHealthy: 2,
	}
	if diff := cmp.Diff(want, c.Types["r740xd-ss-2"].Metrics[3]); diff != "" || c.Types["r740xd-ss-2"].Grace != time.Hour {
		t.Errorf("r740xd-ss-2: grace period %s, (-want +got):\n%s", c.Types["r740xd-ss-2"].Grace, diff)
	}
	noon := time.Date(2026, 11, 30, 11, 0, 30, 0, time.UTC)
	if c.Shutdown == nil || !c.Shutdown.Open(noon) || c.Shutdown.Open(noon.Add(time.Hour)) {
		t.Error("retired machines are not powered off at 11:00 UTC alone")
	}
}

func TestAnEmptyConfigurationIsValid(t *testing.T) {
	if c, err := load(t, "# nothing\n"); err != nil || c.Shutdown != nil || len(c.Types) != 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestAWrongConfigurationIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"shutdown-schedul: x":                                                              "line 1: unknown field shutdown-schedul",
		"\nshutdown-schedule: 0 11 * *":                                                    "line 2: shutdown-schedule: not five fields but 4",
		"shutdown-schedule: 0 25 * * *":                                                    "line 1: shutdown-schedule: ",
		"shutdown-schedule: 0 0 31 2 *":                                                    "line 1: shutdown-schedule: there is no such minute",
		"machine-types:\n- name: a\n- metrics: []":                                         "machine type 2 has no name",
		"machine-types:\n- name: a\n- name: a":                                             "line 3: machine type a is there twice",
		"machine-types:\n- name: a\n  grace-period: 1 hour":                                `line 3: grace-period of machine type a: "1 hour": not a duration`,
		"machine-types:\n- name: a\n  grace-period: 31d":                                   "longer than 30d",
		"machine-types:\n- name: a\n  metrics:\n  - selector: {}":                          `line 2: machine type a: "" is not the name of a metric`,
		"machine-types:\n- name: a\n  metrics:\n  - name: x-y":                             `line 4: machine type a: "x-y" is not the name of a metric`,
		"machine-types:\n- name: a\n  metrics:\n  - name: x\n    minimum-healthy-count: 0": "line 4: minimum-healthy-count of metric x is 0",
		"alert-monitor: {}":                                                                "alert-monitor has no alertmanager-endpoint",
		"alert-monitor:\n  alertmanager-endpoint: alerts:9093":                             "line 2: alertmanager-endpoint: it does not begin with http:// or https://",
		"alert-monitor:\n  alertmanager-endpoint: http://a:b@alerts":                       "line 2: alertmanager-endpoint: it has a user name",
		alerting + "- state: unhealthy":                                                    "trigger alert 1 has no name",
		alerting + "- name: a\n    state: unhealthy":                                       "line 4: trigger alert a needs either address-label or serial-label",
		alerting + "- {name: a, address-label: x, serial-label: y, state: unhealthy}":      "line 4: trigger alert a needs either address-label or serial-label",
		alerting + "- {name: a, address-label: x, state: healthy}":                         `line 4: the state of trigger alert a is "healthy", not unhealthy or unreachable`,
		alerting + "- name: a\n    address-label: x":                                       `line 4: the state of trigger alert a is ""`,
		"machine-types:\n- name: a\n  metrics:\n  - name: x\n    minimum: 1":               "line 5: unknown field minimum",
	} {
		if _, err := load(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

// alerting begins a configuration with alerts, up to the first one.
const alerting = "alert-monitor:\n  alertmanager-endpoint: http://alerts:9093\n  trigger-alerts:\n  "
