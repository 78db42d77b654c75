package main

import (
	"github.com/hashicorp/cli"
	logicalkv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/audit"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/builtin/credential/userpass"
	"github.com/hashicorp/vault/builtin/logical/pki"
	"github.com/hashicorp/vault/builtin/logical/ssh"
	"github.com/hashicorp/vault/builtin/logical/transit"
	"github.com/hashicorp/vault/builtin/plugin"
	"github.com/hashicorp/vault/command"
	"github.com/hashicorp/vault/physical/etcd"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical"
)

// newServer is the command "vault server" with Neco's backends.
func newServer(ui cli.Ui) *command.ServerCommand {
	return &command.ServerCommand{
		BaseCommand:      &command.BaseCommand{UI: ui},
		PhysicalBackends: map[string]physical.Factory{"etcd": etcd.NewEtcdBackend},
		AuditBackends:    map[string]audit.Factory{"file": audit.NewFileBackend},
		CredentialBackends: map[string]logical.Factory{
			"approle":  approle.Factory,
			"plugin":   plugin.Factory,
			"userpass": userpass.Factory,
		},
		LogicalBackends: map[string]logical.Factory{
			"kv":      logicalkv.Factory,
			"pki":     pki.Factory,
			"plugin":  plugin.Factory,
			"ssh":     ssh.Factory,
			"transit": transit.Factory,
		},
		ShutdownCh: command.MakeShutdownCh(),
		SighupCh:   command.MakeSighupCh(),
		SigUSR2Ch:  command.MakeSigUSR2Ch(),
	}
}
