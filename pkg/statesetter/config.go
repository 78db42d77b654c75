package statesetter

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/cybozu-go/neco/internal/duration"
	"github.com/cybozu-go/neco/internal/strictyaml"
	"github.com/cybozu-go/neco/pkg/releasetime"
)

// DefaultGrace is the grace period of machines whose type has none in the configuration.
const DefaultGrace = time.Hour

// maxGrace is the longest grace period: a machine that is broken for longer should be
// reported whatever its type is.
const maxGrace = 30 * duration.Day

// metricName matches the name of a metric of Prometheus.
var metricName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)

// Config is the configuration of sabakan-state-setter.
type Config struct {
	// Shutdown has the minutes in UTC in which retired machines are powered off; nil: never.
	Shutdown *releasetime.Windows
	// Types are the types of machines by name, the value of the label machine-type in sabakan.
	Types map[string]MachineType
	// Alerts are the alerts about machines; nil: none.
	Alerts *Alerts
}

// MachineType is what a type of machines needs to be healthy.
type MachineType struct {
	// Grace is how long a machine must be unhealthy before sabakan is told.
	Grace time.Duration
	// Metrics are the conditions, all of which must hold.
	Metrics []Metric
}

// Metric is a condition: of the series of a metric that the selector selects, there is at
// least one, and all of them are 0.
type Metric struct {
	Name string
	// Labels are labels of the selected series with their values, and Prefixes labels with the
	// beginnings of their values. If both are empty, all series are selected.
	Labels, Prefixes map[string]string
	// MinHealthy is how many of the selected series must be 0, if not all; 0: all.
	MinHealthy int
}

// text is a text in the configuration, and the line on which it is.
type text struct {
	value string
	line  int
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (t *text) UnmarshalYAML(n *yaml.Node) error {
	t.line = n.Line
	return n.Decode(&t.value)
}

// document is the configuration as it is in the file.
type document struct {
	ShutdownSchedule *text         `yaml:"shutdown-schedule"`
	MachineTypes     []machineType `yaml:"machine-types"`
	AlertMonitor     *alertMonitor `yaml:"alert-monitor"`
}

type machineType struct {
	Name        text  `yaml:"name"`
	GracePeriod *text `yaml:"grace-period"`
	Metrics     []struct {
		Name     text `yaml:"name"`
		Selector struct {
			Labels      map[string]string `yaml:"labels"`
			LabelPrefix map[string]string `yaml:"label-prefix"`
		} `yaml:"selector"`
		MinimumHealthyCount *int `yaml:"minimum-healthy-count"`
	} `yaml:"metrics"`
}

// Load reads the configuration in the YAML file called name. An error names the file, the line
// and the field.
func Load(name string) (Config, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return Config{}, err
	}
	c, err := parse(data)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

func parse(data []byte) (Config, error) {
	var d document
	if err := strictyaml.Decode(data, &d); err != nil {
		return Config{}, err
	}
	c := Config{Types: map[string]MachineType{}}
	if s := d.ShutdownSchedule; s != nil {
		w, err := releasetime.Parse(s.value, "UTC")
		if err == nil && w.Never() {
			err = errors.New("there is no such minute; remove the field if retired machines stay on")
		}
		if err != nil {
			return Config{}, fmt.Errorf("line %d: shutdown-schedule: %w", s.line, err)
		}
		c.Shutdown = &w
	}
	if d.AlertMonitor != nil {
		var err error
		if c.Alerts, err = d.AlertMonitor.parse(); err != nil {
			return Config{}, err
		}
	}
	for i, m := range d.MachineTypes {
		if m.Name.value == "" {
			return Config{}, fmt.Errorf("machine type %d has no name", i+1)
		}
		if _, ok := c.Types[m.Name.value]; ok {
			return Config{}, fmt.Errorf("line %d: machine type %s is there twice", m.Name.line, m.Name.value)
		}
		t, err := m.parse()
		if err != nil {
			return Config{}, err
		}
		c.Types[m.Name.value] = t
	}
	return c, nil
}

// parse checks a type of machines.
func (m machineType) parse() (MachineType, error) {
	t := MachineType{Grace: DefaultGrace}
	if g := m.GracePeriod; g != nil {
		var err error
		if t.Grace, err = duration.Parse(g.value, 0, maxGrace); err != nil {
			return t, fmt.Errorf("line %d: grace-period of machine type %s: %q: %w; it is %s", g.line, m.Name.value, g.value, err, duration.Range(0, maxGrace))
		}
	}
	for _, metric := range m.Metrics {
		checked := Metric{Name: metric.Name.value, Labels: metric.Selector.Labels, Prefixes: metric.Selector.LabelPrefix}
		if !metricName.MatchString(checked.Name) {
			return t, fmt.Errorf("line %d: machine type %s: %q is not the name of a metric", max(metric.Name.line, m.Name.line), m.Name.value, checked.Name)
		}
		if n := metric.MinimumHealthyCount; n != nil {
			if checked.MinHealthy = *n; *n < 1 {
				return t, fmt.Errorf("line %d: minimum-healthy-count of metric %s is %d, but must be 1 or more; without the field, all must be healthy", metric.Name.line, checked.Name, *n)
			}
		}
		t.Metrics = append(t.Metrics, checked)
	}
	return t, nil
}

// selector returns the condition on labels for people, such as {device=~"Disk.Direct.*"}, or
// an empty text.
func (m Metric) selector() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(m.Labels)) {
		all = append(all, fmt.Sprintf("%s=%q", name, m.Labels[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(m.Prefixes)) {
		all = append(all, fmt.Sprintf("%s=%q…", name, m.Prefixes[name]))
	}
	if len(all) == 0 {
		return ""
	}
	return "{" + strings.Join(all, ", ") + "}"
}
