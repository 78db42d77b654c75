package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

const plan = `{"max-nodes-in-rack": 28, "node-ipv4-pool": "10.69.0.0/20", "node-ipv4-range-size": 6, "node-ipv4-range-mask": 26,
"node-ip-per-node": 3, "node-index-offset": 3, "node-gateway-offset": 1, "bmc-ipv4-pool": "10.72.16.0/20", "bmc-ipv4-offset": "0.0.1.0",
"bmc-ipv4-range-size": 5, "bmc-ipv4-range-mask": 20, "bmc-ipv4-gateway-offset": 1}`

const self = "http://10.69.0.3:10080"

type client struct {
	t *testing.T
	h http.Handler
}

func newServer(t *testing.T) client {
	t.Helper()
	c, _ := newServers(t)
	return c
}

// newServers returns a client and the server that it calls.
func newServers(t *testing.T) (client, *server) {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(store.Config{}, filepath.Join(dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	blobDir := filepath.Join(dir, "blobs")
	if err := os.Mkdir(blobDir, 0o755); err != nil {
		t.Fatal(err)
	}
	srv := &server{store: s, allow: loopback(), blobs: blobs{dir: blobDir, self: self}}
	return client{t, srv.handler()}, srv
}

// call sends a request, checks the status of the response, and returns its body.
func (c client) call(want int, method, path, body string, header ...string) string {
	c.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:1"
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i] == "From" {
			r.RemoteAddr = header[i+1]
		}
		if header[i] == "Content-Length" {
			r.ContentLength, _ = strconv.ParseInt(header[i+1], 10, 64)
		}
	}
	w := httptest.NewRecorder()
	c.h.ServeHTTP(w, r)
	data, _ := io.ReadAll(w.Result().Body)
	if w.Code != want {
		c.t.Errorf("%s %s: status %d, want %d: %s", method, path, w.Code, want, data)
	}
	return string(data)
}

func withMachines(t *testing.T) client {
	c := newServer(t)
	c.call(500, "POST", "/api/v1/machines", `[]`)
	c.call(200, "PUT", "/api/v1/config/ipam", plan)
	c.call(201, "POST", "/api/v1/machines", `[{"serial":"a","rack":1,"role":"boot","bmc":{"type":"IPMI-2.0"}},{"serial":"b","rack":1,"role":"cs","labels":{"product":"vm"},"bmc":{"type":"IPMI-2.0"}}]`)
	return c
}

func TestMachinesHaveTheAddressesOfThePlan(t *testing.T) {
	c := withMachines(t)
	var got []machine
	if err := json.Unmarshal([]byte(c.call(200, "GET", "/api/v1/machines?role=boot", "")), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || fmt.Sprint(got[0].Spec.IPv4) != "[10.69.0.195 10.69.1.3 10.69.1.67]" || got[0].Spec.BMC.IPv4 != "10.72.17.35" {
		t.Errorf("%+v", got)
	}
	c.call(200, "GET", "/api/v1/machines?labels=product=vm&without-rack=2", "")
	c.call(404, "GET", "/api/v1/machines?state=healthy", "")
	c.call(400, "GET", "/api/v1/machines?colour=red", "")
	c.call(400, "GET", "/api/v1/machines?role=boot&without-role=cs", "")
	c.call(409, "POST", "/api/v1/machines", `[{"serial":"c","rack":1,"role":"ss","bmc":{"type":"x"}},{"serial":"b","rack":1,"role":"ss","bmc":{"type":"x"}}]`)
	c.call(404, "GET", "/api/v1/machines?serial=c", "")
	c.call(409, "POST", "/api/v1/machines", `[{"serial":"d","rack":1,"role":"boot","bmc":{"type":"x"}}]`)
	c.call(500, "PUT", "/api/v1/config/ipam", plan)
}

func TestStatesFollowEachOtherAsTheyMay(t *testing.T) {
	c := withMachines(t)
	c.call(404, "PUT", "/api/v1/state/x", "healthy")
	c.call(400, "PUT", "/api/v1/state/a", "fine")
	c.call(413, "PUT", "/api/v1/state/a", strings.Repeat(" ", 122)+"healthy")
	c.call(500, "PUT", "/api/v1/state/a", "updating")
	c.call(200, "PUT", "/api/v1/state/a", "healthy")
	c.call(201, "PUT", "/api/v1/crypts/a/disk0", "secret")
	c.call(409, "PUT", "/api/v1/crypts/a/disk0", "other")
	c.call(413, "PUT", "/api/v1/crypts/a/disk1", strings.Repeat("x", 4097))
	c.call(400, "PUT", "/api/v1/crypts/a/disk1", "")
	c.call(500, "DELETE", "/api/v1/crypts/a", "")
	c.call(200, "PUT", "/api/v1/state/a", "retiring")
	c.call(500, "PUT", "/api/v1/crypts/a/disk1", "secret")
	c.call(400, "PUT", "/api/v1/state/a", "retired")
	if got := c.call(200, "DELETE", "/api/v1/crypts/a", ""); got != "[\"disk0\"]\n" {
		t.Error(got)
	}
	c.call(200, "PUT", "/api/v1/state/a", "retired")
	if got := c.call(200, "GET", "/api/v1/state/a", ""); got != "retired" {
		t.Error(got)
	}
}

func TestOtherHostsMayReadAndSendDiskKeys(t *testing.T) {
	c := withMachines(t)
	c.call(403, "PUT", "/api/v1/state/a", "healthy", "From", "10.69.0.4:1")
	c.call(200, "GET", "/api/v1/state/a", "", "From", "10.69.0.4:1")
	c.call(200, "HEAD", "/api/v1/machines", "", "From", "10.69.0.4:1")
	c.call(201, "PUT", "/api/v1/crypts/a/disk0", "secret", "From", "10.69.0.4:1")
	c.call(403, "DELETE", "/api/v1/crypts/a", "", "From", "10.69.0.4:1")
	c.call(403, "PUT", "/api/v1/state/a", "healthy", "From", "127.0.0.2:1")
	c.call(200, "PUT", "/api/v1/state/a", "healthy", "From", "[::1]:1")
	c.call(200, "POST", "/graphql", `{"query":"mutation { setMachineState(serial: \"a\", state: RETIRING) { state } }"}`, "From", "10.69.0.4:1")
	if got := c.call(200, "GET", "/api/v1/state/a", ""); got != "retiring" {
		t.Error(got)
	}
}

func TestErrorsAreObjects(t *testing.T) {
	c := newServer(t)
	for _, r := range []struct {
		status       int
		method, path string
	}{
		{404, "GET", "/api/v1/machines"}, {404, "GET", "/api/v1/nothing"}, {405, "DELETE", "/api/v1/machines"}, {400, "POST", "/graphql"},
	} {
		var got struct {
			Status int
			Error  string
		}
		text := c.call(r.status, r.method, r.path, "")
		if err := json.Unmarshal([]byte(text), &got); err != nil || got.Status != r.status || got.Error == "" {
			t.Errorf("%s %s: %s", r.method, r.path, text)
		}
	}
}

func TestAnIPAMConfigurationIsChecked(t *testing.T) {
	c := newServer(t)
	for key, values := range map[string][]any{
		"max-nodes-in-rack": {0}, "node-ip-per-node": {0},
		"node-ipv4-pool": {"", "10.69.0.1/20", "fd00::/64"}, "bmc-ipv4-pool": {"10.72.16.1/20"},
		"node-ipv4-range-size": {0}, "bmc-ipv4-range-size": {0},
		"node-ipv4-range-mask": {7, 33}, "bmc-ipv4-range-mask": {7, 33},
		"node-gateway-offset": {0}, "bmc-ipv4-gateway-offset": {0},
		"bmc-ipv4-offset": {"1"},
	} {
		for _, value := range values {
			var changed map[string]any
			if err := json.Unmarshal([]byte(plan), &changed); err != nil {
				t.Fatal(err)
			}
			changed[key] = value
			data, err := json.Marshal(changed)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.call(400, "PUT", "/api/v1/config/ipam", string(data)); !strings.Contains(got, key) && value != "" {
				t.Errorf("%s: %v: %s", key, value, got)
			}
		}
	}
	c.call(404, "GET", "/api/v1/config/ipam", "")
	c.call(200, "PUT", "/api/v1/config/ipam", plan)
}

func TestAMachineIsShownWithItsNetworks(t *testing.T) {
	c := withMachines(t)
	var got []struct{ Spec, Info map[string]any }
	if err := json.Unmarshal([]byte(c.call(200, "GET", "/api/v1/machines?serial=b", "")), &got); err != nil {
		t.Fatal(err)
	}
	if v, found := got[0].Spec["ipv6"]; !found || v != nil {
		t.Error(got[0].Spec)
	}
	if date, _ := got[0].Spec["register-date"].(string); !strings.HasPrefix(date, "2") {
		t.Error(date)
	}
	const want = "map[bmc:map[ipv4:map[address:10.72.17.36 gateway:10.72.16.1 maskbits:20 netmask:255.255.240.0]] " +
		"network:map[ipv4:[map[address:10.69.0.196 gateway:10.69.0.193 maskbits:26 netmask:255.255.255.192] " +
		"map[address:10.69.1.4 gateway:10.69.1.1 maskbits:26 netmask:255.255.255.192] " +
		"map[address:10.69.1.68 gateway:10.69.1.65 maskbits:26 netmask:255.255.255.192]]]]"
	if fmt.Sprint(got[0].Info) != want {
		t.Error(got[0].Info)
	}
}

func TestASpecIsChecked(t *testing.T) {
	c := withMachines(t)
	for _, spec := range []string{
		`{"serial":"","rack":1,"role":"cs","bmc":{"type":"x"}}`,
		`{"serial":"c","rack":1,"role":"cs","bmc":{"type":""}}`,
		`{"serial":"c","rack":1,"role":"cs","bmc":{"type":"a b"}}`,
		`{"serial":"c","rack":1,"role":"cs","bmc":{"type":"x"},"labels":{"-a":"b"}}`,
	} {
		c.call(400, "POST", "/api/v1/machines", "["+spec+"]")
	}
	const twice = `{"serial":"c","rack":1,"role":"cs","bmc":{"type":"x"}}`
	c.call(409, "POST", "/api/v1/machines", "["+twice+","+twice+"]")
	c.call(201, "POST", "/api/v1/machines", `[{"serial":"c","rack":1,"role":"cs","bmc":{"type":"x"},"register-date":"2020-01-02T00:00:00Z","labels":{"a":""}}]`)
	if got := c.call(200, "GET", "/api/v1/machines?serial=c", ""); !strings.Contains(got, "2020-01-02T00:00:00Z") {
		t.Error(got)
	}
}

func TestLabelsAndRetireDatesCanBeChanged(t *testing.T) {
	c := withMachines(t)
	c.call(404, "GET", "/api/v1/labels/x", "")
	if got := c.call(200, "GET", "/api/v1/labels/a", ""); got != "{}\n" {
		t.Error(got)
	}
	c.call(400, "PUT", "/api/v1/labels/a", `{"a b":"x"}`)
	c.call(200, "PUT", "/api/v1/labels/a", `{"one":"1","two":""}`)
	c.call(200, "PUT", "/api/v1/labels/a", `{"one":"3"}`)
	c.call(200, "DELETE", "/api/v1/labels/a/two", "")
	c.call(404, "DELETE", "/api/v1/labels/a/two", "")
	if got := c.call(200, "GET", "/api/v1/labels/a", ""); got != "{\"one\":\"3\"}\n" {
		t.Error(got)
	}
	c.call(400, "PUT", "/api/v1/retire-date/a", "soon")
	c.call(404, "PUT", "/api/v1/retire-date/x", "2030-01-02T00:00:00Z")
	c.call(200, "PUT", "/api/v1/retire-date/a", "2030-01-02T00:00:00Z")
	if got := c.call(200, "GET", "/api/v1/machines?serial=a", ""); !strings.Contains(got, `"retire-date":"2030-01-02T00:00:00Z"`) {
		t.Error(got)
	}
}

func TestKernelParametersAreChecked(t *testing.T) {
	c := newServer(t)
	c.call(404, "GET", "/api/v1/kernel_params/coreos", "")
	c.call(400, "PUT", "/api/v1/kernel_params/coreos", "a=\"b\"")
	c.call(413, "PUT", "/api/v1/kernel_params/coreos", strings.Repeat("a", 4097))
	c.call(200, "PUT", "/api/v1/kernel_params/coreos", "console=ttyS0,115200 quiet")
	if got := c.call(200, "GET", "/api/v1/kernel_params/coreos", ""); got != "console=ttyS0,115200 quiet" {
		t.Error(got)
	}
}
