package pki

import (
	"fmt"
	"time"

	"github.com/cybozu-go/neco"
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
	// user is the user of etcd, to which the LRN is added; empty where the
	// certificate is in the host's name.
	user string
}

// Names of purposes.
const (
	Server     = "server"
	EtcdPeer   = "etcd-peer"
	Vault      = "vault"
	Neco       = "neco"
	Backup     = "backup"
	Sabakan    = "sabakan"
	CKE        = "cke"
	Etcdpasswd = "etcdpasswd"
)

// Purposes returns all certificates that a boot server may have.  Those of
// sabakan, cke and etcdpasswd are made on request; the others always.
func Purposes() []Purpose {
	return []Purpose{
		{Name: Server, Authority: ServerCA, Role: "boot-server", Cert: neco.ServerCertFile, Key: neco.ServerKeyFile,
			Owner: neco.EtcdUID, Server: true, Life: ServerLife},
		{Name: EtcdPeer, Authority: PeerCA, Role: "boot-etcd-peer", Cert: neco.EtcdPeerCertFile, Key: neco.EtcdPeerKeyFile,
			Owner: neco.EtcdUID, Client: true, Server: true, Life: ServerLife},
		client(Vault, neco.VaultCertFile, neco.VaultKeyFile, neco.VaultUID),
		client(Neco, neco.NecoCertFile, neco.NecoKeyFile, 0),
		client(Backup, neco.EtcdBackupCertFile, neco.EtcdBackupKeyFile, 0),
		client(Sabakan, neco.SabakanCertFile, neco.SabakanKeyFile, 0),
		client(CKE, neco.CKECertFile, neco.CKEKeyFile, 0),
		client(Etcdpasswd, neco.EtcdpasswdCertFile, neco.EtcdpasswdKeyFile, 0),
	}
}

// client is the certificate of a user of etcd.
func client(user, cert, key string, owner int) Purpose {
	return Purpose{Name: user, Authority: ClientCA, Role: "boot-" + user, Cert: cert, Key: key,
		Owner: owner, Client: true, Life: ClientLife, user: user}
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

// Application says whether the certificate is that of a program which the
// operator adds to a boot server; every boot server has the others.
func (p Purpose) Application() bool {
	return p.Name == Sabakan || p.Name == CKE || p.Name == Etcdpasswd
}
