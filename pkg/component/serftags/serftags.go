// Package serftags is the component that keeps the changing tags of a boot
// server's serf member up to date: a script and a timer.  It must not know
// other components.
package serftags

import (
	_ "embed"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
)

const name = "setup-serf-tags"

//go:embed setup-serf-tags.sh
var script []byte

//go:embed setup-serf-tags.service
var service []byte

//go:embed setup-serf-tags.timer
var timer []byte

// Component is setup-serf-tags.
type Component struct{}

var _ component.Component = Component{}

// Name of the component.
func (Component) Name() string { return name }

// Units of the component: the timer starts the service.
func (Component) Units() []component.Unit { return []component.Unit{{Name: name, Timer: true}} }

// Files of the component.
func (Component) Files(component.Target) ([]host.File, error) {
	return []host.File{
		{Path: "/usr/local/bin/" + name, Data: script, Mode: 0o755},
		{Path: neco.ServiceFile(name), Data: service, Mode: 0o644},
		{Path: neco.TimerFile(name), Data: timer, Mode: 0o644},
	}, nil
}
