package bmc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cybozu-go/neco/dctest/bmctest"
	"github.com/cybozu-go/neco/dctest/loopback"
	"github.com/cybozu-go/neco/pkg/bmc"
)

const resetRequest = "POST /redfish/v1/Systems/System.Embedded.1/Actions/ComputerSystem.Reset"

// TestTheBMCOfAnotherMachineChangesNothing: its address in sabakan is wrong.
func TestTheBMCOfAnotherMachineChangesNothing(t *testing.T) {
	b := bmctest.Start(t)
	b.SetServiceTag("XYZ")
	c := open(t, b)
	if p, err := c.Power(t.Context()); err != nil || p != bmc.On {
		t.Errorf("power: %s, %v", p, err)
	}
	for what, change := range map[string]func() error{
		"off": func() error { return c.Reset(t.Context(), bmc.ForceOff) },
		"TPM": func() error { return c.ClearTPM(t.Context()) },
	} {
		err := change()
		if !errors.Is(err, bmc.ErrMachine) || !strings.Contains(err.Error(), "machine abc: BMC 127.0.0.1: the BMC belongs to another machine: its service tag is XYZ") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if did := b.Did(); len(did) > 0 || !b.On() || !b.HasTPM() {
		t.Errorf("it did %q", did)
	}
	b.SetServiceTag("ABC") // of any case
	if err := c.Reset(t.Context(), bmc.ForceOff); err != nil {
		t.Error(err)
	}
}

// TestARefusedResetIsNotTakenAsDone: a BMC that is busy answers with the same status as one whose
// machine is off already.
func TestARefusedResetIsNotTakenAsDone(t *testing.T) {
	b := bmctest.Start(t)
	b.Answer(resetRequest, func(w http.ResponseWriter, _ *http.Request) {
		bmctest.Fail(w, http.StatusConflict, "IDRAC.2.1.SYS403", "busy")
	})
	c := open(t, b)
	for _, r := range []bmc.Reset{bmc.ForceOff, bmc.ForceRestart} {
		if err := c.Reset(t.Context(), r); err == nil || errors.Is(err, bmc.ErrState) || !strings.Contains(err.Error(), "the power is On: ") || !strings.Contains(err.Error(), "busy") {
			t.Errorf("%s: %v", r, err)
		}
	}
}

// TestTheCertificateOfAServerThatIsNoBMCIsNotKept: the machine's BMC would be refused afterwards.
func TestTheCertificateOfAServerThatIsNoBMCIsNotKept(t *testing.T) {
	b := bmctest.Start(t)
	b.Answer("GET /redfish/v1/", bmctest.HTML)
	p := &pins{}
	if _, err := bmc.Open(t.Context(), target(b), login, p); err == nil || len(p.kept) > 0 {
		t.Errorf("kept %v, %v", p.kept, err)
	}
}

// TestACertificateThatChangesAfterTheFirstLookGetsNoPassword: another server takes the address
// between two connections.
func TestACertificateThatChangesAfterTheFirstLookGetsNoPassword(t *testing.T) {
	first := bmctest.Start(t)
	asked := make(chan string, 10)
	second := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.Path }))
	second.TLS = &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}
	second.Config.ErrorLog = log.New(io.Discard, "", 0)
	second.StartTLS()
	defer second.Close()
	front, err := loopback.Listen()
	if err != nil {
		t.Fatal(err)
	}
	var forwarding sync.WaitGroup
	defer forwarding.Wait()
	defer front.Close()
	forwarding.Go(func() {
		for to := first.Address.String(); ; to = second.Listener.Addr().String() {
			c, err := front.Accept()
			if err != nil {
				return
			}
			forwarding.Go(func() { forward(c, to) })
		}
	})
	at := target(first)
	at.Port = netip.MustParseAddrPort(front.Addr().String()).Port()
	p := &pins{}
	if _, err := bmc.Open(t.Context(), at, login, p); !errors.Is(err, bmc.ErrCertificate) || len(asked) > 0 || len(p.kept) > 0 {
		t.Errorf("asked %d times, kept %v, %v", len(asked), p.kept, err)
	}
}

// forward copies between a connection and a server until one of both closes.
func forward(c net.Conn, to string) {
	defer c.Close()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(c, server)
		c.Close()
	}()
	_, _ = io.Copy(server, c)
	server.Close()
	<-ended
}

// selfSigned returns a certificate of its own.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
