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

// Host is the boot server that is set up, with its files and programs.
type Host struct {
	FS         host.FS
	Units      component.Units
	Containers Containers
	// Addresses returns the addresses of the server's network interfaces, by the name
	// of the interface.
	Addresses func() (map[string][]netip.Addr, error)
	// TrustServerCA adds the certificate in neco.ServerCAFile to the system's CA
	// store, or removes it from the store if the file is absent.
	TrustServerCA func(ctx context.Context) error
	// Vault returns a client of this server's own Vault. If token is empty, the client
	// is not logged in.
	Vault func(token string) (*api.Client, error)
}

// Containers has the operations of Docker that setup needs.
type Containers interface {
	component.Containers
	// Answers returns nil if the Docker daemon responds.
	Answers(ctx context.Context) error
	// Signal sends a signal, such as HUP, to the container called name.
	Signal(ctx context.Context, name, signal string) error
}

// Options are the parameters of a setup.
type Options struct {
	Host
	// LRN is the number of this server. LRNs are the numbers of all servers that are
	// set up.
	LRN  int
	LRNs []int
	// Version is the version of the neco package, Artifacts are the images and packages
	// that it installs.
	Version   string
	Artifacts neco.ArtifactSet
	HostName  string
	// TokenFile is the path of the file with the setup token. Setup removes the file
	// when it is complete.
	TokenFile string
	// Proxy is the URL of the boot servers' HTTP proxy, or "" if there is none.
	Proxy string
	// Recovery are the public keys (age recipients) of the recovery keys.
	Recovery []string
	// NoRevoke keeps Vault's root token in etcd, encrypted. Otherwise setup revokes it.
	NoRevoke bool
	// AdminPasswordFile is the path of the file that receives the password of Vault's
	// first user. If it is empty, setup prints the password to Out, once.
	AdminPasswordFile string
	// CheckOnly runs only the stages that change nothing.
	CheckOnly bool
	// Out receives the messages for the operator.
	Out io.Writer
	Now func() time.Time
}
