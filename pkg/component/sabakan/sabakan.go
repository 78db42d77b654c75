// Package sabakan is the component of sabakan on a boot server: its configuration and its
// data directory. It does not install sabakan's units. It must not know other components
// except etcd, whose client sabakan is.
package sabakan

import (
	"fmt"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/etcd"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
)

// Component is sabakan.
type Component struct{}

// Name returns the name of the component.
func (Component) Name() string { return program.Sabakan }

// Units returns the units of the component.
func (Component) Units() []component.Unit { return component.Services(program.Sabakan) }

// config is the configuration file of sabakan, which keeps its etcd settings below a key
// of their own.
type config struct {
	Etcd         etcd.ClientConfig `json:"etcd"`
	AdvertiseURL string            `json:"advertise-url"`
	DHCPBind     string            `json:"dhcp-bind"`
}

// Files returns the configuration file.
func (Component) Files(t component.Target) ([]host.File, error) {
	p, err := program.Find(program.Sabakan)
	if err != nil {
		return nil, err
	}
	return component.YAML(p.Prepared.Config, config{
		Etcd:         etcd.ConfigOf(p, t.Members),
		AdvertiseURL: fmt.Sprintf("http://%s:10080", neco.BootNode0IP(t.LRN)),
		DHCPBind:     "0.0.0.0:67",
	})
}
