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
	pins  bmc.Pins
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
	return Access{pins: storage.BMCPins{Storage: s}, login: bmc.Login{User: settings.User, Password: settings.Password}, port: port}, nil
}

// Accepting returns an access to which BMCs may show another certificate than before: accept is
// called with the digest that is kept and the one that was seen, before the password is sent, and
// must keep the new one.
func (a Access) Accepting(accept func(ctx context.Context, serial, kept, seen string) error) Access {
	a.pins = accepting{a.pins, accept}
	return a
}

type accepting struct {
	bmc.Pins
	accept func(ctx context.Context, serial, kept, seen string) error
}

// Pinned implements [bmc.Pins]. It accepts each certificate; Pin decides.
func (a accepting) Pinned(context.Context, string, string) (string, error) { return "", nil }

// Pin implements [bmc.Pins].
func (a accepting) Pin(ctx context.Context, serial, seen string) (string, error) {
	kept, err := a.Pins.Pin(ctx, serial, seen)
	if err != nil || kept == seen {
		return kept, err
	}
	return seen, a.accept(ctx, serial, kept, seen)
}

// Open opens the BMC of a machine, as [bmc.Open] does. The caller closes it.
func (a Access) Open(ctx context.Context, m sabakan.Machine) (*bmc.Client, error) {
	address, err := netip.ParseAddr(m.Spec.BMC.IPv4)
	if err != nil {
		return nil, fmt.Errorf("machine %s: sabakan has no IPv4 address of its BMC", m.Spec.Serial)
	}
	return bmc.Open(ctx, bmc.Target{Serial: m.Spec.Serial, Address: address, Port: a.port}, a.login, a.pins)
}
