package bmc_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cybozu-go/neco/dctest/bmctest"
	"github.com/cybozu-go/neco/pkg/bmc"
)

// pins keeps certificates in memory.
type pins struct {
	mu   sync.Mutex
	kept map[string]string
}

func (p *pins) Pinned(_ context.Context, serial, _ string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept[serial], nil
}

func (p *pins) Pin(_ context.Context, serial, seen string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil {
		p.kept = map[string]string{}
	}
	if p.kept[serial] == "" {
		p.kept[serial] = seen
	}
	return p.kept[serial], nil
}

var login = bmc.Login{User: bmctest.User, Password: bmctest.Password}

func target(b *bmctest.BMC) bmc.Target {
	return bmc.Target{Serial: "abc", Address: b.Address.Addr(), Port: b.Address.Port()}
}

func open(t *testing.T, b *bmctest.BMC) *bmc.Client {
	t.Helper()
	c, err := bmc.Open(t.Context(), target(b), login, &pins{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestThePowerIsSwitched(t *testing.T) {
	b := bmctest.Start(t)
	c := open(t, b)
	for _, step := range []struct {
		reset bmc.Reset
		fails bool
		want  bmc.Power
	}{
		{bmc.PowerOn, true, bmc.On}, {bmc.ForceRestart, false, bmc.On}, {bmc.ForceOff, false, bmc.Off}, {bmc.ForceOff, true, bmc.Off},
		{bmc.ForceRestart, true, bmc.Off}, {bmc.PowerOn, false, bmc.On},
	} {
		err := c.Reset(t.Context(), step.reset)
		if errors.Is(err, bmc.ErrState) != step.fails || !step.fails && err != nil {
			t.Errorf("%s: %v", step.reset, err)
		}
		if p, err := c.Power(t.Context()); err != nil || p != step.want {
			t.Errorf("after %s: %s (%v), want %s", step.reset, p, err, step.want)
		}
		if !step.fails && step.reset.Result() != step.want {
			t.Errorf("%s results in %s", step.reset, step.reset.Result())
		}
	}
}

func TestAnotherCertificateGetsNoPassword(t *testing.T) {
	first, second := bmctest.Start(t), bmctest.Start(t)
	p := &pins{kept: map[string]string{"abc": strings.Repeat("0", 64)}}
	asked := false
	first.Answer("GET /redfish/v1/", func(http.ResponseWriter, *http.Request) { asked = true })
	if _, err := bmc.Open(t.Context(), target(first), login, p); !errors.Is(err, bmc.ErrCertificate) || !strings.Contains(err.Error(), "machine abc: BMC 127.0.0.1: ") {
		t.Errorf("another certificate: %v", err)
	}
	if asked {
		t.Error("a request was sent")
	}
	// The first certificate that is seen is kept.
	p.kept = nil
	c, err := bmc.Open(t.Context(), target(second), login, p)
	if err != nil || len(p.kept["abc"]) != 64 {
		t.Fatalf("kept %v, %v", p.kept, err)
	}
	c.Close()
}

func TestTheTPMIsClearedOnce(t *testing.T) {
	b := bmctest.Start(t)
	c := open(t, b)
	if tpm, err := c.TPM(t.Context()); err != nil || len(tpm.Modules) != 1 || fmt.Sprint(tpm.Attributes) != "map[Tpm2Hierarchy:Enabled TpmSecurity:On]" {
		t.Errorf("%+v, %v", tpm, err)
	}
	if err := c.ClearTPM(t.Context()); err != nil || b.HasTPM() {
		t.Fatalf("not cleared: %v", err)
	}
	if did := b.Did(); !slices.Equal(did, []string{"PATCH map[Tpm2Hierarchy:Clear]", "job", "ForceRestart"}) {
		t.Errorf("did %q", did)
	}

	// A machine that is off, and an earlier attempt that has ordered the job but did not boot it.
	b = bmctest.Start(t)
	b.Set(false, true)
	b.Answer("POST /redfish/v1/Systems/System.Embedded.1/Actions/ComputerSystem.Reset", func(w http.ResponseWriter, _ *http.Request) {
		bmctest.Fail(w, http.StatusServiceUnavailable, "IDRAC.2.1.RAC0508", "wait")
	})
	c = open(t, b)
	if err := c.ClearTPM(t.Context()); err == nil || !strings.Contains(err.Error(), "status 503 (Service Unavailable): wait") {
		t.Errorf("the boot fails: %v", err)
	}
	b.Answer("POST /redfish/v1/Systems/System.Embedded.1/Actions/ComputerSystem.Reset", nil)
	if err := c.ClearTPM(t.Context()); err != nil || b.HasTPM() {
		t.Errorf("the second attempt: %v", err)
	}
	if did := b.Did(); !slices.Equal(did, []string{"PATCH map[Tpm2Hierarchy:Clear]", "job", "On"}) {
		t.Errorf("did %q", did)
	}
}

func TestATPMThatCannotBeClearedIsNamed(t *testing.T) {
	b := bmctest.Start(t)
	b.Set(true, false)
	c := open(t, b)
	if tpm, err := c.TPM(t.Context()); err != nil || len(tpm.Modules) != 1 || len(tpm.Attributes) != 0 {
		t.Errorf("a BMC without a BIOS: %+v, %v", tpm, err)
	}
	if err := c.ClearTPM(t.Context()); !errors.Is(err, bmc.ErrUnsupported) || !b.On() {
		t.Errorf("a BMC without a BIOS: %v", err)
	}

	// Other settings wait for a boot.
	b = bmctest.Start(t)
	c = open(t, b)
	const settings = "/redfish/v1/Systems/System.Embedded.1/Bios/Settings"
	b.Answer("PATCH "+settings, func(w http.ResponseWriter, _ *http.Request) {
		bmctest.Fail(w, http.StatusBadRequest, "IDRAC.2.1.SYS011", "pending")
	})
	if err := c.ClearTPM(t.Context()); err == nil || !strings.Contains(err.Error(), "other settings of the BIOS wait for the next boot") || !b.HasTPM() {
		t.Errorf("other settings wait: %v", err)
	}
	if did := b.Did(); len(did) > 0 {
		t.Errorf("did %q", did)
	}
}

func TestABMCThatIsNoneIsNamed(t *testing.T) {
	const systems = "GET /redfish/v1/Systems"
	for name, tt := range map[string]struct {
		request string
		answer  http.HandlerFunc
		want    string
		is      error
	}{
		"HTML":             {"GET /redfish/v1/", bmctest.HTML, "GET /redfish/v1/: the answer is not that of a Redfish service", nil},
		"another service":  {"GET /redfish/v1/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }, "the answer is not that of a Redfish service", nil},
		"a wrong password": {systems, func(w http.ResponseWriter, _ *http.Request) { bmctest.Fail(w, 401, "", "") }, "GET /redfish/v1/Systems: status 401 (Unauthorized)", bmc.ErrLogin},
		"not found":        {systems, http.NotFound, "status 404", bmc.ErrUnsupported},
		"another host": {"GET /redfish/v1/", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"Systems": {"@odata.id": "//evil.example/redfish"}}`)
		}, `names a resource "//evil.example/redfish"`, nil},
		"a redirect": {systems, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example/", http.StatusFound)
		}, "status 302", nil},
		"two systems": {systems, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"Members": [{}, {}]}`) }, "2 computer systems", nil},
		"too much":    {systems, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat(" ", 5<<20)) }, "more than 4 MiB", nil},
		"half": {systems, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "{")
		}, "unexpected EOF", nil},
	} {
		b := bmctest.Start(t)
		b.Answer(tt.request, tt.answer)
		_, err := bmc.Open(t.Context(), target(b), login, &pins{})
		if err == nil || !strings.Contains(err.Error(), tt.want) || tt.is != nil && !errors.Is(err, tt.is) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
		if err != nil && (strings.Contains(err.Error(), bmctest.Password) || strings.Contains(err.Error(), "calvin")) {
			t.Errorf("%s: the password is in %v", name, err)
		}
	}
}

func TestAwaitGoesOnWhileTheBMCDoesNotAnswer(t *testing.T) {
	b := bmctest.Start(t)
	c := open(t, b)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("stop"))
	defer cancel()
	if err := c.Await(ctx, bmc.Off); err == nil || !strings.Contains(err.Error(), "the power is On, not Off") {
		t.Errorf("%v", err)
	}
	if err := c.Reset(t.Context(), bmc.ForceOff); err != nil {
		t.Fatal(err)
	}
	if err := c.Await(t.Context(), bmc.Off); err != nil {
		t.Error(err)
	}
}
