package vaultkey

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/hostkey"
)

// Sealing contains what a boot server needs to encrypt secrets to the other boot
// servers.
type Sealing struct {
	Etcd     clientv3.KV
	Identity hostkey.Identity
	// Roots contains the CA of the server certificates, with whose keys the records of
	// host keys are signed.
	Roots *x509.CertPool
	Now   time.Time
}

// ResealMissing makes sure that the unseal key is encrypted to the host key of each of
// the boot servers lrns. If it is not, ResealMissing encrypts the unseal key and the
// root token again and returns true.
//
// ResealMissing omits a server without a host key record, because such a server has no
// host key. If another server's record is not validly signed, ResealMissing returns an
// error instead of encrypting without that server, unless there is nothing to encrypt.
// If this server cannot decrypt the key, ResealMissing returns false without an error
// and leaves the work to the other servers. Several servers may call it concurrently.
func (s Sealing) ResealMissing(ctx context.Context, lrns []int) (bool, error) {
	have, err := sealedTo(ctx, s.Etcd)
	if err != nil {
		return false, err
	}
	var known []int
	missing := false
	for _, lrn := range lrns {
		_, _, err := get(ctx, s.Etcd, KeyHosts+strconv.Itoa(lrn))
		if errors.Is(err, ErrAbsent) {
			continue
		}
		if err != nil {
			return false, err
		}
		known = append(known, lrn)
		own, err := HostRecipient(ctx, s.Etcd, s.Roots, lrn, s.Now)
		missing = missing || err == nil && !slices.Contains(have, own)
	}
	if !missing {
		return false, nil
	}
	recipients, err := Recipients(ctx, s.Etcd, s.Roots, known, s.Now)
	if err != nil {
		return false, err
	}
	err = Reseal(ctx, s.Etcd, s.Identity, recipients)
	switch {
	case errors.Is(err, hostkey.ErrCannotOpen):
		return false, nil
	case errors.Is(err, errChanged):
		// Another server has encrypted it at the same time.
		return false, nil
	}
	return err == nil, err
}

// sealedTo returns the stored list of the recipients to which the unseal key is
// encrypted. It returns nil if the list is absent or malformed.
func sealedTo(ctx context.Context, etcd clientv3.KV) ([]string, error) {
	data, _, err := get(ctx, etcd, KeySealedTo)
	if errors.Is(err, ErrAbsent) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []string
	if json.Unmarshal(data, &list) != nil {
		return nil, nil // the key is encrypted again and the list is rewritten
	}
	return list, nil
}

// RemoveHostKey deletes the host key record of the boot server lrn. Secrets are not
// encrypted to that server any more.
func RemoveHostKey(ctx context.Context, etcd clientv3.KV, lrn int) error {
	return Remove(ctx, etcd, KeyHosts+strconv.Itoa(lrn))
}
