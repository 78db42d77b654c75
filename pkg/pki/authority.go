package pki

import "github.com/cybozu-go/neco"

// Authority names a CA of the data centre.  Its text is the path in Vault at which the
// CA is mounted.
type Authority string

// The CAs.
const (
	// ServerCA signs the server certificates of etcd and Vault on boot servers.
	ServerCA Authority = neco.CAServer
	// PeerCA signs the certificates between the members of etcd.
	PeerCA Authority = neco.CAEtcdPeer
	// ClientCA signs the certificates of the users of etcd.
	ClientCA Authority = neco.CAEtcdClient
)

// Authorities returns the names of all CAs.
func Authorities() []Authority { return []Authority{ServerCA, PeerCA, ClientCA} }

// CommonName returns the common name in the CA's own certificate, or "" if a is not
// one of Authorities.
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
// read.  The file of ServerCA is part of the system's CA store, which must be updated
// after a change.
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
