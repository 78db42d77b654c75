// Package serftags is the component that keeps the changing tags of a boot server's serf
// member up to date: a script and a timer. It must not know other components.
package serftags

import (
	"bytes"
	_ "embed"
	"text/template"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
)

const name = program.SetupSerfTags

//go:embed setup-serf-tags.sh
var script string

//go:embed setup-serf-tags.service
var service []byte

//go:embed setup-serf-tags.timer
var timer []byte

// Component is setup-serf-tags.
type Component struct{}

var _ component.Component = Component{}

// Name returns the name of the component.
func (Component) Name() string { return name }

// Units returns the timer, which regularly starts the service.
func (Component) Units() []component.Unit { return []component.Unit{{Name: name, Timer: true}} }

// Files returns the files of the component.
func (Component) Files(t component.Target) ([]host.File, error) {
	parsed, err := template.New(name).Parse(script)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	limits := struct{ Room, Version int }{max(component.RoomForFailedUnits(t), 0), component.MaxVersionTag}
	if err := parsed.Execute(&b, limits); err != nil {
		return nil, err
	}
	return []host.File{
		{Path: "/usr/local/bin/" + name, Data: b.Bytes(), Mode: 0o755},
		{Path: neco.ServiceFile(name), Data: service, Mode: 0o644},
		{Path: neco.TimerFile(name), Data: timer, Mode: 0o644},
	}, nil
}
