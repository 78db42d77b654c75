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

// Host is the boot server that is set up.
type Host struct {
	FS         host.FS
	Units      component.Units
	Containers Containers
	// Addresses are those of each network interface that there is.
	Addresses func() (map[string][]netip.Addr, error)
	// TrustServerCA brings the system's store of authorities up to date with
	// neco.ServerCAFile.
	TrustServerCA func(ctx context.Context) error
	// Vault returns a client of this server's own Vault; an empty token is none.
	Vault func(token string) (*api.Client, error)
}

// Containers is what setup needs of Docker.
type Containers interface {
	component.Containers
	// Answers returns nil when Docker does.
	Answers(ctx context.Context) error
	// Signal sends a signal, such as HUP, to the container of that name.
	Signal(ctx context.Context, name, signal string) error
}

// Options of a setup.
type Options struct {
	Host
	// LRN is this server's, LRNs are all servers'.
	LRN  int
	LRNs []int
	// Version of the neco package, Artifacts what belongs to it.
	Version   string
	Artifacts neco.ArtifactSet
	HostName  string
	// TokenFile holds the setup token; it is removed at the end.
	TokenFile string
	// Proxy is stored for the boot servers; empty: none.
	Proxy string
	// Recovery are the age recipients for break glass.
	Recovery []string
	// NoRevoke keeps the root token, encrypted.
	NoRevoke bool
	// AdminPasswordFile takes the password of Vault's first user; empty: it is
	// shown once, on Out.
	AdminPasswordFile string
	// CheckOnly ends before anything is changed.
	CheckOnly bool
	// Out is where the operator looks.
	Out io.Writer
	Now func() time.Time
}
