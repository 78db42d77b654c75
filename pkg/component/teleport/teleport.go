// Package teleport is the component of the Teleport node on a boot server, through which
// users of the cluster's Teleport log in to it. It owns the node's configuration; it does
// not install the program or its unit. It must not know other components.
package teleport

import (
	"fmt"

	"sigs.k8s.io/yaml"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/storage"
)

// Component is the Teleport node.
type Component struct{}

var _ component.Parameterized = Component{}

// Name returns the name of the component.
func (Component) Name() string { return program.Teleport }

// Units returns the node's unit. systemd starts it only if the configuration exists.
func (Component) Units() []component.Unit {
	units := component.Services(program.Teleport)
	for i := range units {
		units[i].Condition = neco.TeleportConfFile
	}
	return units
}

// Inputs returns the key of the token with which the node joins the cluster.
func (Component) Inputs() []component.Input { return []component.Input{storage.KeyTeleportToken} }

// The address of the cluster's Teleport, and the address and the directory of the node.
const (
	authServer = "teleport-auth.teleport.svc:3025"
	listen     = "0.0.0.0:3022"
	dataDir    = "/var/lib/teleport"
	// pamService is the name of a file in /etc/pam.d.
	pamService = "teleport"
)

type config struct {
	Teleport struct {
		DataDir     string   `json:"data_dir"`
		Token       string   `json:"auth_token"`
		AdvertiseIP string   `json:"advertise_ip"`
		AuthServers []string `json:"auth_servers"`
	} `json:"teleport"`
	Auth  service `json:"auth_service"`
	Proxy service `json:"proxy_service"`
	SSH   ssh     `json:"ssh_service"`
}

// service is the switch of a service, which is "yes" or "no".
type service struct {
	Enabled string `json:"enabled"`
}

type ssh struct {
	service
	Listen string `json:"listen_addr"`
	PAM    struct {
		service
		Name string `json:"service_name"`
	} `json:"pam"`
}

// Files returns the configuration, which contains the token and which only root may read.
// It returns an error if the token is not set.
func (Component) Files(t component.Target) ([]host.File, error) {
	token := t.Inputs[storage.KeyTeleportToken]
	if token == "" {
		return nil, fmt.Errorf("there is no token in etcd: neco init %s makes one", program.Teleport)
	}
	var c config
	c.Teleport.DataDir, c.Teleport.Token = dataDir, token
	c.Teleport.AdvertiseIP, c.Teleport.AuthServers = neco.BootNode0IP(t.LRN).String(), []string{authServer}
	c.Auth.Enabled, c.Proxy.Enabled = "no", "no"
	c.SSH.Enabled, c.SSH.Listen = "yes", listen
	c.SSH.PAM.Enabled, c.SSH.PAM.Name = "yes", pamService
	data, err := yaml.Marshal(c)
	return []host.File{{Path: neco.TeleportConfFile, Data: data, Mode: 0o600}}, err
}
