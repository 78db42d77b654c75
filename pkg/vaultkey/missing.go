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

// Sealing is what a boot server needs to seal secrets to the others.
type Sealing struct {
	Etcd     clientv3.KV
	Identity hostkey.Identity
	// Roots vouch for the records of host keys.
	Roots *x509.CertPool
	Now   time.Time
}

// ResealMissing seals the unseal key anew if one of the boot servers lrns has a
// host key to which it is not sealed yet, and reports whether it did.
//
// A server without a record is left out: it never had a key.  One whose record
// is not vouched for is an error, for sealing anew would shut it out; but only
// if there is anything to do.  Who cannot open the key leaves that to the
// others: it is no error.  Any number of servers may do it at once.
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
		// Another server does the same at this moment.
		return false, nil
	}
	return err == nil, err
}

// sealedTo lists to whom the unseal key is sealed, as far as is known.
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
		return nil, nil // then it is sealed, and written, anew
	}
	return list, nil
}

// RemoveHostKey takes the record of a boot server away: nothing is sealed to it
// from then on.
func RemoveHostKey(ctx context.Context, etcd clientv3.KV, lrn int) error {
	return Remove(ctx, etcd, KeyHosts+strconv.Itoa(lrn))
}
