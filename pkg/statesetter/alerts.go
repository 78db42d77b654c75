package statesetter

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/cybozu-go/neco/internal/weburl"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// alertNameLabel is the label of an alert with its name.
const alertNameLabel = "alertname"

// Alerts says which alerts of Alertmanager are about machines.
type Alerts struct {
	// Endpoint is the URL of Alertmanager.
	Endpoint string
	// Triggers are the alerts. If several are about the same machine, the first one counts that
	// says unreachable, otherwise the first one.
	Triggers []Trigger
}

// Trigger is a kind of alert, and the state of the machines that it is about.
type Trigger struct {
	Name string
	// Labels are further labels of the alert with their values.
	Labels map[string]string
	// Address is the label with the address of the machine, with or without a port, and Serial the
	// one with its serial number. One of them is empty.
	Address, Serial string
	// State is Unhealthy or Unreachable.
	State sabakan.State
}

// Alarms are the machines that active alerts are about.
type Alarms struct {
	bySerial  map[string]Verdict
	byAddress map[netip.Addr]Verdict
}

// Alarms returns what follows from active alerts, of which labels are all labels of each.
func (c Config) Alarms(labels []map[string]string) Alarms {
	a := Alarms{map[string]Verdict{}, map[netip.Addr]Verdict{}}
	if c.Alerts == nil {
		return a
	}
	for _, t := range c.Alerts.Triggers {
		v := Verdict{State: t.State, Reason: fmt.Sprintf("the alert %s is active", t.Name), AtOnce: true}
		for _, alert := range labels {
			if !t.matches(alert) {
				continue
			}
			if address, ok := addressIn(alert[t.Address]); ok {
				a.byAddress[address] = first(a.byAddress[address], v)
			}
			if serial := alert[t.Serial]; serial != "" {
				a.bySerial[serial] = first(a.bySerial[serial], v)
			}
		}
	}
	return a
}

// Of returns the verdict of the alerts about the machine m, or nil.
func (a Alarms) Of(m sabakan.Machine) *Verdict {
	v := a.bySerial[m.Spec.Serial]
	for _, address := range m.Spec.IPv4 {
		if other, ok := a.byAddress[address]; ok {
			v = first(v, other)
		}
	}
	if v == (Verdict{}) {
		return nil
	}
	return &v
}

// first returns the one of two verdicts that counts. a may be the zero value.
func first(a, b Verdict) Verdict {
	if a == (Verdict{}) || a.State != sabakan.Unreachable && b.State == sabakan.Unreachable {
		return b
	}
	return a
}

// matches reports whether an alert with these labels is of the kind t.
func (t Trigger) matches(labels map[string]string) bool {
	for name, value := range t.Labels {
		if labels[name] != value {
			return false
		}
	}
	return labels[alertNameLabel] == t.Name
}

// addressIn returns the address in the value of a label, such as that of instance.
func addressIn(value string) (netip.Addr, bool) {
	if address, err := netip.ParseAddr(value); err == nil {
		return address.Unmap(), true
	}
	pair, err := netip.ParseAddrPort(value)
	return pair.Addr().Unmap(), err == nil
}

// alertMonitor is the part of the configuration about alerts as it is in the file.
type alertMonitor struct {
	Endpoint *text     `yaml:"alertmanager-endpoint"`
	Triggers []trigger `yaml:"trigger-alerts"`
}

type trigger struct {
	Name         text              `yaml:"name"`
	Labels       map[string]string `yaml:"labels"`
	AddressLabel string            `yaml:"address-label"`
	SerialLabel  string            `yaml:"serial-label"`
	State        text              `yaml:"state"`
}

// parse checks the part of the configuration about alerts.
func (m alertMonitor) parse() (*Alerts, error) {
	if m.Endpoint == nil {
		return nil, errors.New("alert-monitor has no alertmanager-endpoint")
	}
	a := &Alerts{Endpoint: m.Endpoint.value}
	u, err := weburl.Parse(a.Endpoint)
	if err == nil && u.User != nil {
		err = errors.New("it has a user name, but everyone can read this file")
	}
	if err != nil {
		return nil, fmt.Errorf("line %d: alertmanager-endpoint: %w", m.Endpoint.line, err)
	}
	for i, t := range m.Triggers {
		checked := Trigger{t.Name.value, t.Labels, t.AddressLabel, t.SerialLabel, sabakan.State(t.State.value)}
		switch {
		case checked.Name == "":
			return nil, fmt.Errorf("trigger alert %d has no name", i+1)
		case (checked.Address == "") == (checked.Serial == ""):
			return nil, fmt.Errorf("line %d: trigger alert %s needs either address-label or serial-label", t.Name.line, checked.Name)
		case !slices.Contains([]sabakan.State{sabakan.Unhealthy, sabakan.Unreachable}, checked.State):
			return nil, fmt.Errorf("line %d: the state of trigger alert %s is %q, not %s or %s", max(t.State.line, t.Name.line), checked.Name, checked.State, sabakan.Unhealthy, sabakan.Unreachable)
		}
		a.Triggers = append(a.Triggers, checked)
	}
	return a, nil
}
