// Package serf is the component that runs the serf agent, by which boot servers and nodes
// find each other. It must not know other components.
package serf

import (
	"encoding/json"
	"fmt"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
)

// Component is serf.
type Component struct{}

var _ component.Tooled = Component{}

// Name returns the name of the component.
func (Component) Name() string { return program.Serf }

// Image returns the name of the image.
func (Component) Image() string { return program.Serf }

// Tools returns the mount point at which the image expects /usr/local/bin of the host, to
// install the serf command there.
func (Component) Tools() string { return program.ToolsMount(program.Serf) }

// Units returns the units of the component.
func (Component) Units() []component.Unit { return []component.Unit{{Name: neco.SerfService}} }

// Files returns the files of the component.
func (Component) Files(t component.Target) ([]host.File, error) {
	image, err := component.ImageName(t, "serf")
	if err != nil {
		return nil, err
	}
	unit, err := component.ContainerUnit{
		Name: neco.SerfService, Description: "Serf agent", Image: image,
		After: []string{"time-sync.target"}, Wants: []string{"time-sync.target"},
		Conditions: []string{neco.SerfConfFile}, RestartSec: 10, HostUTS: true,
		Options: []string{"--mount=type=bind,source=/etc/serf,target=/etc/serf,readonly"},
		Args:    []string{"agent", "-config-file", neco.SerfConfFile},
	}.File()
	if err != nil {
		return nil, err
	}
	conf, err := config(t)
	return []host.File{conf, unit}, err
}

// agentConfig is the configuration file of the serf agent. Its keys are serf's.
type agentConfig struct {
	Tags              map[string]string `json:"tags"`
	Interface         string            `json:"interface"`
	ReconnectInterval string            `json:"reconnect_interval"`
	ReconnectTimeout  string            `json:"reconnect_timeout"`
	TombstoneTimeout  string            `json:"tombstone_timeout"`
	RetryJoin         []string          `json:"retry_join"`
	RetryMaxAttempts  int               `json:"retry_max_attempts"`
	RetryInterval     string            `json:"retry_interval"`
	LogLevel          string            `json:"log_level"`
	Protocol          int               `json:"protocol"`
}

func config(t component.Target) (host.File, error) {
	c := agentConfig{
		Tags:              component.SerfTags(t),
		Interface:         "node0",
		ReconnectInterval: "30s", ReconnectTimeout: "24h", TombstoneTimeout: "24h",
		RetryJoin: []string{}, RetryMaxAttempts: 0, RetryInterval: "30s",
		LogLevel: "debug", Protocol: 5,
	}
	if room := component.RoomForFailedUnits(t); room < 0 {
		return host.File{}, fmt.Errorf("the tags of this server are %d bytes too long for the 512 that serf carries: check os-release and the serial number", -room)
	}
	for _, lrn := range t.Members {
		if lrn != t.LRN {
			c.RetryJoin = append(c.RetryJoin, neco.BootNode0IP(lrn).String())
		}
	}
	data, err := json.MarshalIndent(c, "", "  ")
	return host.File{Path: neco.SerfConfFile, Data: append(data, '\n'), Mode: 0o644}, err
}
