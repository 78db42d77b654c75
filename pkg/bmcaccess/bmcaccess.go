// Package bmcaccess opens the BMCs of sabakan's machines, with the user and the certificates that
// are kept in etcd.
//
// It must not know what is done with a BMC.
package bmcaccess

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/cybozu-go/neco/pkg/bmc"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/storage"
)

// ErrNoUser: the user of BMCs or its password is not configured.
var ErrNoUser = errors.New("ipmi-user or ipmi-password is not set")

// Access opens BMCs.
type Access struct {
	store *storage.Storage
	login bmc.Login
	port  uint16
}

// New returns the access with the user in the etcd of s. port is that of BMCs; 0: that of HTTPS. It
// returns ErrNoUser if there is no user.
func New(ctx context.Context, s *storage.Storage, port uint16) (Access, error) {
	settings, err := s.BMCSettings(ctx)
	switch {
	case err != nil:
		return Access{}, err
	case settings.User == "" || settings.Password == "":
		return Access{}, ErrNoUser
	}
	return Access{store: s, login: bmc.Login{User: settings.User, Password: settings.Password}, port: port}, nil
}

// Open opens the BMC of a machine, as [bmc.Open] does. The caller closes it.
func (a Access) Open(ctx context.Context, m sabakan.Machine) (*bmc.Client, error) {
	address, err := netip.ParseAddr(m.Spec.BMC.IPv4)
	if err != nil {
		return nil, fmt.Errorf("machine %s: sabakan has no IPv4 address of its BMC", m.Spec.Serial)
	}
	return bmc.Open(ctx, bmc.Target{Serial: m.Spec.Serial, Address: address, Port: a.port}, a.login, storage.BMCPins{Storage: a.store})
}
