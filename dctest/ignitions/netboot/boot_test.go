package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sabakan is an HTTP server with the boot files of the machine SN-1. changes replaces the contents
// of files, by their path below /api/v1/boot/. asked lists the requests, and DHCP leases among them.
type sabakan struct {
	url     string
	changes map[string]string
	asked   []string
}

func newSabakan(t *testing.T, changes map[string]string) *sabakan {
	s := &sabakan{changes: changes}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *sabakan) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	base := s.url + "/api/v1/boot/"
	answers := map[string]string{
		"ipxe.efi":                 "program",
		"coreos/ipxe":              "#!ipxe\n\nchain " + base + "coreos/ipxe/${serial}\n",
		"coreos/ipxe/SN-1":         "#!ipxe\n\nkernel " + base + "coreos/kernel initrd=initrd.gz coreos.first_boot=1 coreos.config.url=" + base + "ignitions/SN-1/1.0 console=ttyS0\ninitrd " + base + "coreos/initrd.gz\nboot\n",
		"coreos/kernel":            "kernel",
		"coreos/initrd.gz":         "initrd",
		"ignitions/SN-1/1.0":       `{"ignition": {"version": "2.3.0"}}`,
		"coreos/ipxe/unregistered": "",
	}
	for path, text := range s.changes {
		answers[path] = strings.ReplaceAll(text, "BASE/", base)
	}
	text, ok := answers[strings.TrimPrefix(r.URL.Path, "/api/v1/boot/")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	fmt.Fprint(w, text)
}

// boot boots a machine from s.
func (s *sabakan) boot(t *testing.T, serial string) ([]byte, error) {
	m := machine{serial: serial, say: t.Logf, lease: func(_ context.Context, as client) (string, error) {
		s.asked = append(s.asked, fmt.Sprint("DHCP ", as))
		return s.url + map[client]string{firmware: "/api/v1/boot/ipxe.efi", ipxe: "/api/v1/boot/coreos/ipxe"}[as], nil
	}}
	return m.boot(t.Context())
}

func TestABootHasTheRequestsOfRealMachines(t *testing.T) {
	s := newSabakan(t, nil)
	config, err := s.boot(t, "SN-1")
	if err != nil || string(config) != `{"ignition": {"version": "2.3.0"}}` {
		t.Errorf("%s %v", config, err)
	}
	boot := "/api/v1/boot/"
	want := []string{
		"DHCP 0", "HEAD " + boot + "ipxe.efi", "GET " + boot + "ipxe.efi",
		"DHCP 1", "GET " + boot + "coreos/ipxe", "GET " + boot + "coreos/ipxe/SN-1", "GET " + boot + "coreos/kernel", "GET " + boot + "coreos/initrd.gz",
		"DHCP 2", "GET " + boot + "ignitions/SN-1/1.0",
	}
	if diff := cmp.Diff(want, s.asked); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestABootFailsWhereARealOneWould(t *testing.T) {
	kernel := "#!ipxe\nkernel BASE/coreos/kernel coreos.first_boot=1 coreos.config.url=BASE/ignitions/SN-1/1.0\n"
	for name, c := range map[string]struct {
		serial  string
		changes map[string]string
		want    string
	}{
		"a machine that is not registered": {"SN-2", nil, "404"},
		"an empty kernel":                  {"SN-1", map[string]string{"coreos/kernel": ""}, "kernel is empty"},
		"an empty program":                 {"SN-1", map[string]string{"ipxe.efi": ""}, "ipxe.efi is empty"},
		"HTML":                             {"SN-1", map[string]string{"coreos/ipxe": "<html>"}, "no script of iPXE"},
		"a loop":                           {"SN-1", map[string]string{"coreos/ipxe": "#!ipxe\nchain BASE/coreos/ipxe\n"}, "more than 5 scripts"},
		"no boot":                          {"SN-1", map[string]string{"coreos/ipxe": kernel}, "boots nothing"},
		"no initrd":                        {"SN-1", map[string]string{"coreos/ipxe": kernel + "boot\n"}, `fail at "boot"`},
		"another command":                  {"SN-1", map[string]string{"coreos/ipxe": "#!ipxe\nshell\n"}, `fail at "shell"`},
		"no first boot":                    {"SN-1", map[string]string{"coreos/ipxe": "#!ipxe\nkernel BASE/coreos/kernel coreos.config.url=a\ninitrd b\nboot\n"}, "no first_boot=1"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := newSabakan(t, c.changes).boot(t, c.serial); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
