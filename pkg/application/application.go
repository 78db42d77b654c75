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
)

// Application is one such program.
type Application struct {
	// Name is that of its purpose in pkg/pki and of its role in etcd.
	Name string
	// Services are started once it is configured.
	Services []string
	// Directories that it needs.
	Directories []host.Dir

	prefix  string
	file    string
	sabakan bool
}

// All are the programs, in the order of their names.
func All() []Application {
	return []Application{
		{Name: pki.CKE, Services: []string{neco.CKEService, neco.CKELocalProxyService}, prefix: neco.CKEPrefix, file: neco.CKEConfFile},
		{Name: pki.Etcdpasswd, Services: []string{neco.EtcdpasswdService}, prefix: neco.EtcdpasswdPrefix, file: neco.EtcdpasswdConfFile},
		{Name: pki.Sabakan, Services: []string{neco.SabakanService}, prefix: neco.SabakanPrefix, file: neco.SabakanConfFile, sabakan: true,
			Directories: []host.Dir{{Path: neco.SabakanDataDir, Mode: 0o755}}},
	}
}

// Names of the programs.
func Names() []string {
	var names []string
	for _, a := range All() {
		names = append(names, a.Name)
	}
	return names
}

// Find returns the program of that name.
func Find(name string) (Application, error) {
	for _, a := range All() {
		if a.Name == name {
			return a, nil
		}
	}
	return Application{}, fmt.Errorf("%q is no program that neco sets up; there are %s", name, strings.Join(Names(), ", "))
}

// Purpose is that of its certificate.
func (a Application) Purpose() (pki.Purpose, error) { return pki.Find(a.Name) }

// Users are its users in etcd on the boot servers lrns.  The plain name is that
// of the original's servers.
func (a Application) Users(lrns ...int) []etcdauth.User {
	users := []etcdauth.User{{Name: a.Name, Role: a.Name}}
	for _, lrn := range lrns {
		users = append(users, etcdauth.User{Name: etcdauth.Name(a.Name, lrn), Role: a.Name})
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
	client := etcd.NewClientConfig(members, a.prefix, p.Cert, p.Key)
	var conf any = client
	if a.sabakan {
		conf = sabakanConfig{client, fmt.Sprintf("http://%s:10080", neco.BootNode0IP(lrn)), "0.0.0.0:67"}
	}
	data, err := yaml.Marshal(conf)
	return host.File{Path: a.file, Data: data, Mode: 0o644}, err
}
