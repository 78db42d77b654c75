package hostkey

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/pki"
)

func now() time.Time { return time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC) }

func load(t *testing.T) Identity {
	t.Helper()
	id, err := Load(t.Context(), host.FS{Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestTheKeyIsMadeOnce(t *testing.T) {
	fsys := host.FS{Root: t.TempDir()}
	recipients := make([]string, 8)
	var wg sync.WaitGroup
	for i := range recipients {
		wg.Go(func() {
			id, err := Load(t.Context(), fsys)
			if err != nil {
				t.Error(err)
			}
			recipients[i] = id.Recipient()
		})
	}
	wg.Wait()
	for _, r := range recipients {
		if r != recipients[0] || CheckRecipient(r) != nil {
			t.Errorf("recipients %v", recipients)
		}
	}
	if fi, err := os.Stat(fsys.Path(File)); err != nil || fi.Mode() != 0o600 {
		t.Errorf("key: %v, %v", fi.Mode(), err)
	}
}

func TestAKeyThatIsDamagedIsNotReplaced(t *testing.T) {
	fsys := host.FS{Root: t.TempDir()}
	if _, err := Load(t.Context(), fsys); err != nil {
		t.Fatal(err)
	}
	secret := strings.Repeat("AGE-SECRET-KEY-1X", 4)
	for _, text := range []string{"", secret, "# nothing\n"} {
		if err := os.WriteFile(fsys.Path(File), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(t.Context(), fsys)
		if err == nil || strings.Contains(err.Error(), "KEY-1X") {
			t.Errorf("%q: error %v", text, err)
		}
		if got, _ := fsys.Read(File); string(got) != text {
			t.Errorf("%q was replaced", text)
		}
	}
}

func TestAnIdentityIsNotPrinted(t *testing.T) {
	id := load(t)
	text := fmt.Sprintf("%v %+v %#v %s %x", id, id, struct{ I Identity }{id}, &id, id)
	if strings.Contains(text, "SECRET") || !strings.Contains(text, id.Recipient()) {
		t.Errorf("printed: %s", text)
	}
}

func TestIdentitiesAreReadAsAgeWritesThem(t *testing.T) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	id, err := ParseIdentity("# created: 2030\n# public key: x\n" + key.String() + "\n")
	if err != nil || id.Recipient() != key.Recipient().String() {
		t.Errorf("%v, %v", id, err)
	}
	for _, text := range []string{"", key.String() + "\n" + key.String(), key.Recipient().String()} {
		if _, err := ParseIdentity(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestEachRecipientAloneOpens(t *testing.T) {
	a, b, stranger := load(t), load(t), load(t)
	sealed, err := Seal([]byte("the secret"), []string{a.Recipient(), b.Recipient()})
	if err != nil {
		t.Fatal(err)
	}
	if !Sealed(sealed) || !Sealed("\n"+sealed) || Sealed("s.plain") || strings.Contains(sealed, "secret") {
		t.Errorf("sealed: %s", sealed)
	}
	for _, id := range []Identity{a, b} {
		if got, err := Open(sealed, id); err != nil || string(got) != "the secret" {
			t.Errorf("opened: %q, %v", got, err)
		}
	}
	for _, id := range []Identity{stranger, {}} {
		if _, err := Open(sealed, id); !errors.Is(err, ErrCannotOpen) {
			t.Errorf("a stranger: %v", err)
		}
	}
	for name, text := range map[string]string{
		"cut off": sealed[:len(sealed)-60], "nothing": "", "plain": "the secret",
		"followed by more": sealed + "x", "huge": sealed + strings.Repeat("\n", maxSealed),
	} {
		if got, err := Open(text, a); err == nil {
			t.Errorf("%s: opened: %q", name, got)
		}
	}
}

func TestStreamsThatAreCutOffAreFound(t *testing.T) {
	id, plain := load(t), bytes.Repeat([]byte("0123456789abcdef"), 16<<10)
	var sealed bytes.Buffer
	w, err := SealTo(&sealed, []string{id.Recipient()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for length, whole := range map[int]bool{sealed.Len(): true, sealed.Len() - 1: false, sealed.Len() / 2: false} {
		r, err := OpenFrom(bytes.NewReader(sealed.Bytes()[:length]), id)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if whole != (err == nil && bytes.Equal(got, plain)) {
			t.Errorf("%d of %d bytes: %d bytes, %v", length, sealed.Len(), len(got), err)
		}
	}
}

func TestOnlyPlainKeysOfAgeAreRecipients(t *testing.T) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	good := key.Recipient().String()
	for text, want := range map[string]string{
		"":                          "not a public age key",
		"ssh-ed25519 AAAA":          "not a public age key",
		good[:20]:                   "not a public age key",
		good + "q":                  "not a public age key",
		" " + good:                  "not a public age key",
		key.String():                "secret key",
		hybrid.Recipient().String(): "cannot encrypt one text",
		"age1yubikey1q" + good[5:]:  "not a public age key",
	} {
		err := CheckRecipient(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%.30q: error %v, want %q", text, err, want)
		}
		if _, err := Seal(nil, []string{good, text}); err == nil {
			t.Errorf("%.30q: sealed", text)
		}
	}
	if _, err := Seal(nil, nil); err == nil {
		t.Error("sealed to nobody")
	}
}

// server returns a certificate of the boot server lrn, its key and the address of the
// server.
func server(t *testing.T, ca pki.CA, lrn int) (*x509.Certificate, *ecdsa.PrivateKey, netip.Addr) {
	t.Helper()
	s := pki.NewSubject(lrn, fmt.Sprintf("boot-%d", lrn), netip.Addr{})
	p, err := pki.Find(pki.Server)
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	csr, err := p.Request(key, s)
	if err != nil {
		t.Fatal(err)
	}
	data, err := ca.Sign(csr, p, s, p.Validity, now())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pki.ParseCert(data)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key, s.Node0
}

func newCA(t *testing.T) (pki.CA, *x509.CertPool) {
	t.Helper()
	ca, err := pki.NewCA(pki.ServerCA, now())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca.Cert())
	return ca, pool
}

func TestARecordCountsOnlyIfItsServerSigned(t *testing.T) {
	ca, roots := newCA(t)
	cert, key, node0 := server(t, ca, 2)
	_, _, other := server(t, ca, 1)
	record, err := Sign(2, load(t).Recipient(), cert, key)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	read, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := Verify(read, roots, 2, node0, now()); err != nil {
		t.Error(err)
	}
	foreignCA, _ := newCA(t)
	foreign, foreignKey, _ := server(t, foreignCA, 2)
	forged, err := Sign(2, record.Recipient, foreign, foreignKey)
	if err != nil {
		t.Fatal(err)
	}
	changed := func(change func(*Record)) Record { r := record; change(&r); return r }
	for name, bad := range map[string]struct {
		record Record
		lrn    int
		node0  netip.Addr
		at     time.Time
	}{
		"another recipient":                {changed(func(r *Record) { r.Recipient = load(t).Recipient() }), 2, node0, now()},
		"another LRN in it":                {changed(func(r *Record) { r.LRN = 1 }), 1, node0, now()},
		"another server's":                 {changed(func(r *Record) { r.LRN = 1 }), 1, other, now()},
		"taken for another server":         {record, 1, other, now()},
		"no signature":                     {changed(func(r *Record) { r.Signature = nil }), 2, node0, now()},
		"a damaged signature":              {changed(func(r *Record) { r.Signature = []byte("x") }), 2, node0, now()},
		"no certificate":                   {changed(func(r *Record) { r.Certificate = "" }), 2, node0, now()},
		"another authority's certificate":  {forged, 2, node0, now()},
		"another certificate of the same":  {changed(func(r *Record) { r.Certificate = certPEM(t, ca, 2) }), 2, node0, now()},
		"after the certificate's end":      {record, 2, node0, cert.NotAfter.Add(time.Hour)},
		"a recipient that is none, signed": {changed(func(r *Record) { r.Recipient = "age1" }), 2, node0, now()},
		"nothing":                          {Record{}, 0, node0, now()},
	} {
		t.Run(name, func(t *testing.T) {
			if err := Verify(bad.record, roots, bad.lrn, bad.node0, bad.at); !errors.Is(err, ErrBadSignature) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func certPEM(t *testing.T, ca pki.CA, lrn int) string {
	cert, _, _ := server(t, ca, lrn)
	return string(pki.MarshalCert(cert.Raw))
}

func TestWhoCannotSignARecord(t *testing.T) {
	ca, roots := newCA(t)
	cert, _, node0 := server(t, ca, 2)
	_, otherKey, _ := server(t, ca, 2)
	if _, err := Sign(2, load(t).Recipient(), cert, otherKey); err == nil {
		t.Error("signed with a key that is not the certificate's")
	}
	if _, err := Sign(2, "age1", cert, otherKey); err == nil {
		t.Error("signed for nobody")
	}
	none := x509.NewCertPool()
	cert, key, _ := server(t, ca, 2)
	record, err := Sign(2, load(t).Recipient(), cert, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := Verify(record, none, 2, node0, now()); !errors.Is(err, ErrBadSignature) {
		t.Errorf("without authorities: %v", err)
	}
	if err := Verify(record, roots, 2, node0, now()); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"lrn":1,"recipient":"age1","certificate":"","signature":"AAAA"}`))
	f.Add([]byte(`{"lrn":-1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := Parse(data); err == nil && Verify(r, x509.NewCertPool(), r.LRN, netip.MustParseAddr("10.69.0.3"), now()) == nil {
			t.Errorf("%q is verified", data)
		}
	})
}

// zeroKey is an age key of 256 zero bits with its checksum, in age's base 32.
const zeroKey = "QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ8H00W3"

func FuzzOpen(f *testing.F) {
	// A constant key, the same in every process of the fuzzer.
	key, err := age.ParseX25519Identity("AGE-SECRET-KEY-1" + zeroKey)
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := Seal([]byte("x"), []string{key.Recipient().String()})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := Open(text, Identity{key}); err == nil && string(got) != "x" {
			t.Errorf("%q opens as %q", text, got)
		}
	})
}
