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
"bmc-ipv4-range-size": 5, "bmc-ipv4-range-mask": 20}`

type client struct {
	t *testing.T
	h http.Handler
}

func newServer(t *testing.T) client {
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
	return client{t, (&server{store: s, blobs: blobs{dir: blobDir, self: "http://10.69.0.3:10080"}}).handler()}
}

// call sends a request, expects the status, and returns the answer.
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
	c.call(201, "POST", "/api/v1/machines", `[{"serial":"a","rack":1,"role":"boot","bmc":{"type":"IPMI-2.0"}},{"serial":"b","rack":1,"role":"cs","labels":{"product":"vm"}}]`)
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
	c.call(409, "POST", "/api/v1/machines", `[{"serial":"c","rack":1,"role":"ss"},{"serial":"b","rack":1,"role":"ss"}]`)
	c.call(404, "GET", "/api/v1/machines?serial=c", "")
	c.call(409, "POST", "/api/v1/machines", `[{"serial":"d","rack":1,"role":"boot"}]`)
	c.call(500, "PUT", "/api/v1/config/ipam", plan)
}

func TestStatesFollowEachOtherAsTheyMay(t *testing.T) {
	c := withMachines(t)
	c.call(404, "PUT", "/api/v1/state/x", "healthy")
	c.call(400, "PUT", "/api/v1/state/a", "fine")
	c.call(500, "PUT", "/api/v1/state/a", "updating")
	c.call(200, "PUT", "/api/v1/state/a", "healthy")
	c.call(201, "PUT", "/api/v1/crypts/a/disk0", "secret")
	c.call(409, "PUT", "/api/v1/crypts/a/disk0", "other")
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
	c.call(201, "PUT", "/api/v1/crypts/a/disk0", "secret", "From", "10.69.0.4:1")
}

func TestIgnitionsAreInTheOrderOfVersions(t *testing.T) {
	c := newServer(t)
	const template = `{"version":"2.3","template":{},"meta":{}}`
	for i := range 12 {
		c.call(201, "PUT", fmt.Sprintf("/api/v1/ignitions/cs/2026.11.21-%d", i), template)
	}
	c.call(409, "PUT", "/api/v1/ignitions/cs/2026.11.21-11", template)
	c.call(400, "PUT", "/api/v1/ignitions/cs/2026.11.21-12", `{}`)
	var ids []string
	if err := json.Unmarshal([]byte(c.call(200, "GET", "/api/v1/ignitions/cs", "")), &ids); err != nil {
		t.Fatal(err)
	}
	if len(ids) != 10 || ids[0] != "2026.11.21-2" || ids[9] != "2026.11.21-11" {
		t.Error(ids)
	}
}

func TestGraphQLFindsAndChangesMachines(t *testing.T) {
	c := withMachines(t)
	got := c.call(200, "POST", "/graphql", `{"query":"query($having: MachineParams) { searchMachines(having: $having) { spec { serial } } }","variables":{"having":{"roles":["cs"]}}}`)
	if !strings.Contains(got, `"serial":"b"`) || strings.Contains(got, `"serial":"a"`) {
		t.Error(got)
	}
	c.call(200, "POST", "/graphql", `{"query":"mutation { setMachineState(serial: $serial, state: $state) { state } }","variables":{"serial":"b","state":"HEALTHY"}}`)
	if got := c.call(200, "GET", "/api/v1/state/b", ""); got != "healthy" {
		t.Error(got)
	}
}
