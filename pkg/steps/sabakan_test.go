package steps_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/inventory"
	"github.com/cybozu-go/neco/dctest/sabakantest"
	"github.com/cybozu-go/neco/dctest/standintest"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/worker"
)

func put(t *testing.T, fsys host.FS, path, text string) {
	t.Helper()
	if _, err := fsys.Write(host.File{Path: path, Data: []byte(text), Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
}

func TestSabakanRunsWhereItIsSetUp(t *testing.T) {
	_, units, h, ch := newHost(t)
	h.Sabakan = sabakantest.Start(t)
	tg, _ := target(neco.ProdEnv)
	do := func(want ...string) {
		t.Helper()
		for i := range 2 {
			if note, err := h.Do(t.Context(), update.Place{Step: sabakanStep, Action: i}, tg); note != "" || err != nil {
				t.Fatalf("note %q, error %v", note, err)
			}
		}
		if did := units.Did(); !slices.Equal(did, want) {
			t.Errorf("did %q, want %q", did, want)
		}
	}
	do()
	if there, err := ch.FS.Exists(neco.SabakanConfFile); there || err != nil {
		t.Errorf("it is configured before neco init-local (%v)", err)
	}
	put(t, ch.FS, neco.SabakanCertFile, "x")
	do("install tools of sabakan", "pull sabakan", "restart sabakan")
	do()
	units.Kill("sabakan")
	do("pull sabakan", "start sabakan")
	tg.Members = []int{0, 1, 2, 3}
	do("pull sabakan", "restart sabakan")
}

func TestSabakanGetsTheDHCPConfigurationOnce(t *testing.T) {
	_, units, h, ch := newHost(t)
	h.Sabakan = sabakantest.Start(t)
	c := sabakan.New(h.Sabakan)
	defer c.Close()
	tg, _ := target(neco.ProdEnv)
	at := update.Place{Step: dhcpStep}
	if qualifies, _, err := h.Qualifies(t.Context(), at, tg); qualifies || err != nil {
		t.Errorf("a server without sabakan qualifies (%v)", err)
	}
	put(t, ch.FS, neco.SabakanCertFile, "x")
	if err := units.Start(t.Context(), neco.SabakanService); err != nil {
		t.Fatal(err)
	}
	if qualifies, note, err := h.Qualifies(t.Context(), at, tg); !qualifies || err != nil {
		t.Errorf("a server with sabakan does not qualify: %q, %v", note, err)
	}
	do := func(want string) {
		t.Helper()
		if _, err := h.Do(t.Context(), at, tg); err != nil {
			t.Fatal(err)
		}
		conf, err := c.DHCP(t.Context())
		if err != nil || !strings.Contains(string(conf), want) {
			t.Errorf("configuration %s, %v; want %s", conf, err, want)
		}
	}
	put(t, ch.FS, neco.SabakanDHCPJSONFile, `{"gateway-offset": 1, "lease-minutes": 60}`)
	do("60")
	put(t, ch.FS, neco.SabakanDHCPJSONFile, `{"lease-minutes": 30, "dns-servers": ["10.0.0.1"]}`)
	do("10.0.0.1")
}

func TestABrokenTemplateIsAFaultOfTheRelease(t *testing.T) {
	h, _, fsys := withCKE(t)
	h.Sabakan = sabakantest.Start(t)
	standintest.Ckecli(t, fsys)
	put(t, fsys, neco.SabakanCertFile, "x")
	put(t, fsys, neco.IgnitionDirectory+"/roles/cs/site.yml", "version: \"2.3\"\nfiles:\n  - /etc/name\n")
	c := sabakan.New(h.Sabakan)
	defer c.Close()
	spec := sabakan.Spec{Serial: "1", Role: "boot", Retires: time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC), BMC: sabakan.BMC{Type: "IPMI-2.0"}}
	if err := errors.Join(
		h.Units.Start(t.Context(), neco.SabakanService), c.PutIPAM(t.Context(), []byte(inventory.IPAM)),
		c.CreateMachines(t.Context(), []sabakan.Spec{spec}),
	); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		text, env string
		fault     bool
	}{
		"an action that does not end":         {"{{ .Spec.Serial", neco.ProdEnv, true},
		"metadata that nobody provides":       {`{{ Metadata "absent" }}`, neco.ProdEnv, true},
		"a package that is replaced in place": {"{{ .Spec.Serial", neco.TestEnv, false},
	} {
		t.Run(name, func(t *testing.T) {
			put(t, fsys, neco.IgnitionDirectory+"/roles/cs/files/etc/name", tt.text)
			tg, _ := target(tt.env)
			tg.Members = []int{0}
			_, err := h.Do(t.Context(), update.Place{Step: contentsStep, Action: 2}, tg)
			if !worker.IsPermanent(err) || worker.IsReleaseFault(err) != tt.fault {
				t.Errorf("error %v; want a permanent one, fault of the release %t", err, tt.fault)
			}
		})
	}
}

// TestAnErrorOfSabakanEndsTheRunOrIsRetried uses servers that respond as a sabakan that
// refuses a configuration or has lost its etcd does.
func TestAnErrorOfSabakanEndsTheRunOrIsRetried(t *testing.T) {
	for name, tt := range map[string]struct {
		file             string
		get, put         int
		permanent, fault bool
	}{
		"a file that is not JSON":   {"{", 404, 200, true, true},
		"a refused configuration":   {"{}", 404, 400, true, true},
		"no etcd when it is read":   {"{}", 500, 200, false, false},
		"no etcd when it is stored": {"{}", 404, 500, false, false},
		"another program there":     {"{}", 403, 200, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, h, ch := newHost(t)
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					w.WriteHeader(tt.get)
					return
				}
				w.WriteHeader(tt.put)
			}))
			defer s.Close()
			h.Sabakan = s.URL
			put(t, ch.FS, neco.SabakanCertFile, "x")
			put(t, ch.FS, neco.SabakanDHCPJSONFile, tt.file)
			if err := h.Units.Start(t.Context(), neco.SabakanService); err != nil {
				t.Fatal(err)
			}
			tg, _ := target(neco.ProdEnv)
			_, err := h.Do(t.Context(), update.Place{Step: dhcpStep}, tg)
			if err == nil || worker.IsPermanent(err) != tt.permanent || worker.IsReleaseFault(err) != tt.fault {
				t.Errorf("error %v; want permanent %t, fault of the release %t", err, tt.permanent, tt.fault)
			}
		})
	}
}
