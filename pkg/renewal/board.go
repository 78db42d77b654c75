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

// EtcdBoard tells the other boot servers through etcd.
type EtcdBoard struct {
	// Etcd is namespaced at Neco's prefix.
	Etcd *clientv3.Client
	FS   host.FS
	LRN  int
	Now  func() time.Time
}

// Post implements Board.  The record of the host key stands on the server's
// certificate, and is made anew with it.  The authorities that are sealed to the
// recovery keys come to this server's disk, where they are found with everything
// down.
func (b EtcdBoard) Post(ctx context.Context, leaves []pki.Leaf, failed error) error {
	c := summary(leaves, failed)
	c.Since = b.Now().UTC().Truncate(time.Second)
	return errors.Join(
		storage.New(b.Etcd).PutCertificates(ctx, b.LRN, c),
		b.postHostKey(ctx),
		b.keepAuthorities(ctx),
	)
}

// summary is what is shown of the certificates.
func summary(leaves []pki.Leaf, failed error) storage.Certificates {
	var c storage.Certificates
	for _, l := range leaves {
		if l.Err != nil {
			failed = errors.Join(failed, l.Err)
		}
		if !l.NotAfter.IsZero() && (c.Purpose == "" || l.NotAfter.Before(c.NotAfter)) {
			c.Purpose, c.NotAfter = l.Purpose.Name, l.NotAfter
		}
	}
	if failed != nil {
		c.Error = failed.Error()
	}
	return c
}

// postHostKey makes the record of the host key anew if it stands on another
// certificate than the server has.
func (b EtcdBoard) postHostKey(ctx context.Context) error {
	s, err := This(b.FS, b.LRN, b.Now)
	if err != nil {
		return err
	}
	key := vaultkey.KeyHosts + strconv.Itoa(b.LRN)
	res, err := b.Etcd.Get(ctx, key)
	if err != nil {
		return err
	}
	server, err := b.FS.Read(pki.Purposes()[0].Cert)
	if err != nil {
		return err
	}
	if len(res.Kvs) == 1 {
		old, err := hostkey.Parse(res.Kvs[0].Value)
		if err == nil && bytes.Equal([]byte(old.Certificate), server) {
			return nil
		}
	}
	id, err := hostkey.Load(ctx, b.FS)
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
	return storage.New(b.Etcd).PutOfServer(ctx, b.LRN, key, string(data))
}

// keepAuthorities copies the sealed authorities once, if there are any: whoever
// can write etcd later must not destroy every copy.
func (b EtcdBoard) keepAuthorities(ctx context.Context) error {
	if _, err := b.FS.Read(AuthoritiesFile); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	res, err := b.Etcd.Get(ctx, vaultkey.KeyAuthority)
	if err != nil || len(res.Kvs) == 0 {
		return err
	}
	_, err = b.FS.Write(host.File{Path: AuthoritiesFile, Data: res.Kvs[0].Value, Mode: 0o600})
	return err
}
