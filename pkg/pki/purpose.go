package pki

import (
	"fmt"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/program"
)

// How long certificates live.
const (
	// ServerLife is that of certificates that other servers trust by address.
	ServerLife = 2 * 365 * 24 * time.Hour
	// ClientLife is that of the certificates of etcd's users.
	ClientLife = 90 * 24 * time.Hour
	// BackDate is how long before it is made a certificate begins: the clocks
	// of those that check it differ.
	BackDate = time.Hour
)

// Purpose is one certificate of a boot server.
type Purpose struct {
	// Name of the purpose: what operators call it.
	Name string
	// Authority signs it.
	Authority Authority
	// Role is that of the authority's PKI in Vault: ours, one a purpose.
	Role string
	// Cert and Key are the files.
	Cert, Key string
	// Owner is the user and the group that both files belong to.
	Owner int
	// Client and Server are the uses that the certificate is good for.
	Client, Server bool
	// Life is the longest that it may live.
	Life time.Duration
	// OnRequest: its program is one that the operator adds to a boot server; every
	// boot server has the others.
	OnRequest bool
	// user is the user of etcd, to which the LRN is added; empty where the
	// certificate is in the host's name.
	user string
}

// Names of purposes that are no program's; the others are called as their programs.
const (
	Server   = "server"
	EtcdPeer = "etcd-peer"
)

// Purposes returns all certificates that a boot server may have: its own, and those
// of all users of etcd among its programs.
func Purposes() []Purpose {
	all := []Purpose{
		{Name: Server, Authority: ServerCA, Role: "boot-server", Cert: neco.ServerCertFile, Key: neco.ServerKeyFile,
			Owner: neco.EtcdUID, Server: true, Life: ServerLife},
		{Name: EtcdPeer, Authority: PeerCA, Role: "boot-etcd-peer", Cert: neco.EtcdPeerCertFile, Key: neco.EtcdPeerKeyFile,
			Owner: neco.EtcdUID, Client: true, Server: true, Life: ServerLife},
	}
	for _, p := range program.Users() {
		all = append(all, Purpose{Name: p.Name, Authority: ClientCA, Role: "boot-" + p.Name, Cert: p.User.Cert, Key: p.User.Key,
			Owner: p.User.Owner, Client: true, Life: ClientLife, OnRequest: p.Prepared != nil, user: p.Name})
	}
	return all
}

// Find returns the purpose of that name.
func Find(name string) (Purpose, error) {
	for _, p := range Purposes() {
		if p.Name == name {
			return p, nil
		}
	}
	return Purpose{}, fmt.Errorf("%q is no purpose of a certificate", name)
}
