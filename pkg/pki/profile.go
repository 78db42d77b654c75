package pki

import (
	"fmt"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/program"
)

// Validity of certificates.
const (
	// ServerValidity is the validity of the server and peer certificates.
	ServerValidity = 2 * 365 * 24 * time.Hour
	// ClientValidity is the validity of the certificates of etcd's users.
	ClientValidity = 90 * 24 * time.Hour
	// BackDate is the time by which NotBefore precedes the issue of a certificate,
	// because clocks differ.
	BackDate = time.Hour
)

// Profile is a certificate profile: it describes one certificate of a boot server.
type Profile struct {
	// Name is the name of the profile, as operators read it.
	Name string
	// Authority is the CA that signs the certificate.
	Authority Authority
	// Role is the role of the CA in Vault.  Each profile has its own.
	Role string
	// Cert and Key are the paths of the files.
	Cert, Key string
	// Owner is the user and the group that both files belong to.
	Owner int
	// Client and Server are the extended key usages of the certificate.
	Client, Server bool
	// Validity is the maximum validity of the certificate.
	Validity time.Duration
	// OnRequest reports that only boot servers on which the operator sets up the
	// program have the certificate.
	OnRequest bool
	// user is the user of etcd without the LRN, which follows it in the common name.
	// It is empty if the common name is the host name.
	user string
}

// Names of the profiles that do not belong to a program.  The others are named after
// their programs.
const (
	Server   = "server"
	EtcdPeer = "etcd-peer"
)

// Profiles returns the profiles of all certificates that a boot server may have: its
// own, and those of the programs that are users of etcd.
func Profiles() []Profile {
	all := []Profile{
		{Name: Server, Authority: ServerCA, Role: "boot-server", Cert: neco.ServerCertFile, Key: neco.ServerKeyFile,
			Owner: neco.EtcdUID, Server: true, Validity: ServerValidity},
		{Name: EtcdPeer, Authority: PeerCA, Role: "boot-etcd-peer", Cert: neco.EtcdPeerCertFile, Key: neco.EtcdPeerKeyFile,
			Owner: neco.EtcdUID, Client: true, Server: true, Validity: ServerValidity},
	}
	for _, p := range program.Users() {
		all = append(all, Profile{Name: p.Name, Authority: ClientCA, Role: "boot-" + p.Name, Cert: p.User.Cert, Key: p.User.Key,
			Owner: p.User.Owner, Client: true, Validity: ClientValidity, OnRequest: p.Prepared != nil, user: p.Name})
	}
	return all
}

// Find returns the profile with that name.
func Find(name string) (Profile, error) {
	for _, p := range Profiles() {
		if p.Name == name {
			return p, nil
		}
	}
	return Profile{}, fmt.Errorf("%q is not the name of a certificate profile", name)
}
