package steps

import (
	"context"
	"net/http"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/contents"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/worker"
)

// Packages installs Debian packages on the host.
type Packages interface {
	Installed(ctx context.Context, name, version string) (bool, error)
	// Status returns the version and the state of a package in dpkg's database; see
	// [host.Packages.Status].
	Status(ctx context.Context, name string) (version, state string, err error)
	// InstallInUnit installs the package file deb in a transient service and waits for
	// its end. It calls progress with what it is waiting for.
	InstallInUnit(ctx context.Context, deb string, progress func(text string)) error
}

// Restarter restarts the services of Neco itself.
type Restarter interface {
	TryRestart(ctx context.Context, name string) error
}

// Docker is the Docker daemon of the host.
type Docker interface {
	// Proxies returns the HTTP and the HTTPS proxy that the daemon uses; see
	// [host.Containers.Proxies].
	Proxies(ctx context.Context) (http, https string, err error)
	// RunningContainers returns the running containers.
	RunningContainers(ctx context.Context) ([]host.RunningContainer, error)
	// RestartsWithDocker reports whether the daemon starts a running container again after
	// a restart of the daemon; see [host.Containers.RestartsWithDocker].
	RestartsWithDocker(ctx context.Context, name string) (bool, error)
}

// Options are the parameters of a [Host].
type Options struct {
	FS        host.FS
	Units     component.Units
	Restarter Restarter
	Packages  Packages
	Docker    Docker
	Artifacts neco.ArtifactSet
	// Containers and Stage are given the configuration of the run, whose proxy and
	// credentials they use. Stage downloads and verifies the package of v.
	Containers func(c storage.Config) (component.Containers, error)
	Stage      func(ctx context.Context, c storage.Config, v release.Version) (path string, err error)
	// FetchDeb downloads the Debian package d and checks it; see [release.FetchDeb].
	FetchDeb func(ctx context.Context, c storage.Config, d neco.DebianPackage, digest string) (path string, err error)
	// Digests are the digests of Debian packages and of the operating system's files.
	Digests release.Digests
	// Reload makes a service read its configuration again, if it is running.
	Reload func(ctx context.Context, name string) error
	// Sabakan is the URL of the sabakan on this host.
	Sabakan string
	// Resolver is the address of the resolver on this host.
	Resolver string
	// Transport connects to the internet with the proxy of the run's configuration.
	Transport func(c storage.Config) (http.RoundTripper, error)
	// Etcd is a client whose keys are below Neco's prefix.
	Etcd *clientv3.Client
	// Unseal unseals the Vault of this host.
	Unseal func(ctx context.Context) error
	// Seal encrypts the unseal key to each boot server of lrns that cannot decrypt it
	// yet, and reports whether there was one. It may be nil.
	Seal func(ctx context.Context, lrns []int) (bool, error)
	// Staged returns the package of v if Stage has stored it on this host before, and an
	// error otherwise. It uses no network.
	Staged func(v release.Version) (path string, err error)
	// AllResources means that CKE gets all user resources, also those that it has got before.
	AllResources bool
	// Observe, if not nil, is called with the progress and the result of each content that
	// goes to sabakan or CKE; see [contents.Uploader].
	Observe func(contents.Event)
}

// Host performs the actions of the table on one boot server.
type Host struct {
	Options
	rows []row
}

var _ worker.Doer = (*Host)(nil)

// NewHost returns a Host with the options o and the current table.
func NewHost(o Options) *Host { return &Host{o, rows()} }

// observe calls h.Observe. It does nothing if Observe is nil.
func (h *Host) observe(e contents.Event) {
	if h.Observe != nil {
		h.Observe(e)
	}
}

// Do performs the action at p, or skips it if a condition does not hold; see
// [worker.Doer].
func (h *Host) Do(ctx context.Context, p update.Place, t worker.Target) (string, error) {
	r := h.rows[p.Step]
	a := r.acts[p.Action]
	if note, skips, err := h.skips(ctx, r, a, t); err != nil || skips {
		return note, err
	}
	return a.do(ctx, h, r.component, t)
}

// Qualifies reports whether the conditions of the action at p hold on this host. If
// not, it returns the reason as a note for the status. The action has conditions, or
// one boot server does it for all (see [update.Once]).
func (h *Host) Qualifies(ctx context.Context, p update.Place, t worker.Target) (bool, string, error) {
	r := h.rows[p.Step]
	note, skips, err := h.skips(ctx, r, r.acts[p.Action], t)
	return !skips, note, err
}

// component converts h and t to a [component.Host] and a [component.Target]. It reads
// the inputs of c from etcd.
func (h *Host) component(ctx context.Context, c component.Component, t worker.Target) (component.Host, component.Target, error) {
	containers, err := h.Containers(t.Config)
	if err != nil {
		return component.Host{}, component.Target{}, worker.Permanent(err)
	}
	inputs, err := component.ReadInputs(ctx, h.Etcd, c)
	if err != nil {
		return component.Host{}, component.Target{}, err
	}
	return component.Host{FS: h.FS, Units: h.Units, Containers: containers, Unseal: h.Unseal, Sabakan: h.Sabakan, Progress: t.Progress}, component.Target{
		LRN: t.LRN, Members: t.Members, Version: t.Version,
		Artifacts: h.Artifacts, Private: h.private(), Facts: facts(h.FS), Inputs: inputs,
	}, nil
}

// private reports whether the names of private images contain their private repository:
// everywhere but in a test data centre.
func (h *Host) private() bool {
	_, err := h.FS.Read(neco.DCTestFile)
	return err != nil
}
