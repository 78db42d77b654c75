package statesetter_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
)

// alerted is a configuration with a type plain and three kinds of alerts.
func alerted(t *testing.T) statesetter.Config {
	t.Helper()
	c, err := load(t, `
alert-monitor:
  alertmanager-endpoint: http://alerts:9093
  trigger-alerts:
  - name: LinkDown
    labels: {severity: critical}
    address-label: instance
    state: unhealthy
  - name: DiskBroken
    serial-label: serial
    state: unhealthy
  - name: HostDown
    address-label: instance
    state: unreachable
machine-types:
- name: plain
`)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAlertsAreAboutMachines(t *testing.T) {
	unhealthy := func(name string) statesetter.Verdict {
		return statesetter.Verdict{State: sabakan.Unhealthy, Reason: "the alert " + name + " is active", AtOnce: true}
	}
	down := statesetter.Verdict{State: sabakan.Unreachable, Reason: "the alert HostDown is active", AtOnce: true}
	link := func(instance string) map[string]string {
		return map[string]string{"alertname": "LinkDown", "severity": "critical", "instance": instance, "more": "x"}
	}
	host := map[string]string{"alertname": "HostDown", "instance": "10.0.0.4:9100"}
	disk := map[string]string{"alertname": "DiskBroken", "serial": "1", "instance": "10.0.0.9"}
	c := alerted(t)
	m := machine("1", "plain", 0, sabakan.Healthy)
	m.Spec.IPv4 = []netip.Addr{netip.MustParseAddr("10.0.0.3"), netip.MustParseAddr("10.0.0.4")}
	for title, tt := range map[string]struct {
		alerts []map[string]string
		want   statesetter.Verdict
	}{
		"none":               {nil, statesetter.Verdict{}},
		"address":            {[]map[string]string{link("10.0.0.3")}, unhealthy("LinkDown")},
		"address and port":   {[]map[string]string{link("10.0.0.4:9105")}, unhealthy("LinkDown")},
		"mapped address":     {[]map[string]string{link("[::ffff:10.0.0.4]:9105")}, unhealthy("LinkDown")},
		"another address":    {[]map[string]string{link("10.0.0.5")}, statesetter.Verdict{}},
		"no address":         {[]map[string]string{link("rack0-cs1")}, statesetter.Verdict{}},
		"the label is other": {[]map[string]string{{"alertname": "LinkDown", "severity": "info", "instance": "10.0.0.3"}}, statesetter.Verdict{}},
		"the label is away":  {[]map[string]string{{"alertname": "LinkDown", "instance": "10.0.0.3"}}, statesetter.Verdict{}},
		"serial":             {[]map[string]string{disk}, unhealthy("DiskBroken")},
		"another serial":     {[]map[string]string{{"alertname": "DiskBroken", "serial": "11"}}, statesetter.Verdict{}},
		"no serial":          {[]map[string]string{{"alertname": "DiskBroken", "serial": ""}}, statesetter.Verdict{}},
		"unknown alert":      {[]map[string]string{{"alertname": "x", "serial": "1", "instance": "10.0.0.3"}}, statesetter.Verdict{}},
		"unreachable counts": {[]map[string]string{link("10.0.0.3"), host, disk}, down},
		"unreachable first":  {[]map[string]string{host, link("10.0.0.4")}, down},
		"the first trigger":  {[]map[string]string{disk, link("10.0.0.3")}, unhealthy("DiskBroken")},
	} {
		var got statesetter.Verdict
		if v := c.Alarms(tt.alerts).Of(m); v != nil {
			got = *v
		}
		if got != tt.want {
			t.Errorf("%s: %+v, want %+v", title, got, tt.want)
		}
	}
	if v := (statesetter.Alarms{}).Of(m); v != nil {
		t.Errorf("without an answer of Alertmanager: %+v", v)
	}
}

func TestAnAlertCountsBeforeMetricsAndAtOnce(t *testing.T) {
	c := alerted(t)
	disk := c.Alarms([]map[string]string{{"alertname": "DiskBroken", "serial": "1"}})
	m := machine("1", "plain", 0, sabakan.Healthy)
	alive := statesetter.Observation{Members: []statesetter.Member{member("alive", "")}, Alarm: disk.Of(m)}
	if v := c.Judge(m, alive); v.State != sabakan.Unhealthy || v.Reason != "the alert DiskBroken is active" {
		t.Errorf("%+v", v)
	}
	if v := c.Judge(m, statesetter.Observation{Alarm: disk.Of(m)}); v.State != sabakan.Unreachable || v.AtOnce {
		t.Errorf("a machine with an alert that serf does not know: %+v", v)
	}
	alive.Alarm.State = sabakan.Unreachable
	if v := c.Judge(m, alive); v.State != sabakan.Unreachable || !v.AtOnce {
		t.Errorf("an alert that says unreachable: %+v", v)
	}
	if types.NeedsMetrics(machine("1", "server", 0, sabakan.Healthy), alive) {
		t.Error("the metrics of a machine with an alert are read")
	}

	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	one := func(n int) []statesetter.Judgement {
		var all []statesetter.Judgement
		for i := range 20 {
			j := statesetter.Judgement{Machine: machine(string(rune('a'+i)), "plain", i, sabakan.Healthy), Observation: statesetter.Observation{Members: alive.Members}}
			if i < n {
				j.Observation.Alarm = disk.Of(m)
			}
			j.Verdict = c.Judge(j.Machine, j.Observation)
			all = append(all, j)
		}
		return all
	}
	if o, _ := c.Round(now, time.Minute, valve, one(1), statesetter.Memory{}); len(o.Changes) != 1 || o.Changes[0].To != sabakan.Unhealthy {
		t.Errorf("in the first round: %+v", o)
	}
	if o, _ := c.Round(now, time.Minute, valve, one(20), statesetter.Memory{}); len(o.Changes) != 0 || len(o.Closings) != 1 {
		t.Errorf("alerts about all machines: %+v", o)
	}
}
