package contents_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/registrytest"
	"github.com/cybozu-go/neco/dctest/sabakantest"
	"github.com/cybozu-go/neco/pkg/blobcache"
	"github.com/cybozu-go/neco/pkg/cke"
	"github.com/cybozu-go/neco/pkg/contents"
	"github.com/cybozu-go/neco/pkg/host"
)

// outside is the transport of a host whose requests all reach one server on loopback:
// registries, and the download host of the operating system.
type outside struct{ address string }

// RoundTrip implements http.RoundTripper.
func (o outside) RoundTrip(r *http.Request) (*http.Response, error) {
	plain := r.Clone(r.Context())
	plain.URL.Scheme, plain.URL.Host = "http", o.address
	res, err := http.DefaultTransport.RoundTrip(plain)
	if err == nil {
		res.Request = r
	}
	return res, err
}

// osImage serves the files of the operating system, and counts the bytes of their bodies.
type osImage struct{ sent atomic.Int64 }

// ServeHTTP implements http.Handler.
func (o *osImage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text := strings.Repeat("x", 1000)
	o.sent.Add(int64(len(text)))
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
}

// data counts the bytes at both ends of the uploads of a host.
type data struct {
	registry *registrytest.Registry
	os       *osImage
	sabakan  string
}

// counts are the bytes of bodies that the internet has sent, and the uploads that sabakan
// has received, by kind.
type counts struct {
	Images, OS int64
	Sabakan    map[string]sabakantest.Uploads
}

func (d data) counts(t *testing.T) counts {
	t.Helper()
	received, err := sabakantest.Received(t.Context(), d.sabakan)
	if err != nil {
		t.Fatal(err)
	}
	return counts{d.registry.Sent(), d.os.sent.Load(), received}
}

// withContents returns an uploader of all contents of a host, the counters of their bytes,
// and the size of the blobs of all images.
func withContents(t *testing.T) (contents.Uploader, data, int64) {
	t.Helper()
	url := sabakantest.Start(t)
	u, c := withTemplatesAt(t, url)
	prepare(t, c)
	put(t, u.FS, neco.DCTestFile, "") // without private repositories
	put(t, u.FS, neco.SabakanDHCPJSONFile, `{"lease-minutes": 60}`)
	put(t, u.FS, neco.WorkerAssetsPath+"/node_exporter", "a program")
	images := registrytest.Images{Layers: []int64{100 << 10, 20 << 10, 30 << 10}, Shared: 1}
	for _, name := range neco.SabakanImages {
		img, err := neco.CurrentArtifacts.FindContainerImage(name)
		if err != nil {
			t.Fatal(err)
		}
		images.Names = append(images.Names, img)
	}
	names, err := cke.New(u.FS).Images(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		img, err := neco.ParseContainerImageName(name)
		if err != nil {
			t.Fatal(err)
		}
		images.Names = append(images.Names, img)
	}
	d, size := serve(t, &u, images)
	d.sabakan = url
	return u, d, size
}

// serve makes the images, and starts a server of these and of the operating system, which u
// downloads through a cache. It returns the counters of their bytes, and the size of the blobs
// of all images.
func serve(t *testing.T, u *contents.Uploader, images registrytest.Images) (data, int64) {
	t.Helper()
	d := data{registry: &registrytest.Registry{Dir: t.TempDir()}, os: &osImage{}}
	size, err := registrytest.Generate(d.registry.Dir, images)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/v2/", d.registry)
	mux.Handle("/", d.os)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	u.Transport = outside{s.Listener.Addr().String()}
	u.Images = host.Containers{FS: u.FS, Transport: u.Transport, Cache: blobcache.New(u.Transport, t.TempDir(), 1<<30)}
	return d, size
}

// uploadAll uploads all contents for a release as an update does.
func uploadAll(t *testing.T, u contents.Uploader, version string) {
	t.Helper()
	for _, upload := range []func(context.Context) error{u.CKEImages, u.OSImage, u.Assets, u.DHCP} {
		if err := upload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if note, err := u.Ignitions(t.Context(), contents.Values{Version: version, Servers: []int{0, 1, 2}, SSHKey: "ssh-rsa AAAA"}); note != "" || err != nil {
		t.Fatalf("note %q, error %v", note, err)
	}
}

func TestEachByteIsSentOnce(t *testing.T) {
	u, d, size := withContents(t)
	uploadAll(t, u, "2026.11.21-1")
	first := d.counts(t)
	if first.Images != size || first.OS != 2000 {
		t.Errorf("the registry has sent %d bytes of images that have %d, and the host of the operating system %d of 2000", first.Images, size, first.OS)
	}
	if got := first.Sabakan["assets"]; got.Requests != assets(t, u)+len([]string{"bmc-user.json"}) || got.Bytes < size {
		t.Errorf("sabakan has received %+v for %d assets; the images have %d bytes", got, assets(t, u), size)
	}
	for kind, want := range map[string]int{"images": 1, "ignitions": 2} {
		if got := first.Sabakan[kind].Requests; got != want {
			t.Errorf("sabakan has received %d %s, want %d", got, kind, want)
		}
	}

	uploadAll(t, u, "2026.11.21-1")
	if diff := cmp.Diff(first, d.counts(t)); diff != "" {
		t.Errorf("the second run sends something (-before +after):\n%s", diff)
	}

	uploadAll(t, u, "2026.11.21-2")
	third := d.counts(t)
	if got := third.Sabakan["ignitions"].Requests - first.Sabakan["ignitions"].Requests; got != 2 {
		t.Errorf("the next version uploads %d ignition templates, want one for each of 2 roles", got)
	}
	delete(first.Sabakan, "ignitions")
	delete(third.Sabakan, "ignitions")
	if diff := cmp.Diff(first, third); diff != "" {
		t.Errorf("the next version sends something besides its templates (-before +after):\n%s", diff)
	}
}

// assets returns the number of assets that sabakan should have: one for each image of
// nodes and of CKE, and the one file.
func assets(t *testing.T, u contents.Uploader) int {
	t.Helper()
	names, err := cke.New(u.FS).Images(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return len(neco.SabakanImages) + len(names) + 1
}

func TestTheProgressOfEachContentIsReported(t *testing.T) {
	u, _, _ := withContents(t)
	var mu sync.Mutex
	var last map[string]contents.Event
	u.Observe = func(e contents.Event) {
		mu.Lock()
		defer mu.Unlock()
		before, seen := last[e.Name]
		if e.Done < 0 || e.Total > 0 && e.Done > e.Total || seen && before.State == e.State && before.Done > e.Done {
			t.Errorf("%+v after %+v", e, before)
		}
		order := map[contents.State]int{contents.Downloading: 1, contents.Uploading: 2, contents.Uploaded: 3}
		if isImage := strings.HasSuffix(e.Name, ".img"); isImage && order[e.State] > order[before.State]+1 {
			t.Errorf("image %s is %s after it was %q", e.Name, e.State, before.State)
		}
		if seen && e.State == contents.Uploading && before.State == contents.Downloading && before.Done < before.Total/2 {
			t.Errorf("the upload of %s begins after %d of %d bytes", e.Name, before.Done, before.Total)
		}
		last[e.Name] = e
	}
	for _, want := range []contents.State{contents.Uploaded, contents.Present} {
		last = map[string]contents.Event{}
		uploadAll(t, u, "2026.11.21-1")
		if names := assets(t, u) + len([]string{"coreos", "dhcp.json", "template cs", "template ss"}); len(last) != names {
			t.Errorf("%d contents are reported, want %d", len(last), names)
		}
		for name, e := range last {
			if e.State != want || want == contents.Uploaded && e.Total == 0 {
				t.Errorf("%s: %+v, want %s", name, e, want)
			}
		}
	}
}
