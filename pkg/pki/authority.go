package pki

import "github.com/cybozu-go/neco"

// Authority is a certificate authority of the data centre; its text is the
// mount of its PKI in Vault.
type Authority string

// The authorities.
const (
	// ServerCA vouches for what boot servers serve.
	ServerCA Authority = neco.CAServer
	// PeerCA vouches for the members of etcd among themselves.
	PeerCA Authority = neco.CAEtcdPeer
	// ClientCA vouches for the users of etcd.
	ClientCA Authority = neco.CAEtcdClient
)

// Authorities returns all of them.
func Authorities() []Authority { return []Authority{ServerCA, PeerCA, ClientCA} }

// CommonName is that of the authority's own certificate.
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

// File is where a boot server has the authority's certificate, readable by
// everybody.  That of ServerCA is one of the system's store, which has to be
// brought up to date after a change.
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
