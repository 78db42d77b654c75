package vaultkey_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

func recipient(t *testing.T) string {
	t.Helper()
	id, err := hostkey.Load(t.Context(), host.FS{Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return id.Recipient()
}

func text(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestWhoCanWriteEtcdCannotBeSealedTo stores lists of recovery keys, most of them
// forged. Only those that a boot server has signed may be used.
func TestWhoCanWriteEtcdCannotBeSealedTo(t *testing.T) {
	setup := time.Now().AddDate(-5, 0, 0) // its certificates have expired long ago
	ca, roots := authoritySince(t, setup)
	rogue, _ := authoritySince(t, setup)
	own, planted := recipient(t), recipient(t)
	cert, key := certificate(t, ca, 1, setup)
	sign := func(recipients ...string) hostkey.Recovery {
		t.Helper()
		r, err := hostkey.SignRecovery(1, recipients, cert, key)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	good := sign(own)
	changed := func(change func(*hostkey.Recovery)) string { r := good; change(&r); return text(t, r) }
	strangeCert, strangeKey := certificate(t, rogue, 1, setup)
	strange, err := hostkey.SignRecovery(1, []string{planted}, strangeCert, strangeKey)
	if err != nil {
		t.Fatal(err)
	}
	record, err := hostkey.Sign(1, planted, cert, key)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := certificate(t, ca, 1, setup)
	tests := []struct {
		name, value string
		want        []string
		bad         bool
	}{
		{name: "a good list, after its certificate has expired", value: text(t, good), want: []string{own}},
		{name: "two recipients", value: text(t, sign(own, planted)), want: []string{own, planted}},
		{name: "nobody, signed", value: text(t, sign()), want: nil},
		{name: "unsigned, as it once was", value: text(t, []string{planted}), bad: true},
		{name: "no signature", value: text(t, hostkey.Recovery{LRN: 1, Recipients: []string{planted}, Certificate: good.Certificate}), bad: true},
		{name: "nobody, unsigned", value: "{}", bad: true},
		{name: "no list", value: "", bad: true},
		{name: "another authority's", value: text(t, strange), bad: true},
		{name: "one recipient more", value: changed(func(r *hostkey.Recovery) { r.Recipients = []string{own, planted} }), bad: true},
		{name: "another recipient", value: changed(func(r *hostkey.Recovery) { r.Recipients = []string{planted} }), bad: true},
		{name: "one recipient less", value: changed(func(r *hostkey.Recovery) { r.Recipients = nil }), bad: true},
		{name: "both in one", value: changed(func(r *hostkey.Recovery) { r.Recipients = []string{own + "\n" + planted} }), bad: true},
		{name: "another LRN", value: changed(func(r *hostkey.Recovery) { r.LRN = 2 }), bad: true},
		{name: "another certificate", value: changed(func(r *hostkey.Recovery) { r.Certificate = string(pki.MarshalCert(other.Raw)) }), bad: true},
		{name: "the record of a host key", value: text(t, record), bad: true},
		{name: "the signature of a host key's record", value: text(t, hostkey.Recovery{
			LRN: 1, Recipients: []string{planted}, Certificate: record.Certificate, Signature: record.Signature,
		}), bad: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, etcd := t.Context(), cluster.NewClient(t, cluster.Prefix())
			if _, err := etcd.Put(ctx, vaultkey.KeyRecovery, tt.value); err != nil {
				t.Fatal(err)
			}
			got, err := vaultkey.Recipients(ctx, etcd, roots, nil, time.Now())
			if tt.bad != errors.Is(err, hostkey.ErrBadSignature) || !tt.bad && err != nil {
				t.Errorf("error %v", err)
			}
			if tt.bad && (err == nil || !strings.Contains(err.Error(), vaultkey.KeyRecovery)) {
				t.Errorf("error %v does not name %s", err, vaultkey.KeyRecovery)
			}
			if len(got)+len(tt.want) > 0 && !cmp.Equal(tt.want, got) {
				t.Errorf("recipients %v, want %v", got, tt.want)
			}
		})
	}
}

// TestAClockThatIsSetBackDuringSetupIsNoForgery verifies a list that seems to be signed
// before the CA was created. It is valid, because certificates are back-dated.
func TestAClockThatIsSetBackDuringSetupIsNoForgery(t *testing.T) {
	ca, roots := authority(t)
	cert, key := certificate(t, ca, 0, time.Now().Add(-10*time.Minute))
	r, err := hostkey.SignRecovery(0, []string{recipient(t)}, cert, key)
	if err != nil {
		t.Fatal(err)
	}
	ctx, etcd := t.Context(), cluster.NewClient(t, cluster.Prefix())
	if err := vaultkey.PutRecovery(ctx, etcd, r); err != nil {
		t.Fatal(err)
	}
	if got, err := vaultkey.Recovery(ctx, etcd, roots); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestNoListIsNoRecoveryKey(t *testing.T) {
	_, roots := authority(t)
	got, err := vaultkey.Recovery(t.Context(), cluster.NewClient(t, cluster.Prefix()), roots)
	if err != nil || len(got) > 0 {
		t.Errorf("%v, %v", got, err)
	}
}

// TestNothingIsSealedWithAPlantedList checks ResealMissing, the encryption that servers
// do without an operator, with a forged list of recovery keys.
func TestNothingIsSealedWithAPlantedList(t *testing.T) {
	ctx, etcd := t.Context(), cluster.NewClient(t, cluster.Prefix())
	ca, roots := authority(t)
	zero, record := server(t, ca, 0)
	if err := vaultkey.PutHostKey(ctx, etcd, record); err != nil {
		t.Fatal(err)
	}
	if err := vaultkey.Store(ctx, etcd, "the key", "", []string{zero.Recipient()}); err != nil {
		t.Fatal(err)
	}
	_, joined := server(t, ca, 1)
	if err := vaultkey.PutHostKey(ctx, etcd, joined); err != nil {
		t.Fatal(err)
	}
	if _, err := etcd.Put(ctx, vaultkey.KeyRecovery, text(t, []string{recipient(t)})); err != nil {
		t.Fatal(err)
	}
	before, err := etcd.Get(ctx, vaultkey.KeyUnseal)
	if err != nil {
		t.Fatal(err)
	}
	s := vaultkey.Sealing{Etcd: etcd, Identity: zero, Roots: roots, Now: time.Now()}
	if did, err := s.ResealMissing(ctx, []int{0, 1}); did || !errors.Is(err, hostkey.ErrBadSignature) {
		t.Errorf("sealed anew: %t, %v", did, err)
	}
	after, err := etcd.Get(ctx, vaultkey.KeyUnseal)
	if err != nil || string(after.Kvs[0].Value) != string(before.Kvs[0].Value) {
		t.Errorf("the unseal key is another one, %v", err)
	}
}
