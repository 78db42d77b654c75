package vaultkey

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/hostkey"
)

// PutHostKey records the key of a boot server.
func PutHostKey(ctx context.Context, etcd clientv3.KV, r hostkey.Record) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if _, err := etcd.Put(ctx, KeyHosts+strconv.Itoa(r.LRN), string(data)); err != nil {
		return fmt.Errorf("write the host key of boot server %d: %w", r.LRN, err)
	}
	return nil
}

// Recipients returns to whom secrets of the data centre are sealed: the boot
// servers lrns and the recovery recipients, each by a record that roots vouch
// for.  A server without a good record is an error, for it could not open Vault.
func Recipients(ctx context.Context, etcd clientv3.KV, roots *x509.CertPool, lrns []int, now time.Time) ([]string, error) {
	recovery, err := Recovery(ctx, etcd, roots)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, lrn := range lrns {
		own, err := HostRecipient(ctx, etcd, roots, lrn, now)
		if err != nil {
			return nil, err
		}
		all = append(all, own)
	}
	return append(all, recovery...), nil
}

// HostRecipient returns to whom secrets of the boot server lrn are sealed.
func HostRecipient(ctx context.Context, etcd clientv3.KV, roots *x509.CertPool, lrn int, now time.Time) (string, error) {
	data, _, err := get(ctx, etcd, KeyHosts+strconv.Itoa(lrn))
	if err != nil {
		return "", fmt.Errorf("host key of boot server %d: %w", lrn, err)
	}
	r, err := hostkey.Parse(data)
	if err != nil {
		return "", fmt.Errorf("host key of boot server %d: %w", lrn, err)
	}
	return r.Recipient, hostkey.Verify(r, roots, lrn, node0(lrn), now)
}

func node0(lrn int) netip.Addr {
	a, _ := netip.AddrFromSlice(neco.BootNode0IP(lrn).To4())
	return a
}

// Recovery returns the recipients of the offline recovery keys; none if nobody
// has recorded any.  A list that is not signed by a boot server whose
// certificate is of roots is hostkey.ErrBadSignature: nothing may be sealed then.
func Recovery(ctx context.Context, etcd clientv3.KV, roots *x509.CertPool) ([]string, error) {
	data, _, err := get(ctx, etcd, KeyRecovery)
	if errors.Is(err, ErrAbsent) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := hostkey.ParseRecovery(data)
	if err == nil {
		err = hostkey.VerifyRecovery(r, roots, node0(r.LRN))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w; %s", KeyRecovery, err, forged)
	}
	return r.Recipients, nil
}

// forged is what a bad list means, and what to do.
const forged = "neco setup has not written this: somebody may want secrets to be sealed to a key of their own; " +
	"nothing is sealed until the value in an earlier backup of etcd is put back (or this one deleted, which leaves the recovery keys out)"

// PutRecovery records the recipients of the recovery keys.
func PutRecovery(ctx context.Context, etcd clientv3.KV, r hostkey.Recovery) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if _, err := etcd.Put(ctx, KeyRecovery, string(data)); err != nil {
		return fmt.Errorf("write %s: %w", KeyRecovery, err)
	}
	return nil
}
