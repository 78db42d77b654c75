package placemat

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// bmcUser is the user of all BMCs, and its password.
	bmcUser    = "cybozu"
	bmcSystem  = "/redfish/v1/Systems/System.Embedded.1"
	bmcReset   = bmcSystem + "/Actions/ComputerSystem.Reset"
	bmcTimeout = time.Minute
	// bmcDay is how long the certificate of a BMC is valid.
	bmcDay = 24 * time.Hour
)

// ServeBMCs serves the BMCs of the nodes that boot from the network, at the addresses of these BMCs,
// until ctx ends. They answer Redfish as the BMCs of virtual machines do, and switch the nodes.
func (c *Centre) ServeBMCs(ctx context.Context) error {
	if err := c.load(); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, n := range c.cluster.Nodes {
		if !c.netboots(n) {
			continue
		}
		b := &virtualBMC{
			on:  func(ctx context.Context) (bool, error) { return c.runs(ctx, n.Name) },
			set: func(ctx context.Context, reset string) error { return c.reset(ctx, n.Name, reset) },
		}
		g.Go(func() error { return b.serve(ctx, n.Server.BMC) })
	}
	return g.Wait()
}

// reset changes the power of a node.
func (c *Centre) reset(ctx context.Context, name, reset string) error {
	switch reset {
	case "On":
		return c.PowerOn(ctx, name)
	case "ForceOff", "GracefulShutdown": // a VM has no other way to be switched off
		return c.Kill(ctx, name)
	case "ForceRestart":
		return errors.Join(c.Kill(ctx, name), c.PowerOn(ctx, name))
	}
	return nil
}

// virtualBMC is the BMC of one node.
type virtualBMC struct {
	on  func(context.Context) (bool, error)
	set func(ctx context.Context, reset string) error
	mu  sync.Mutex
}

// serve serves HTTPS at an address until ctx ends.
func (b *virtualBMC) serve(ctx context.Context, address netip.Addr) error {
	certificate, err := selfSigned()
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", netip.AddrPortFrom(address, 443).String())
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: b, ReadHeaderTimeout: bmcTimeout, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}},
		ErrorLog: log.New(io.Discard, "", 0), // clients that do not accept the certificate
	}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// selfSigned returns a certificate as virtual BMCs have one.
func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "placemat"}, NotBefore: time.Now(), NotAfter: time.Now().Add(bmcDay)}
	der, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// ServeHTTP implements http.Handler.
func (b *virtualBMC) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), bmcTimeout)
	defer cancel()
	b.mu.Lock()
	defer b.mu.Unlock()
	if user, password, _ := r.BasicAuth(); r.URL.Path != "/redfish/v1/" && (user != bmcUser || password != bmcUser) {
		redfishError(w, http.StatusUnauthorized, "Base.1.2.AccessDenied")
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /redfish/v1/":
		redfish(w, map[string]any{"RedfishVersion": "1.4.0", "Systems": redfishID("/redfish/v1/Systems")})
	case "GET /redfish/v1/Systems":
		redfish(w, map[string]any{"Members": []any{redfishID(bmcSystem)}})
	case "GET " + bmcSystem:
		on, err := b.on(ctx)
		power := map[bool]string{true: "On", false: "Off"}[on]
		if err != nil {
			power = "Unknown"
		}
		redfish(w, map[string]any{
			"PowerState": power, "Bios": redfishID(bmcSystem + "/Bios"), // which is not there
			"TrustedModules": []any{map[string]any{"InterfaceType": "TPM2_0"}},
			"Actions": map[string]any{"#ComputerSystem.Reset": map[string]any{
				"target": bmcReset, "ResetType@Redfish.AllowableValues": []string{"On", "ForceOff", "ForceRestart", "GracefulShutdown", "PushPowerButton", "Nmi"},
			}},
		})
	case "POST " + bmcReset:
		b.reset(ctx, w, r)
	default:
		http.NotFound(w, r)
	}
}

func (b *virtualBMC) reset(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	var body struct{ ResetType string }
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&body); err != nil {
		redfishError(w, http.StatusBadRequest, "Base.1.2.MalformedJSON")
		return
	}
	on, err := b.on(ctx)
	before := map[string]bool{"On": false, "ForceOff": true, "GracefulShutdown": true, "ForceRestart": true}
	if wanted, known := before[body.ResetType]; err == nil && known && wanted != on {
		redfishError(w, http.StatusConflict, "IDRAC.1.6.PSU501")
		return
	}
	if err == nil {
		err = b.set(ctx, body.ResetType)
	}
	if err != nil {
		log.Print(err)
		redfishError(w, http.StatusInternalServerError, "Base.1.2.InternalError")
		return
	}
	w.WriteHeader(http.StatusNoContent) // also for what a VM does not know
}

func redfishID(path string) map[string]any { return map[string]any{"@odata.id": path} }

func redfish(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func redfishError(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{
		"code": "Base.1.2.GeneralError", "message": message,
		"@Message.ExtendedInfo": []any{map[string]any{"MessageId": message, "Message": message, "Severity": "Warning"}},
	}})
}
