// Package sabakan is the component of sabakan on a boot server: its configuration and its data directory. Its units come
// from elsewhere. It must not know other components but etcd's, whose client it is.
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

var _ component.Housed = Component{}

// Name of the component.
func (Component) Name() string { return program.Sabakan }

// Units of the component.
func (Component) Units() []component.Unit { return component.Services(program.Sabakan) }

// Directories: the data.
func (Component) Directories() []host.Dir {
	return []host.Dir{{Path: neco.SabakanDataDir, Mode: 0o755}}
}

// config has its part of etcd one level lower than other programs have it.
type config struct {
	Etcd         etcd.ClientConfig `json:"etcd"`
	AdvertiseURL string            `json:"advertise-url"`
	DHCPBind     string            `json:"dhcp-bind"`
}

// Files of the component.
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
