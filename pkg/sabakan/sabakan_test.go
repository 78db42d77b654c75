package sabakan_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco/dctest/inventory"
	"github.com/cybozu-go/neco/dctest/sabakantest"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

func open(t *testing.T, url string) *sabakan.Client {
	c := sabakan.New(url)
	t.Cleanup(c.Close)
	return c
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func content(text string) sabakan.Content {
	sum := sha256.Sum256([]byte(text))
	return sabakan.Content{
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil },
		Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:]),
	}
}

func TestSabakan(t *testing.T) {
	c := open(t, sabakantest.Start(t))
	ctx := t.Context()
	t.Run("assets", func(t *testing.T) { testAssets(ctx, t, c) })
	t.Run("images", func(t *testing.T) { testImages(ctx, t, c) })
	t.Run("configuration", func(t *testing.T) { testConfiguration(ctx, t, c) })
	t.Run("machines", func(t *testing.T) { testMachines(ctx, t, c) })
	t.Run("ignitions", func(t *testing.T) { testIgnitions(ctx, t, c) })
}

func testAssets(ctx context.Context, t *testing.T, c *sabakan.Client) {
	if _, err := c.Asset(ctx, "a b.img"); !errors.Is(err, sabakan.ErrNotFound) {
		t.Errorf("an unknown asset: %v", err)
	}
	file := content("hello")
	file.Options = map[string]string{"Version": "1.2"}
	must(t, c.PutAsset(ctx, "a b.img", file))
	got, err := c.Asset(ctx, "a b.img")
	must(t, err)
	if got.SHA256 != file.SHA256 || !got.Exists || got.Options["version"] != "1.2" {
		t.Errorf("asset %+v", got)
	}
	wrong := content("hello")
	wrong.SHA256 = strings.Repeat("0", 64)
	var refused *sabakan.Error
	if err := c.PutAsset(ctx, "wrong", wrong); !errors.As(err, &refused) {
		t.Errorf("a wrong digest: %v", err)
	}
	for name, size := range map[string]int64{"longer than announced": 4, "shorter than announced": 6} {
		odd := content("hello")
		odd.Size = size
		if err := c.PutAsset(ctx, "odd", odd); err == nil {
			t.Errorf("content that is %s is taken", name)
		}
	}
	broken := errors.New("disk failure")
	err = c.PutAsset(ctx, "odd", sabakan.Content{Size: 5, Open: func() (io.ReadCloser, error) { return nil, broken }})
	if !errors.Is(err, broken) {
		t.Errorf("a file that cannot be opened: %v", err)
	}
	must(t, c.PutAsset(ctx, "empty", content("")))
	names, err := c.Assets(ctx)
	must(t, err)
	slices.Sort(names)
	if !slices.Equal(names, []string{"a b.img", "empty"}) {
		t.Errorf("assets %q", names)
	}
}

func testImages(ctx context.Context, t *testing.T, c *sabakan.Client) {
	if all, err := c.Images(ctx); err != nil || len(all) != 0 {
		t.Errorf("images %v, %v", all, err)
	}
	for i := range 6 {
		must(t, c.PutImage(ctx, fmt.Sprintf("3139.%d.0", i), archive(t)))
	}
	all, err := c.Images(ctx)
	must(t, err)
	if len(all) != 5 || all[0].ID != "3139.1.0" || !all[4].Exists {
		t.Errorf("images %+v", all)
	}
	if err := c.PutImage(ctx, "3139.0.0", archive(t)); !errors.Is(err, sabakan.ErrConflict) || retry.MayPass(err) {
		t.Errorf("a removed image: %v", err)
	}
}

// archive returns the archive of a small kernel and initial RAM disk.
func archive(t *testing.T) sabakan.Content {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range []string{"kernel", "initrd.gz"} {
		must(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: 3}))
		_, err := w.Write([]byte("abc"))
		must(t, err)
	}
	must(t, w.Close())
	return content(b.String())
}

func testConfiguration(ctx context.Context, t *testing.T, c *sabakan.Client) {
	if _, err := c.DHCP(ctx); !errors.Is(err, sabakan.ErrNotFound) {
		t.Errorf("no configuration: %v", err)
	}
	must(t, c.PutDHCP(ctx, json.RawMessage(`{"lease-minutes": 60, "gateway-offset": 1}`)), c.PutIPAM(ctx, json.RawMessage(inventory.IPAM)))
	conf, err := c.DHCP(ctx)
	if err != nil || !strings.Contains(string(conf), "60") {
		t.Errorf("DHCP %s, %v", conf, err)
	}
	plan, err := c.IPAM(ctx)
	if err != nil || !strings.Contains(string(plan), "10.69.0.0/20") {
		t.Errorf("IPAM %s, %v", plan, err)
	}
	if err := c.PutDHCP(ctx, json.RawMessage(`{"lease-minutes": "many"}`)); err == nil || retry.MayPass(err) || strings.Contains(err.Error(), "\n") {
		t.Errorf("a bad configuration: %v", err)
	}
}

func testMachines(ctx context.Context, t *testing.T, c *sabakan.Client) {
	if all, err := c.Machines(ctx, nil); err != nil || len(all) != 0 {
		t.Errorf("machines %v, %v", all, err)
	}
	retires := time.Date(2031, 1, 2, 0, 0, 0, 0, time.UTC)
	must(t, c.CreateMachines(ctx, []sabakan.Spec{
		{Serial: "a", Rack: 1, Role: "boot", Retires: retires, BMC: sabakan.BMC{Type: "IPMI-2.0"}},
		{Serial: "b", Rack: 1, Role: "cs", Labels: map[string]string{"product": "vm"}, Retires: retires, BMC: sabakan.BMC{Type: "IPMI-2.0"}},
	}))
	boot, err := c.Machines(ctx, url.Values{"role": {"boot"}, "rack": {"1"}})
	must(t, err)
	if len(boot) != 1 || boot[0].Spec.IPv4[0].String() != "10.69.0.195" || boot[0].Status.State != sabakan.Uninitialized {
		t.Errorf("boot servers %+v", boot)
	}
	if err := c.CreateMachines(ctx, []sabakan.Spec{{Serial: "c", Rack: 1, Role: "boot", Retires: retires, BMC: sabakan.BMC{Type: "IPMI-2.0"}}}); !errors.Is(err, sabakan.ErrConflict) {
		t.Errorf("a second boot server in a rack: %v", err)
	}
	must(t, c.SetState(ctx, "b", sabakan.Healthy), c.SetState(ctx, "b", sabakan.Healthy))
	found, err := c.Search(ctx, sabakan.Params{States: []sabakan.State{sabakan.Healthy}}, &sabakan.Params{Roles: []string{"boot"}})
	must(t, err)
	if len(found) != 1 || found[0].Spec.Serial != "b" || found[0].Status.State != sabakan.Healthy || found[0].Spec.Labels["product"] != "vm" {
		t.Errorf("found %+v", found)
	}
	if err := c.SetState(ctx, "b", sabakan.Retired); !errors.Is(err, sabakan.ErrBadTransition) || !strings.Contains(err.Error(), "machine b to retired") {
		t.Errorf("a forbidden transition: %v", err)
	}
	if err := c.SetState(ctx, "nobody", sabakan.Healthy); !errors.Is(err, sabakan.ErrNotFound) {
		t.Errorf("an unknown machine: %v", err)
	}
	if err := c.SetState(ctx, "b", "broken"); err == nil || retry.MayPass(err) {
		t.Errorf("an unknown state: %v", err)
	}
}

func testIgnitions(ctx context.Context, t *testing.T, c *sabakan.Client) {
	if ids, err := c.Ignitions(ctx, "cs"); err != nil || len(ids) != 0 {
		t.Errorf("ids %q, %v", ids, err)
	}
	template := sabakan.Template{Version: "2.3", Template: json.RawMessage(`{"ignition":{"version":"2.3.0"}}`), Meta: map[string]any{"version": "1"}}
	for _, id := range []string{"2026.11.22-4", "2026.11.22-5", "2026.11.22-4.1"} {
		must(t, c.PutIgnition(ctx, "cs", id, template))
	}
	ids, err := c.Ignitions(ctx, "cs")
	if want := []string{"2026.11.22-4", "2026.11.22-4.1", "2026.11.22-5"}; err != nil || !slices.Equal(ids, want) {
		t.Errorf("ids %q, %v; want %q", ids, err, want)
	}
	if err := c.PutIgnition(ctx, "cs", "2026.11.22-5", template); !errors.Is(err, sabakan.ErrConflict) {
		t.Errorf("a used id: %v", err)
	}
	got, err := c.Ignition(ctx, "cs", "2026.11.22-5")
	if err != nil || got.Version != "2.3" || got.Meta["version"] != "1" {
		t.Errorf("template %+v, %v", got, err)
	}
}

// TestAResponseThatIsNotSabakansIsNamed uses servers that respond as a proxy, a full disk
// or a broken program would.
func TestAResponseThatIsNotSabakansIsNamed(t *testing.T) {
	for name, tt := range map[string]struct {
		status  int
		body    string
		want    string
		mayPass bool
	}{
		"an error object":     {500, `{"error": "etcd: no\n leader", "status": 500}`, "GET /api/v1/images/coreos: etcd: no leader (status 500)", true},
		"an HTML page":        {502, "<html>\nBad gateway</html>", "<html> Bad gateway</html> (status 502)", true},
		"no text":             {403, "", "GET /api/v1/images/coreos: status 403", false},
		"no JSON":             {200, "<html>", "the response is not what sabakan sends", false},
		"another type":        {200, `{"a": 1}`, "the response is not what sabakan sends", false},
		"an error in full":    {500, strings.Repeat("x", 1<<20), "xxx", true},
		"invalid characters":  {500, "\xff\x00", "status 500", true},
		"an unfinished value": {200, `[{"id": `, "the response is not what sabakan sends", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body) // the client may have gone
			}))
			defer s.Close()
			_, err := open(t, s.URL).Images(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.want) || retry.MayPass(err) != tt.mayPass || len(err.Error()) > 5000 {
				t.Errorf("error %v, may pass %t", err, retry.MayPass(err))
			}
		})
	}
}

func TestASabakanThatIsDownMayComeBack(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	if err := open(t, s.URL).Health(t.Context()); err == nil || !retry.MayPass(err) {
		t.Errorf("error %v", err)
	}
}

func TestAnErrorOfGraphQLIsTyped(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		is   error
		want string
	}{
		"a forbidden transition": {`{"data": null, "errors": [{"message": "transition from [healthy] to [retired]", "extensions": {"type": "INVALID_STATE_TRANSITION"}}]}`, sabakan.ErrBadTransition, "to [retired]"},
		"an unknown machine":     {`{"data": null, "errors": [{"message": "not found", "extensions": {"type": "MACHINE_NOT_FOUND"}}]}`, sabakan.ErrNotFound, "machine a to retired"},
		"no data":                {`{"data": null}`, nil, "neither data nor errors"},
		"no result":              {`{"data": {"setMachineState": null}}`, nil, "no result"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, tt.body) }))
			defer s.Close()
			err := open(t, s.URL).SetState(t.Context(), "a", sabakan.Retired)
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v", err)
			}
		})
	}
}
