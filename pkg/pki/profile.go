package pki

import (
	"fmt"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/program"
)

// These constants determine the validity of certificates.
const (
	// ServerValidity is the validity of the server and peer certificates.
	ServerValidity = 2 * 365 * 24 * time.Hour
	// ClientValidity is the validity of the certificates of etcd's users.
	ClientValidity = 90 * 24 * time.Hour
	// BackDate is the time between NotBefore and the issue of a certificate. It allows
	// for servers whose clocks are behind.
	BackDate = time.Hour
)

// Profile is a certificate profile: it describes one certificate of a boot server.
type Profile struct {
	// Name is the name of the profile that operators see.
	Name string
	// Authority is the CA that signs the certificate.
	Authority Authority
	// Role is the name of the role in Vault by which the CA signs the certificate. No
	// two profiles of a CA have the same role.
	Role string
	// Cert and Key are the paths of the certificate and of its key on a boot server.
	Cert, Key string
	// Owner is the user and the group that both files belong to.
	Owner int
	// Client and Server report that the certificate has the extended key usage of TLS
	// clients or servers.
	Client, Server bool
	// Validity is the longest validity of the certificate.
	Validity time.Duration
	// OnRequest reports that not every boot server has the certificate, but only one on
	// which the operator has set up the program.
	OnRequest bool
	// user is the etcd user in the common name, without the LRN that follows it there.
	// It is empty if the common name is the host name.
	user string
}

// These constants are the names of the profiles that do not belong to a program. Every
// other profile has the name of its program.
const (
	Server   = "server"
	EtcdPeer = "etcd-peer"
)

// Profiles returns the profiles of all certificates that a boot server may have: the
// certificates of etcd and Vault, and those of the programs that are users of etcd.
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

// Find returns the profile called name, or an error if there is none.
func Find(name string) (Profile, error) {
	for _, p := range Profiles() {
		if p.Name == name {
			return p, nil
		}
	}
	return Profile{}, fmt.Errorf("%q is not the name of a certificate profile", name)
}
