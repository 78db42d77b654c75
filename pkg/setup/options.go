package setup

import (
	"context"
	"io"
	"net/netip"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
)

// Host is the boot server that is being set up.
type Host struct {
	FS         host.FS
	Units      component.Units
	Containers Containers
	// Addresses returns the addresses of each network interface by its name.
	Addresses func() (map[string][]netip.Addr, error)
	// TrustServerCA adds the certificate in neco.ServerCAFile to the system's CA
	// store, or removes it from the store if the file is absent.
	TrustServerCA func(ctx context.Context) error
	// Vault returns a client of this server's own Vault.  With an empty token it
	// is not logged in.
	Vault func(token string) (*api.Client, error)
}

// Containers are the operations of Docker that setup needs.
type Containers interface {
	component.Containers
	// Answers returns nil if Docker answers.
	Answers(ctx context.Context) error
	// Signal sends a signal, such as HUP, to the named container.
	Signal(ctx context.Context, name, signal string) error
}

// Options are the parameters of a setup.
type Options struct {
	Host
	// LRN is the number of this server; LRNs are those of all servers.
	LRN  int
	LRNs []int
	// Version is that of the neco package, and Artifacts are what it installs.
	Version   string
	Artifacts neco.ArtifactSet
	HostName  string
	// TokenFile holds the setup token.  Setup removes the file at its end.
	TokenFile string
	// Proxy is the URL of the boot servers' HTTP proxy; empty: none.
	Proxy string
	// Recovery are the age recipients of the recovery keys.
	Recovery []string
	// NoRevoke keeps the root token, encrypted.
	NoRevoke bool
	// AdminPasswordFile is the file that receives the password of Vault's first
	// user; empty: the password is printed once, on Out.
	AdminPasswordFile string
	// CheckOnly runs only the stages that change nothing.
	CheckOnly bool
	// Out receives the messages for the operator.
	Out io.Writer
	Now func() time.Time
}
