// Package vault is the component that runs Vault on a boot server. It owns the
// configuration, the units and the health check of Vault.
//
// It must not know what Vault holds, nor where the unseal key is kept: its caller
// provides the function that unseals Vault.
package vault

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"text/template"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/etcd"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/vault"
)

// Component is Vault, with an option for its readiness check.
type Component struct {
	// Sealed makes a sealed Vault count as ready.
	Sealed bool
}

var (
	_ component.Tooled  = Component{}
	_ component.Prober  = Component{}
	_ component.Partial = Component{}
)

// Name returns the name of the component.
func (Component) Name() string { return program.Vault }

// Image returns the name of the image.
func (Component) Image() string { return program.Vault }

// Tools returns the mount point at which the image expects /usr/local/bin of the host, to
// install the vault command there.
func (Component) Tools() string { return program.ToolsMount(program.Vault) }

// Units returns the units of the component. systemd starts the unit that unseals Vault
// whenever it starts the unit of Vault.
func (Component) Units() []component.Unit {
	return []component.Unit{{Name: neco.VaultService, Condition: neco.VaultConfFile}}
}

//go:embed config.hcl.tmpl
var configTemplate string

//go:embed vault-unseal.service
var unsealUnit []byte

// Files returns the files of the component.
func (Component) Files(t component.Target) ([]host.File, error) {
	image, err := component.ImageName(t, program.Vault)
	if err != nil {
		return nil, err
	}
	unit, err := component.ContainerUnit{
		Name: neco.VaultService, Description: "Vault of the boot servers", Image: image,
		After: []string{neco.EtcdService + ".service"}, Wants: []string{program.VaultUnseal + ".service"},
		Conditions: []string{neco.VaultConfFile}, RestartSec: 10, OOMScoreAdjust: -1000, HostUTS: true,
		Environment: []string{"MEMLOCK=--ulimit=memlock=-1"},
		Options: []string{
			"--user=10000:10000", "--oom-kill-disable=true", "--ulimit=core=0", "$MEMLOCK",
			readOnly(neco.NecoDir), readOnly("/etc/ssl/certs"), readOnly(neco.VaultDir),
		},
		Args: []string{"server", "-config=" + neco.VaultConfFile},
	}.File()
	if err != nil {
		return nil, err
	}
	conf, err := config(t)
	if err != nil {
		return nil, err
	}
	return []host.File{conf, unit, {Path: neco.ServiceFile(program.VaultUnseal), Data: unsealUnit, Mode: 0o644}}, nil
}

func readOnly(dir string) string {
	return fmt.Sprintf("--mount=type=bind,source=%s,target=%s,readonly", dir, dir)
}

func config(t component.Target) (host.File, error) {
	tmpl, err := template.New("config").Parse(configTemplate)
	if err != nil {
		return host.File{}, fmt.Errorf("parse the template of vault's configuration: %w", err)
	}
	var endpoints []string
	for _, lrn := range t.Members {
		endpoints = append(endpoints, etcd.ClientURL(lrn))
	}
	var b bytes.Buffer
	err = tmpl.Execute(&b, map[string]any{
		"Cert": neco.ServerCertFile, "Key": neco.ServerKeyFile,
		"Node0":     neco.BootNode0IP(t.LRN),
		"Endpoints": endpoints, "EtcdCert": neco.VaultCertFile, "EtcdKey": neco.VaultKeyFile,
	})
	return host.File{Path: neco.VaultConfFile, Data: b.Bytes(), Mode: 0o644}, err
}

// Effective returns the contents of f whose change requires a restart of Vault: all of
// f, but nothing of the unit that unseals Vault.
func (Component) Effective(f host.File) []byte {
	if f.Path == neco.ServiceFile(program.VaultUnseal) {
		return nil
	}
	return f.Data
}

// Probe unseals Vault if it is sealed, and checks that there is an active node which
// responds. With the option Sealed, a sealed or uninitialised Vault is ready.
func (c Component) Probe(ctx context.Context, h component.Host, _ component.Target) error {
	client, err := vault.Open(vault.Local, h.FS.Path(neco.ServerCAFile), "")
	if err != nil {
		return err
	}
	err = vault.Serves(ctx, client)
	if c.Sealed && (errors.Is(err, vault.ErrSealed) || errors.Is(err, vault.ErrUninitialized)) {
		return nil
	}
	if errors.Is(err, vault.ErrSealed) && h.Unseal != nil {
		if err := h.Unseal(ctx); err != nil {
			return err
		}
		return vault.Serves(ctx, client)
	}
	return err
}
