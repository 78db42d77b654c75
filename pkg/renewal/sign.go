package renewal

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

// HostKey returns a host key record with the public key of id, the server's host key.
// The record is signed with the key of the server certificate.
func (s Server) HostKey(id hostkey.Identity) (hostkey.Record, error) {
	cert, key, err := s.signer()
	if err != nil {
		return hostkey.Record{}, err
	}
	return hostkey.Sign(s.Subject.LRN, id.Recipient(), cert, key)
}

// PutRecovery stores a list of recipients, the public recovery keys, in etcd. The list
// is signed with the key of the server certificate.
func (s Server) PutRecovery(ctx context.Context, etcd clientv3.KV, recipients []string) error {
	cert, key, err := s.signer()
	if err != nil {
		return err
	}
	r, err := hostkey.SignRecovery(s.Subject.LRN, recipients, cert, key)
	if err != nil {
		return err
	}
	return vaultkey.PutRecovery(ctx, etcd, r)
}

// signer returns the server certificate and its key, with which records are signed.
func (s Server) signer() (*x509.Certificate, *ecdsa.PrivateKey, error) {
	server, err := pki.Find(pki.Server)
	if err != nil {
		return nil, nil, err
	}
	cert, err := pki.Installed(s.FS, server)
	if err != nil {
		return nil, nil, err
	}
	data, err := s.FS.Read(server.Key)
	if err != nil {
		return nil, nil, err
	}
	key, err := pki.ParseKey(data)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("read %s", server.Key), err)
	}
	return cert, key, nil
}
