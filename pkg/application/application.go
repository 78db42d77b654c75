// Package application owns what a program needs on a boot server that an
// operator adds with neco init and neco init-local: its user in etcd, its
// certificate, its configuration and its services.
//
// It must not know how certificates are signed, nor what the programs do.
package application

import (
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component/etcd"
	"github.com/cybozu-go/neco/pkg/etcdauth"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/program"
)

// Application is one such program.
type Application struct{ program.Program }

// Find returns the program of that name.
func Find(name string) (Application, error) {
	for _, p := range program.OnServers() {
		if p.Name == name {
			return Application{p}, nil
		}
	}
	return Application{}, fmt.Errorf("%q is no program that neco sets up; there are %s", name, strings.Join(program.Names(program.OnServers()), ", "))
}

// Purpose is that of its certificate.
func (a Application) Purpose() (pki.Purpose, error) { return pki.Find(a.Name) }

// Directories that it needs.
func (a Application) Directories() []host.Dir {
	var dirs []host.Dir
	for _, path := range a.Prepared.Dirs {
		dirs = append(dirs, host.Dir{Path: path, Mode: 0o755})
	}
	return dirs
}

// Users are its users in etcd on the boot servers lrns.  The plain name is that
// of the original's servers.
func (a Application) Users(lrns ...int) []etcdauth.User {
	role := etcdauth.Role(a.Program)
	users := []etcdauth.User{{Name: a.Name, Role: role}}
	for _, lrn := range lrns {
		users = append(users, etcdauth.User{Name: etcdauth.Name(a.Name, lrn), Role: role})
	}
	return users
}

// sabakanConfig has its part of etcd one level lower.
type sabakanConfig struct {
	Etcd         etcd.ClientConfig `json:"etcd"`
	AdvertiseURL string            `json:"advertise-url"`
	DHCPBind     string            `json:"dhcp-bind"`
}

// Config is its configuration on the boot server lrn, with etcd on members.
func (a Application) Config(lrn int, members []int) (host.File, error) {
	p, err := a.Purpose()
	if err != nil {
		return host.File{}, err
	}
	client := etcd.NewClientConfig(members, a.User.Prefix, p.Cert, p.Key)
	var conf any = client
	if a.Name == program.Sabakan {
		conf = sabakanConfig{client, fmt.Sprintf("http://%s:10080", neco.BootNode0IP(lrn)), "0.0.0.0:67"}
	}
	data, err := yaml.Marshal(conf)
	return host.File{Path: a.Prepared.Config, Data: data, Mode: 0o644}, err
}
