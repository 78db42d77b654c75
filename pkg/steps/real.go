package steps

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/blobcache"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/renewal"
	"github.com/cybozu-go/neco/pkg/resolver"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/vault"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

// blobs is the directory of the layers of images that go to sabakan, and maxBlobs the size
// of these files in bytes: that of all images of two releases.
const (
	blobs    = "/var/lib/neco/blobs"
	maxBlobs = 8 << 30
)

// SabakanURL is the environment variable with the URL of sabakan, where that is not
// neco.SabakanLocalEndpoint. Only the sandbox sets it, for neco-worker and neco: all its boot
// servers, which are processes of one host, use one sabakan.
const SabakanURL = "NECO_SABAKAN_URL"

// ResolverAddress is the environment variable with the address of the resolver on this host,
// where that is not resolver.Local. Only the sandbox sets it, for neco-worker: the ports of
// its boot servers, which are processes of one host, differ.
const ResolverAddress = "NECO_RESOLVER"

// Real returns the options of the boot server whose file system is at root.
func Real(root string, etcd *clientv3.Client, log *slog.Logger) Options {
	r := realHost{fs: host.FS{Root: root}, packages: host.Packages{Root: root}, log: log}
	return Options{
		FS: r.fs, Units: r.units, Restarter: r.units, Packages: r, Docker: host.Containers{FS: r.fs},
		Sabakan:   cmp.Or(os.Getenv(SabakanURL), neco.SabakanLocalEndpoint),
		Resolver:  cmp.Or(os.Getenv(ResolverAddress), resolver.Local),
		Transport: func(c storage.Config) (http.RoundTripper, error) { return host.NewTransport(c.Proxy) },
		Etcd:      etcd, Unseal: r.unseal(etcd), Seal: r.seal(etcd),
		Artifacts: component.Artifacts(), Containers: r.containers, Stage: r.stage, Staged: r.staged,
		FetchDeb: r.fetchDeb, Digests: release.ArtifactDigests(), Reload: r.units.TryReload,
	}
}

// unseal returns a function that unseals the Vault of this host with the unseal key in
// etcd. The function decrypts that key with the host key.
func (r realHost) unseal(etcd *clientv3.Client) func(context.Context) error {
	return func(ctx context.Context) error {
		id, err := hostkey.Load(ctx, r.fs)
		if err != nil {
			return err
		}
		keys, err := vaultkey.UnsealKeys(ctx, etcd, id)
		if err != nil {
			return err
		}
		client, err := vault.Open(vault.Local, r.fs.Path(neco.ServerCAFile), "")
		if err != nil {
			return err
		}
		_, err = vault.UnsealAny(ctx, client, keys)
		return err
	}
}

// seal returns a function that encrypts the unseal key to the boot servers that cannot
// decrypt it yet.
func (r realHost) seal(etcd *clientv3.Client) func(context.Context, []int) (bool, error) {
	return func(ctx context.Context, lrns []int) (bool, error) {
		id, err := hostkey.Load(ctx, r.fs)
		if err != nil {
			return false, err
		}
		roots, err := renewal.Server{FS: r.fs}.Roots(pki.ServerCA)
		if err != nil {
			return false, err
		}
		return vaultkey.Sealing{Etcd: etcd, Identity: id, Roots: roots, Now: time.Now()}.ResealMissing(ctx, lrns)
	}
}

// realHost implements the functions in [Options] by means of pkg/host and pkg/release.
type realHost struct {
	fs       host.FS
	units    host.Units
	packages host.Packages
	log      *slog.Logger
}

func (r realHost) Installed(ctx context.Context, name, version string) (bool, error) {
	return r.packages.Installed(ctx, name, version)
}

func (r realHost) Status(ctx context.Context, name string) (version, state string, err error) {
	return r.packages.Status(ctx, name)
}

func (r realHost) InstallInUnit(ctx context.Context, deb string, progress func(text string)) error {
	return r.packages.InstallInUnit(ctx, r.units, deb, progress)
}

func (r realHost) containers(c storage.Config) (component.Containers, error) {
	transport, err := host.NewTransport(c.Proxy)
	if err != nil {
		return nil, err
	}
	return host.Containers{
		FS: r.fs, Transport: transport, Auth: host.NewAuth(c.QuayUsername, c.QuayPassword),
		Cache: blobcache.New(transport, r.fs.Path(blobs), maxBlobs), Digests: release.ArtifactDigests(),
	}, nil
}

func (r realHost) stage(ctx context.Context, c storage.Config, v release.Version) (string, error) {
	transport, err := host.NewTransport(c.Proxy)
	if err != nil {
		return "", err
	}
	defer transport.CloseIdleConnections()
	finder, client := release.Open(transport, c.GitHubToken, r.log)
	p, err := release.Stager{Finder: finder, Channel: release.Channel(c.Env), Client: client, Dir: r.fs.Path(LocalPackages)}.Stage(ctx, v)
	return p.Path, err
}

func (r realHost) staged(v release.Version) (string, error) {
	p, err := release.Stager{Dir: r.fs.Path(LocalPackages)}.Staged(v)
	return p.Path, err
}

func (r realHost) fetchDeb(ctx context.Context, c storage.Config, d neco.DebianPackage, digest string) (string, error) {
	transport, err := host.NewTransport(c.Proxy)
	if err != nil {
		return "", err
	}
	defer transport.CloseIdleConnections()
	finder, client := release.OpenRepository(transport, c.GitHubToken, d.Owner, d.Repository, r.log)
	return release.FetchDeb(ctx, finder, client, d, digest, r.fs.Path(debs))
}
