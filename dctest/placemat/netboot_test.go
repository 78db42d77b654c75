package placemat

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

func TestASwitchRelaysToAllBootServers(t *testing.T) {
	boot := func(node0 string) cluster.Node {
		return cluster.Node{Kind: cluster.Boot, Interfaces: []cluster.Interface{
			{Name: "eth0", Type: cluster.LinkEnd}, {Name: "node0", Type: cluster.Dummy, Addresses: []netip.Prefix{netip.MustParsePrefix(node0 + "/32")}},
		}}
	}
	c := &Centre{cluster: &cluster.Cluster{Nodes: []cluster.Node{boot("10.69.0.3"), boot("10.69.0.195")}}}
	tor := cluster.Node{Kind: cluster.ToR, Interfaces: []cluster.Interface{
		{Name: "eth0", Type: cluster.LinkEnd, Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.1.1/31")}},
		{Name: "rack", Type: cluster.Bridge, Addresses: []netip.Prefix{netip.MustParsePrefix("10.69.0.65/26")}},
	}}
	var got []string
	for _, a := range c.relay(tor) {
		if strings.HasPrefix(a, "--dhcp-relay") {
			got = append(got, a)
		}
	}
	if diff := cmp.Diff([]string{"--dhcp-relay=10.69.0.65,10.69.0.3", "--dhcp-relay=10.69.0.65,10.69.0.195"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAVirtualBMCAnswersAsOneOfAVM(t *testing.T) {
	on := false
	var did []string
	b := &virtualBMC{
		on: func(context.Context) (bool, error) { return on, nil },
		set: func(_ context.Context, reset string) error {
			did = append(did, reset)
			on = reset == "On" || reset == "ForceRestart" || on && reset != "ForceOff" && reset != "GracefulShutdown"
			return nil
		},
	}
	for _, c := range []struct {
		request, body, password string
		status                  int
		answer                  string
	}{
		{"GET /redfish/v1/", "", "", 200, `"RedfishVersion":"1.4.0"`},
		{"GET " + bmcSystem, "", "", 401, "AccessDenied"},
		{"GET " + bmcSystem, "", bmcUser, 200, `"PowerState":"Off"`},
		{"GET " + bmcSystem + "/Bios", "", bmcUser, 404, ""},
		{"POST " + bmcReset, "On", bmcUser, 400, "MalformedJSON"},
		{"POST " + bmcReset, `{"ResetType": "ForceOff"}`, bmcUser, 409, "PSU501"},
		{"POST " + bmcReset, `{"ResetType": "ForceRestart"}`, bmcUser, 409, "PSU501"},
		{"POST " + bmcReset, `{"ResetType": "On"}`, bmcUser, 204, ""},
		{"POST " + bmcReset, `{"ResetType": "On"}`, bmcUser, 409, "PSU501"},
		{"GET " + bmcSystem, "", bmcUser, 200, `"PowerState":"On"`},
		{"POST " + bmcReset, `{"ResetType": "ForceRestart"}`, bmcUser, 204, ""},
		{"POST " + bmcReset, `{"ResetType": "Nmi"}`, bmcUser, 204, ""},
		{"POST " + bmcReset, `{"ResetType": "GracefulShutdown"}`, bmcUser, 204, ""},
	} {
		method, path, _ := strings.Cut(c.request, " ")
		r := httptest.NewRequest(method, path, strings.NewReader(c.body))
		if c.password != "" {
			r.SetBasicAuth(bmcUser, c.password)
		}
		w := httptest.NewRecorder()
		http.Handler(b).ServeHTTP(w, r)
		text, _ := io.ReadAll(w.Body)
		if w.Code != c.status || !strings.Contains(string(text), c.answer) {
			t.Errorf("%s %s: %d %s, want %d %s", c.request, c.body, w.Code, text, c.status, c.answer)
		}
	}
	if diff := cmp.Diff([]string{"On", "ForceRestart", "Nmi", "GracefulShutdown"}, did); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
