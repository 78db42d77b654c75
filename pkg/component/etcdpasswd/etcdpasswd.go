// Package etcdpasswd is the component of etcdpasswd on a boot server. It owns
// etcdpasswd's configuration and the drop-in of its unit; the package etcdpasswd contains
// the unit and the program. It must not know other components except etcd, whose client
// etcdpasswd is.
package etcdpasswd

import (
	"bytes"
	_ "embed"
	"fmt"
	"text/template"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/etcd"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
)

// executable is the path of the agent.
const executable = "/usr/sbin/" + neco.EtcdpasswdService

//go:embed drop-in.conf
var dropIn string

// Component is etcdpasswd.
type Component struct{}

var _ component.Packaged = Component{}

// Name returns the name of the component.
func (Component) Name() string { return program.Etcdpasswd }

// Units returns the units of the component.
func (Component) Units() []component.Unit { return component.Services(program.Etcdpasswd) }

// PackageFiles returns the executable.
func (Component) PackageFiles(host.FS) ([]string, error) { return []string{executable}, nil }

// Files returns the configuration file and the drop-in of the unit.
func (Component) Files(t component.Target) ([]host.File, error) {
	p, err := program.Find(program.Etcdpasswd)
	if err != nil {
		return nil, err
	}
	tmpl, err := template.New("drop-in").Parse(dropIn)
	if err != nil {
		return nil, fmt.Errorf("parse the drop-in of %s: %w", neco.EtcdpasswdService, err)
	}
	var b bytes.Buffer
	if err := tmpl.Execute(&b, map[string]string{"Etcd": neco.EtcdService, "Cert": p.User.Cert, "Key": p.User.Key}); err != nil {
		return nil, fmt.Errorf("render the drop-in of %s: %w", neco.EtcdpasswdService, err)
	}
	files, err := component.YAML(p.Prepared.Config, etcd.ConfigOf(p, t.Members))
	return append(files, host.File{Path: neco.EtcdpasswdDropIn, Data: b.Bytes(), Mode: 0o644}), err
}
