// Vault, with etcd as its storage, for the virtual data centre only.
//
// It owns the choice of what this Vault contains: the backends that Neco
// uses, and no others, so that it is built in minutes. Vault is under the
// Business Source License: what is built here is never packaged or published.
package main

import (
	"os"

	"github.com/hashicorp/cli"
	"github.com/hashicorp/vault/command"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "server" {
		ui := &cli.BasicUi{Reader: os.Stdin, Writer: os.Stdout, ErrorWriter: os.Stderr}
		os.Exit(newServer(ui).Run(os.Args[2:]))
	}
	os.Exit(command.Run(os.Args[1:]))
}
