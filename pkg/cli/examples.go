package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// The IDs of the groups of commands in neco help.
const (
	groupObserve  = "observe"
	groupUpdate   = "update"
	groupServers  = "servers"
	groupSecrets  = "secrets"
	groupPrograms = "programs"
	groupMachines = "machines"
	groupOther    = "other"
)

// groups returns the groups of commands, with their titles and members, in the order of
// neco help.
func groups() []struct{ id, title, members string } {
	return []struct{ id, title, members string }{
		{groupObserve, "Observe:", "status history is-running"},
		{groupUpdate, "Steer updates:", "config stop recover"},
		{groupServers, "Set up, extend and reduce a data centre:", "setup-token setup join-token join leave reset"},
		{groupSecrets, "Vault, certificates and backups:", "vault cert backup"},
		{groupPrograms, "Programs on top:", "init init-local init-data image cke ssh teleport"},
		{groupMachines, "Machines:", "nodes power reboot-and-wait reboot-worker tpm bmc"},
		{groupOther, "Other commands:", "version completion help man session-log"},
	}
}

// examples returns the examples of commands, by their names. Other commands have their
// examples in their constructor.
func examples() map[string]string {
	return map[string]string{
		"backup list":             "neco backup list\nneco backup list -o json",
		"backup run":              "neco backup run",
		"backup verify":           "neco backup verify --all\nneco backup verify --recovery-key /media/usb/recovery.key",
		"bmc config get":          "neco bmc config get ipmi-user",
		"bmc config set":          "neco bmc config set ipmi-user root\nneco bmc config set ipmi-password <password-file\nneco bmc config set bmc-user bmc-user.json",
		"cert list":               "neco cert list",
		"cke update":              "neco cke update",
		"cke weight get":          "neco cke weight get cs\nneco cke weight get cs -o json",
		"cke weight list":         "neco cke weight list",
		"cke weight set":          "neco cke weight set cs 18",
		"cke weight unset":        "neco cke weight unset cs",
		"completion":              "neco completion zsh >_neco",
		"config get":              "neco config get env",
		"config list":             "neco config list\nneco config list -o json",
		"config set":              "neco config set env prod\nneco config set worker-timeout 90m\nneco config set slack <webhook-url",
		"config unset":            "neco config unset proxy",
		"help":                    "neco help config set",
		"history":                 "neco history\nneco history -o json",
		"image":                   "neco image etcd\nneco image --in-docker",
		"init":                    "neco init sabakan",
		"init-data":               "neco init-data\nneco init-data --ignitions-only\nneco init-data -o json",
		"init-local":              "neco init-local sabakan",
		"is-running":              "neco is-running etcd",
		"join-token list":         "neco join-token list",
		"join-token revoke":       "neco join-token revoke 3",
		"leave":                   "neco leave 3\nneco leave 3 --yes",
		"man":                     "neco man build/man",
		"nodes approve":           "neco nodes approve 1ABC234 1ABC235",
		"reboot-and-wait":         "neco reboot-and-wait 1ABC234\necho '{\"address\": \"10.69.0.6\"}' | neco reboot-and-wait -",
		"reboot-worker":           "neco reboot-worker --behind\nneco reboot-worker --rack 1 --without-role ss\nneco reboot-worker --behind --max-per-rack 2 --window 22:00-05:00\nneco reboot-worker --resume",
		"power restart":           "neco power restart 10.69.0.6",
		"power start":             "neco power start 10.69.0.6",
		"power status":            "neco power status 1ABC234 1ABC235\nneco power status -o json 10.69.0.6",
		"power stop":              "neco power stop 1ABC234\nneco power stop --yes --wait 1ABC234 1ABC235",
		"recover":                 "neco recover\nneco recover --retry 2026.11.22-1",
		"reset":                   "neco reset\nneco reset --yes",
		"session-log start":       "neco session-log start",
		"setup-token":             "neco setup-token",
		"ssh generate":            "neco ssh generate",
		"status":                  "neco status\nneco status --watch\nneco status --wait --timeout 1h\nneco status -o json",
		"stop":                    "neco stop --reason 'maintenance of the power supply'",
		"teleport config":         "neco teleport config",
		"tpm clear":               "neco tpm clear --force 1ABC234",
		"tpm show":                "neco tpm show 1ABC234",
		"vault generate-root":     "neco vault generate-root",
		"vault remove-unseal-key": "neco vault show-unseal-key\nneco vault remove-unseal-key",
		"vault show-root-token":   "neco vault show-root-token",
		"vault show-unseal-key":   "neco vault show-unseal-key",
		"vault store-unseal-key":  "neco vault store-unseal-key <key",
		"vault unseal":            "neco vault unseal",
		"version":                 "neco version\nneco version -o json",
	}
}

// arrange assigns the subcommands of root to their groups, and adds examples to all
// commands.
func arrange(root *cobra.Command) {
	member := map[string]string{}
	for _, g := range groups() {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, name := range strings.Fields(g.members) {
			member[name] = g.id
		}
	}
	for _, c := range root.Commands() {
		c.GroupID = member[c.Name()]
	}
	all := examples()
	walk(root, func(c *cobra.Command) {
		if text, ok := all[strings.TrimPrefix(c.CommandPath(), root.Name()+" ")]; ok && c.Example == "" {
			c.Example = "  " + strings.ReplaceAll(text, "\n", "\n  ")
		}
	})
}

// walk calls f for the command c and all commands below it.
func walk(c *cobra.Command, f func(*cobra.Command)) {
	f(c)
	for _, sub := range c.Commands() {
		walk(sub, f)
	}
}
