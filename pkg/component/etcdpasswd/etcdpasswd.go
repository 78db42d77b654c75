// Package etcdpasswd is the component of etcdpasswd on a boot server. It owns
// etcdpasswd's configuration and does not install its units. It must not know other
// components except etcd, whose client etcdpasswd is.
package etcdpasswd

import (
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/etcd"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
)

// Component is etcdpasswd.
type Component struct{}

var _ component.Component = Component{}

// Name returns the name of the component.
func (Component) Name() string { return program.Etcdpasswd }

// Units returns the units of the component.
func (Component) Units() []component.Unit { return component.Services(program.Etcdpasswd) }

// Files returns the configuration file.
func (Component) Files(t component.Target) ([]host.File, error) {
	p, err := program.Find(program.Etcdpasswd)
	if err != nil {
		return nil, err
	}
	return component.YAML(p.Prepared.Config, etcd.ConfigOf(p, t.Members))
}
