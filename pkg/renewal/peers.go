package renewal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

// EtcdPeers implements Peers: it reports to the other boot servers through etcd.
type EtcdPeers struct {
	// Etcd is namespaced at Neco's prefix.
	Etcd *clientv3.Client
	FS   host.FS
	LRN  int
	Now  func() time.Time
}

// Report implements Peers. It also signs the host key record again if the server's
// certificate has changed, and copies the encrypted CAs from etcd to this server's disk
// for a recovery without etcd.
func (p EtcdPeers) Report(ctx context.Context, leaves []pki.Leaf, failed error) error {
	c := summary(leaves, failed)
	c.Since = p.Now().UTC().Truncate(time.Second)
	return errors.Join(
		storage.New(p.Etcd).PutCertificates(ctx, p.LRN, c),
		p.putHostKey(ctx),
		p.keepAuthorities(ctx),
	)
}

// summary returns the state to report: the certificate in leaves that expires first,
// the errors of all certificates in leaves, and failed, the error of the renewal.
func summary(leaves []pki.Leaf, failed error) storage.Certificates {
	var c storage.Certificates
	for _, l := range leaves {
		if l.Err != nil {
			failed = errors.Join(failed, l.Err)
		}
		if !l.NotAfter.IsZero() && (c.Purpose == "" || l.NotAfter.Before(c.NotAfter)) {
			c.Purpose, c.NotAfter = l.Profile.Name, l.NotAfter
		}
	}
	if failed != nil {
		c.Error = failed.Error()
	}
	return c
}

// putHostKey signs the host key record with the server's current certificate and stores
// it in etcd. It does nothing if the stored record is signed with that certificate.
func (p EtcdPeers) putHostKey(ctx context.Context) error {
	s, err := This(p.FS, p.LRN, p.Now)
	if err != nil {
		return err
	}
	key := vaultkey.KeyHosts + strconv.Itoa(p.LRN)
	res, err := p.Etcd.Get(ctx, key)
	if err != nil {
		return err
	}
	server, err := p.FS.Read(pki.Profiles()[0].Cert)
	if err != nil {
		return err
	}
	if len(res.Kvs) == 1 {
		old, err := hostkey.Parse(res.Kvs[0].Value)
		if err == nil && bytes.Equal([]byte(old.Certificate), server) {
			return nil
		}
	}
	id, err := hostkey.Load(ctx, p.FS)
	if err != nil {
		return err
	}
	record, err := s.HostKey(id)
	if err != nil {
		return err
	}
	data, err := json.Marshal(record)
	if err != nil {
		return err
	}
	return storage.New(p.Etcd).PutOfServer(ctx, p.LRN, key, string(data))
}

// keepAuthorities copies the encrypted CAs from etcd to AuthoritiesFile. It does
// nothing if that file exists, so that a later change in etcd cannot destroy the copy.
func (p EtcdPeers) keepAuthorities(ctx context.Context) error {
	if _, err := p.FS.Read(AuthoritiesFile); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	res, err := p.Etcd.Get(ctx, vaultkey.KeyAuthority)
	if err != nil || len(res.Kvs) == 0 {
		return err
	}
	_, err = p.FS.Write(host.File{Path: AuthoritiesFile, Data: res.Kvs[0].Value, Mode: 0o600})
	return err
}
