package statesetter_test

import (
	"maps"
	"os"
	"slices"
	"testing"

	"sigs.k8s.io/yaml"
)

// metric is a condition of a type of machines in the configuration of sabakan-state-setter.
type metric struct {
	Name     string `json:"name"`
	Selector struct {
		Labels      map[string]string `json:"labels"`
		LabelPrefix map[string]string `json:"label-prefix"`
	} `json:"selector"`
	MinimumHealthyCount *int `json:"minimum-healthy-count"`
}

// drives returns how many drives must be healthy, by the prefix of their names.
func drives(metrics []metric) map[string]int {
	all := map[string]int{}
	for _, m := range metrics {
		switch m.Name {
		case "hw_systems_storage_drives_status_health":
			all[m.Selector.LabelPrefix["device"]] += *m.MinimumHealthyCount
		case "hw_systems_simplestorage_controllers_devices_status_health":
			all["simple storage"] += *m.MinimumHealthyCount
		}
	}
	return all
}

func TestEachTypeOfMachinesHasItsMetrics(t *testing.T) {
	data, err := os.ReadFile("../../../etc/sabakan-state-setter.yml")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		ShutdownSchedule string `json:"shutdown-schedule"`
		MachineTypes     []struct {
			Name        string   `json:"name"`
			GracePeriod string   `json:"grace-period"`
			Metrics     []metric `json:"metrics"`
		} `json:"machine-types"`
	}
	if err := yaml.UnmarshalStrict(data, &config); err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]int{
		"qemu": {}, "r640-boot-1": {"": 1}, "r640-boot-2": {"": 1}, "r640-cs-1": {"": 2}, "r640-cs-2": {"": 2},
		"r740xd-ss-2": {"Disk.Direct": 2, "simple storage": 10}, "r6525-boot-1": {"": 1}, "r6525-cs-1": {"": 3},
		"r7525-ss-1": {"Disk.Direct": 2, "NonRAID": 7},
	}
	got := map[string]map[string]int{}
	for _, m := range config.MachineTypes {
		got[m.Name] = drives(m.Metrics)
		names := map[string]bool{}
		for _, metric := range m.Metrics {
			names[metric.Name] = true
		}
		for _, name := range []string{"hw_systems_processors_status_health", "hw_systems_memorysummary_status_health", "hw_chassis_power_voltages_status_health"} {
			if m.Name != "qemu" && !names[name] {
				t.Errorf("%s has no metric %s", m.Name, name)
			}
		}
	}
	if !maps.EqualFunc(got, want, maps.Equal) {
		t.Errorf("healthy drives %v, want %v; types %q", got, want, slices.Sorted(maps.Keys(got)))
	}
	if config.ShutdownSchedule != "0 11 * * *" {
		t.Errorf("shutdown at %q", config.ShutdownSchedule)
	}
}
