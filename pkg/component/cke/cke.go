// Package cke is the component of CKE on a boot server. It owns CKE's configuration and
// the versions of its programs. It must not know other components except etcd, whose
// client CKE is.
package cke

import (
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/etcd"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
)

// ContainerLabel is the label of the containers that cke-localproxy starts, and starts
// again when they are down.
const ContainerLabel = "com.cybozu.cke"

// Component is CKE.
type Component struct{}

var _ component.Versioned = Component{}

// Name returns the name of the component.
func (Component) Name() string { return program.CKE }

// Units returns the units of the component.
func (Component) Units() []component.Unit { return component.Services(program.CKE) }

// Files returns the configuration file.
func (Component) Files(t component.Target) ([]host.File, error) {
	p, err := program.Find(program.CKE)
	if err != nil {
		return nil, err
	}
	return component.YAML(p.Prepared.Config, etcd.ConfigOf(p, t.Members))
}
