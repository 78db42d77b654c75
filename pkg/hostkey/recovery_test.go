package hostkey

import (
	"crypto/x509"
	"net/netip"
	"testing"
)

func TestWhoCannotSignForRecovery(t *testing.T) {
	ca, _ := newCA(t)
	cert, key, _ := server(t, ca, 2)
	_, otherKey, _ := server(t, ca, 2)
	if _, err := SignRecovery(2, []string{load(t).Recipient()}, cert, otherKey); err == nil {
		t.Error("signed with a key that is not the certificate's")
	}
	if _, err := SignRecovery(2, []string{load(t).Recipient(), "age1"}, cert, key); err == nil {
		t.Error("signed for nobody")
	}
}

func FuzzParseRecovery(f *testing.F) {
	f.Add([]byte(`{"lrn":1,"recipients":["age1"],"certificate":"","signature":"AAAA"}`))
	f.Add([]byte(`["age1"]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := ParseRecovery(data); err == nil && VerifyRecovery(r, x509.NewCertPool(), netip.MustParseAddr("10.69.0.3")) == nil {
			t.Errorf("%q is verified", data)
		}
	})
}
