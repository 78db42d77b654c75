package pki

import "github.com/cybozu-go/neco"

// Authority is the name of a CA of the data centre: the path at which the CA is mounted
// in Vault.
type Authority string

// These constants are the CAs of a data centre.
const (
	// ServerCA signs the server certificates of etcd and Vault on boot servers.
	ServerCA Authority = neco.CAServer
	// PeerCA signs the certificates with which the members of etcd authenticate each
	// other.
	PeerCA Authority = neco.CAEtcdPeer
	// ClientCA signs the certificates of the users of etcd.
	ClientCA Authority = neco.CAEtcdClient
)

// Authorities returns all CAs of a data centre.
func Authorities() []Authority { return []Authority{ServerCA, PeerCA, ClientCA} }

// CommonName returns the common name in the CA's own certificate. It returns "" for a
// name that is not in Authorities.
func (a Authority) CommonName() string {
	switch a {
	case ServerCA:
		return "server CA"
	case PeerCA:
		return "boot etcd peer CA"
	case ClientCA:
		return "boot etcd client CA"
	}
	return ""
}

// File returns the path of the CA's certificate on a boot server, which every user can
// read. The certificate of ServerCA is in the directory of the system's CA store, so
// the store must be updated after a change. File returns "" for a name that is not in
// Authorities.
func (a Authority) File() string {
	switch a {
	case ServerCA:
		return neco.ServerCAFile
	case PeerCA:
		return neco.EtcdPeerCAFile
	case ClientCA:
		return neco.EtcdClientCAFile
	}
	return ""
}
