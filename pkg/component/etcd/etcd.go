// Package etcd is the component that runs the etcd member of a boot server. It owns the
// member's configuration, its unit, its directories and its health check.
//
// It must not know how members join and leave the cluster, what is stored, or who may
// read it.
package etcd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
)

// State is the value of etcd's option initial-cluster-state for a member that starts
// with an empty data directory.
type State string

// StateNew creates a cluster, as neco setup does; StateExisting joins an existing one.
const (
	StateNew      State = "new"
	StateExisting State = "existing"
)

// Component is etcd with the settings of its first start.
type Component struct {
	// State is the initial cluster state; empty means StateExisting.
	State State
	// Initial maps the names of the cluster's members at this member's first start to
	// their peer URLs. If it is empty, they are the members of the target.
	Initial map[string]string
}

var (
	_ component.Tooled  = Component{}
	_ component.Prober  = Component{}
	_ component.Partial = Component{}
)

// Name returns the name of the component.
func (Component) Name() string { return program.Etcd }

// Image returns the name of the image.
func (Component) Image() string { return program.Etcd }

// Tools returns the mount point at which the image expects /usr/local/bin of the host, to
// install etcdctl there.
func (Component) Tools() string { return program.ToolsMount(program.Etcd) }

// Units returns the units of the component.
func (Component) Units() []component.Unit {
	return []component.Unit{{Name: neco.EtcdService, Condition: neco.EtcdConfFile}}
}

// Files returns the files of the component.
func (c Component) Files(t component.Target) ([]host.File, error) {
	image, err := component.ImageName(t, "etcd")
	if err != nil {
		return nil, err
	}
	unit, err := component.ContainerUnit{
		Name: neco.EtcdService, Description: "etcd of the boot servers", Image: image,
		Wants: []string{program.EtcdBackup + ".timer"}, Conditions: []string{neco.EtcdConfFile},
		RestartSec: 3, OOMScoreAdjust: -1000, HostUTS: true,
		Options: []string{
			"--user=10000:10000", "--oom-kill-disable=true",
			readOnly(neco.NecoDir), readOnly("/etc/ssl/certs"), readOnly(neco.EtcdDir),
			"--mount=type=bind,source=" + neco.EtcdDataDir + ",target=/var/lib/etcd",
		},
		Args: []string{"--config-file=" + neco.EtcdConfFile},
	}.File()
	if err != nil {
		return nil, err
	}
	conf, err := c.config(t)
	return []host.File{conf, unit}, err
}

func readOnly(dir string) string {
	return fmt.Sprintf("--mount=type=bind,source=%s,target=%s,readonly", dir, dir)
}

// Effective returns the contents of f without the initial-cluster lines of etcd's
// configuration, which a member that has data ignores.
func (Component) Effective(f host.File) []byte {
	if f.Path != neco.EtcdConfFile {
		return f.Data
	}
	var kept [][]byte
	for line := range bytes.Lines(f.Data) {
		if !bytes.HasPrefix(line, []byte("initial-cluster")) {
			kept = append(kept, line)
		}
	}
	return bytes.Join(kept, nil)
}

// healthURL is the member's health check. It needs no client certificate, and succeeds
// only if the member can read through a quorum.
const healthURL = "http://127.0.0.1:2381/health"

// probeTimeout is how long a health check waits for the member before it fails. It is
// longer than a leader election takes.
const probeTimeout = 5 * time.Second

// Probe checks that the member of this host is healthy, which requires a leader.
func (Component) Probe(ctx context.Context, _ component.Host, _ component.Target) error {
	return Healthy(ctx, healthURL)
}

// Healthy checks the health of a member. url is the URL of the member's /health
// endpoint.
func Healthy(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true} // and no proxy
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("check the health of etcd: %w", err)
	}
	defer res.Body.Close()
	var answer struct{ Health, Reason string }
	if err := json.NewDecoder(http.MaxBytesReader(nil, res.Body, 4096)).Decode(&answer); err != nil {
		return fmt.Errorf("check the health of etcd: %w", err)
	}
	if answer.Health != "true" {
		return fmt.Errorf("etcd is not healthy: %s", answer.Reason)
	}
	return nil
}
