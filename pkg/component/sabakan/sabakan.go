// Package sabakan is the component that runs sabakan on a boot server. It owns
// sabakan's unit, configuration and health check. It must not know the data that
// sabakan serves, nor other components except etcd, whose client sabakan is.
package sabakan

import (
	"context"
	"fmt"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/etcd"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// Component is sabakan.
type Component struct{}

var (
	_ component.Tooled = Component{}
	_ component.Prober = Component{}
)

// Name returns the name of the component.
func (Component) Name() string { return program.Sabakan }

// Image returns the name of the image.
func (Component) Image() string { return program.Sabakan }

// Tools returns where the image, which contains the sabactl command, expects
// /usr/local/bin of the host.
func (Component) Tools() string { return program.ToolsMount(program.Sabakan) }

// Units returns the units of the component.
func (Component) Units() []component.Unit { return component.Services(program.Sabakan) }

// config is the configuration file of sabakan. Its etcd settings are below a key of
// their own.
type config struct {
	Etcd         etcd.ClientConfig `json:"etcd"`
	AdvertiseURL string            `json:"advertise-url"`
	DHCPBind     string            `json:"dhcp-bind"`
}

// Files returns the configuration file and the unit.
func (Component) Files(t component.Target) ([]host.File, error) {
	p, err := program.Find(program.Sabakan)
	if err != nil {
		return nil, err
	}
	image, err := component.ImageName(t, program.Sabakan)
	if err != nil {
		return nil, err
	}
	unit, err := component.ContainerUnit{
		Name: neco.SabakanService, Description: "Network boot and inventory of the nodes", Image: image,
		After:      []string{neco.EtcdService + ".service"},
		Conditions: []string{p.Prepared.Config, p.User.Cert, p.User.Key},
		RestartSec: 30, HostUTS: true,
		Options: []string{
			"--cap-add=NET_BIND_SERVICE",
			"--mount=type=bind,source=/etc/ssl/certs,target=/etc/ssl/certs,readonly",
			"--mount=type=bind,source=/etc/sabakan,target=/etc/sabakan,readonly",
			"--mount=type=bind,source=" + neco.SabakanDataDir + ",target=" + neco.SabakanDataDir,
		},
		Args: []string{"--config-file=" + p.Prepared.Config},
	}.File()
	if err != nil {
		return nil, err
	}
	client := etcd.ConfigOf(p, t.Members)
	client.CA = "" // the container has the system's CAs, which include it, but not its file
	conf, err := component.YAML(p.Prepared.Config, config{
		Etcd:         client,
		AdvertiseURL: fmt.Sprintf("http://%s:10080", neco.BootNode0IP(t.LRN)),
		DHCPBind:     "0.0.0.0:67",
	})
	return append(conf, unit), err
}

// Probe returns nil if the API of sabakan on this host responds and reports that it is
// healthy.
func (Component) Probe(ctx context.Context, h component.Host, _ component.Target) error {
	c := sabakan.New(h.Sabakan)
	defer c.Close()
	return c.Health(ctx)
}
