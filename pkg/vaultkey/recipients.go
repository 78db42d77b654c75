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

// PutHostKey stores r, the host key record of a boot server, in etcd. It does not
// verify the record.
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

// Recipients returns the public keys to which the data centre's secrets are encrypted:
// the public keys of the boot servers lrns and the recovery keys. The record of each
// server must be signed with the key of a certificate that a CA in roots has signed. A
// server without such a record is an error, because it could not unseal Vault.
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

// HostRecipient returns the public key of the boot server lrn from its host key record.
// It returns an error if the record is absent or not validly signed.
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

// Recovery returns the public keys of the offline recovery keys, or nil if no list of
// them is stored. The list must be signed with the key of a boot server's certificate
// that a CA in roots has signed. Otherwise the error is hostkey.ErrBadSignature, and
// the caller must not encrypt anything.
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

// forged is the text that explains an invalid list of recovery keys to the operator.
const forged = "neco setup has not written this value: it may be an attempt to have secrets encrypted to a foreign key; " +
	"no secret is encrypted until the value of an earlier backup of etcd is restored (or this one deleted, which leaves the recovery keys out)"

// PutRecovery stores r, the list of recovery keys, in etcd. It does not verify the
// list.
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
