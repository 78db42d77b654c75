// Package bmctest gives tests a BMC: a server on loopback that answers Redfish requests as the
// iDRAC of a Dell server does. It is for tests only.
package bmctest

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
)

// The user that a BMC accepts.
const (
	User     = "root"
	Password = "calvin's secret"
)

const (
	systemPath   = "/redfish/v1/Systems/System.Embedded.1"
	resetPath    = systemPath + "/Actions/ComputerSystem.Reset"
	biosPath     = systemPath + "/Bios"
	settingsPath = biosPath + "/Settings"
	jobsPath     = "/redfish/v1/Managers/iDRAC.Embedded.1/Jobs"
)

// BMC is a BMC with a machine. Its methods may be called at any time.
type BMC struct {
	// Address is where it listens.
	Address netip.AddrPort

	mu sync.Mutex
	// on is the power, tpm the content of the TPM, and settings what waits for the next boot, which
	// applies it if a job exists.
	on, tpm, job bool
	settings     map[string]any
	// hasBIOS reports whether the BMC has settings of the BIOS.
	hasBIOS bool
	// faults are answers in place of its own, by method and path.
	faults map[string]http.HandlerFunc
	// did are the requests that change something.
	did []string
	// tag is the service tag of the machine, if the BMC tells it.
	tag string
}

// Start starts the BMC of a machine that is on and has something in its TPM, on a free port of
// 127.0.0.1. It ends with the test.
func Start(t testing.TB) *BMC {
	t.Helper()
	return StartAt(t, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0))
}

// StartAt does the same at an address in 127.0.0.0/8; port 0: a free one.
func StartAt(t testing.TB, listen netip.AddrPort) *BMC {
	t.Helper()
	b := &BMC{on: true, tpm: true, hasBIOS: true, settings: map[string]any{}, faults: map[string]http.HandlerFunc{}}
	listener, err := net.Listen("tcp", listen.String())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(b)
	server.Listener.Close()
	server.Listener = listener
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that refuse its certificate
	server.StartTLS()
	t.Cleanup(server.Close)
	address, err := netip.ParseAddrPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b.Address = address
	return b
}

// Set changes the machine: whether it is on, and whether its BMC has settings of the BIOS.
func (b *BMC) Set(on, hasBIOS bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.on, b.hasBIOS = on, hasBIOS
}

// SetServiceTag makes the BMC tell the service tag of the machine.
func (b *BMC) SetServiceTag(tag string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tag = tag
}

// Answer makes f answer requests such as "GET /redfish/v1/", in place of the BMC; nil ends that.
func (b *BMC) Answer(request string, f http.HandlerFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults[request] = f
}

// On reports whether the machine is on, and HasTPM whether there is something in its TPM.
func (b *BMC) On() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.on
}

// HasTPM reports whether there is something in the TPM.
func (b *BMC) HasTPM() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tpm
}

// Did returns the requests since the last call that change something.
func (b *BMC) Did() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	did := b.did
	b.did = nil
	return did
}

// ServeHTTP implements http.Handler.
func (b *BMC) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	fault := b.faults[r.Method+" "+r.URL.Path]
	b.mu.Unlock()
	if fault != nil {
		fault(w, r)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if user, password, _ := r.BasicAuth(); r.URL.Path != "/redfish/v1/" && (user != User || password != Password) {
		Fail(w, http.StatusUnauthorized, "Base.1.8.InsufficientPrivilege", "There are insufficient privileges for the account.")
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /redfish/v1/":
		answer(w, map[string]any{"Systems": id("/redfish/v1/Systems"), "RedfishVersion": "1.4.0"})
	case "GET /redfish/v1/Systems":
		answer(w, map[string]any{"Members": []any{id(systemPath)}})
	case "GET " + systemPath:
		b.system(w)
	case "POST " + resetPath:
		b.reset(w, r)
	default:
		b.serveBIOS(w, r)
	}
}

func (b *BMC) system(w http.ResponseWriter) {
	power := "Off"
	if b.on {
		power = "On"
	}
	answer(w, map[string]any{
		"Manufacturer": "Dell Inc.", "SKU": b.tag,
		"PowerState": power, "Bios": id(biosPath),
		"TrustedModules": []any{map[string]any{"InterfaceType": "TPM2_0", "FirmwareVersion": "1.3.1.0"}},
		"Actions": map[string]any{"#ComputerSystem.Reset": map[string]any{
			"target": resetPath, "ResetType@Redfish.AllowableValues": []string{"On", "ForceOff", "ForceRestart", "GracefulShutdown"},
		}},
	})
}

func (b *BMC) reset(w http.ResponseWriter, r *http.Request) {
	var body struct{ ResetType string }
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&body); err != nil {
		Fail(w, http.StatusBadRequest, "Base.1.8.MalformedJSON", err.Error())
		return
	}
	if on := body.ResetType == "On"; on == b.on {
		Fail(w, http.StatusConflict, "IDRAC.2.1.PSU501", "Server is already powered "+map[bool]string{true: "ON", false: "OFF"}[b.on]+".")
		return
	}
	b.did = append(b.did, body.ResetType)
	b.on = body.ResetType != "ForceOff"
	if b.on && b.job {
		if b.settings["Tpm2Hierarchy"] == "Clear" {
			b.tpm = false
		}
		b.job, b.settings = false, map[string]any{}
	}
	w.WriteHeader(http.StatusNoContent)
}

func (b *BMC) serveBIOS(w http.ResponseWriter, r *http.Request) {
	request := r.Method + " " + r.URL.Path
	switch {
	case !b.hasBIOS:
		http.NotFound(w, r)
	case request == "GET "+biosPath:
		answer(w, map[string]any{
			"Attributes":        map[string]any{"Tpm2Hierarchy": "Enabled", "TpmSecurity": "On", "ProcCStates": "Disabled"},
			"@Redfish.Settings": map[string]any{"SettingsObject": id(settingsPath)},
		})
	case request == "GET "+settingsPath:
		answer(w, map[string]any{"Attributes": b.settings})
	case request == "PATCH "+settingsPath && b.job, request == "POST "+jobsPath && b.job:
		Fail(w, http.StatusBadRequest, "IDRAC.2.1.SYS011", "Pending configuration values are already committed, unable to perform another set operation.")
	case request == "PATCH "+settingsPath:
		var body struct{ Attributes map[string]any }
		if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&body); err != nil {
			Fail(w, http.StatusBadRequest, "Base.1.8.MalformedJSON", err.Error())
			return
		}
		b.did = append(b.did, fmt.Sprint("PATCH ", body.Attributes))
		b.settings = body.Attributes
		answer(w, map[string]any{})
	case request == "POST "+jobsPath:
		var body struct{ TargetSettingsURI string }
		if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&body); err != nil || body.TargetSettingsURI != settingsPath {
			Fail(w, http.StatusBadRequest, "IDRAC.2.1.SYS426", "Unable to create the job.")
			return
		}
		b.did = append(b.did, "job")
		b.job = true
		w.Header().Set("Location", jobsPath+"/JID_000000000001")
	default:
		http.NotFound(w, r)
	}
}

// Fail answers with an error of Redfish.
func Fail(w http.ResponseWriter, status int, message, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{
		"code": "Base.1.8.GeneralError", "message": "A general error has occurred. See ExtendedInfo for more information.",
		"@Message.ExtendedInfo": []any{map[string]any{"MessageId": message, "Message": text, "Severity": "Warning"}},
	}})
}

// HTML answers as a server that is no BMC.
func HTML(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, "<html>"+strings.Repeat("no BMC ", 100))
}

func id(path string) map[string]any { return map[string]any{"@odata.id": path} }

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}
