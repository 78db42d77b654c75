package etcd

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
)

// ClusterToken is etcd's cluster token. Members with another token are refused, so that a
// misconfigured member cannot join the wrong cluster.
const ClusterToken = "boot-cluster"

// MemberName returns the name of the boot server lrn as a member of etcd.
func MemberName(lrn int) string { return fmt.Sprintf("boot-%d", lrn) }

// PeerURL returns the URL at which other members reach the member on the boot server lrn.
func PeerURL(lrn int) string { return fmt.Sprintf("https://%s:2380", neco.BootNode0IP(lrn)) }

// ClientURL returns the URL at which clients reach the member on the boot server lrn.
func ClientURL(lrn int) string { return fmt.Sprintf("https://%s:2379", neco.BootNode0IP(lrn)) }

// config is the configuration file of etcd. Its keys are etcd's. If etcd has such a
// file, it ignores all its flags.
type config struct {
	Name                     string   `json:"name"`
	DataDir                  string   `json:"data-dir"`
	ListenPeerURLs           string   `json:"listen-peer-urls"`
	ListenClientURLs         string   `json:"listen-client-urls"`
	ListenMetricsURLs        string   `json:"listen-metrics-urls"`
	InitialAdvertisePeerURLs string   `json:"initial-advertise-peer-urls"`
	AdvertiseClientURLs      string   `json:"advertise-client-urls"`
	InitialCluster           string   `json:"initial-cluster"`
	InitialClusterToken      string   `json:"initial-cluster-token"`
	InitialClusterState      State    `json:"initial-cluster-state"`
	ClientTLS                security `json:"client-transport-security"`
	PeerTLS                  security `json:"peer-transport-security"`
	LogOutputs               []string `json:"log-outputs"`
	AutoCompactionMode       string   `json:"auto-compaction-mode"`
	AutoCompactionRetention  string   `json:"auto-compaction-retention"`
	InitialCorruptCheck      bool     `json:"experimental-initial-corrupt-check"`
	// EnableGRPCGateway is false because the gateway is a client without a certificate:
	// with client-cert-auth, etcd would refuse and log its connections permanently.
	EnableGRPCGateway bool `json:"enable-grpc-gateway"`
	// EnableV2 is false, which is also etcd's default. etcd 3.6 has no API version 2 any
	// more and ignores the key.
	EnableV2 bool `json:"enable-v2"`
	// EnablePprof makes etcd serve profiles at /debug/pprof of its client URL, to clients
	// with a certificate.
	EnablePprof bool `json:"enable-pprof"`
}

type security struct {
	CertFile       string `json:"cert-file"`
	KeyFile        string `json:"key-file"`
	ClientCertAuth bool   `json:"client-cert-auth"`
	TrustedCAFile  string `json:"trusted-ca-file"`
}

func (c Component) config(t component.Target) (host.File, error) {
	state := c.State
	if state == "" {
		state = StateExisting
	}
	initial := c.Initial
	if len(initial) == 0 {
		initial = map[string]string{}
		for _, lrn := range t.Members {
			initial[MemberName(lrn)] = PeerURL(lrn)
		}
	}
	data, err := yaml.Marshal(config{
		Name: MemberName(t.LRN), DataDir: "/var/lib/etcd",
		ListenPeerURLs: "https://0.0.0.0:2380", ListenClientURLs: "https://0.0.0.0:2379", ListenMetricsURLs: "http://0.0.0.0:2381",
		InitialAdvertisePeerURLs: PeerURL(t.LRN), AdvertiseClientURLs: ClientURL(t.LRN),
		InitialCluster: clusterLine(initial), InitialClusterToken: ClusterToken, InitialClusterState: state,
		ClientTLS:  security{neco.ServerCertFile, neco.ServerKeyFile, true, neco.EtcdClientCAFile},
		PeerTLS:    security{neco.EtcdPeerCertFile, neco.EtcdPeerKeyFile, true, neco.EtcdPeerCAFile},
		LogOutputs: []string{"stderr"}, AutoCompactionMode: "periodic", AutoCompactionRetention: "24",
		InitialCorruptCheck: true, EnablePprof: true,
	})
	return host.File{Path: neco.EtcdConfFile, Data: data, Mode: 0o644}, err
}

func clusterLine(members map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		parts = append(parts, name+"="+members[name])
	}
	return strings.Join(parts, ",")
}
