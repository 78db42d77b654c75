package etcd

import (
	"sigs.k8s.io/yaml"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
)

// ClientConfig is the content of [neco.EtcdConfig]: the endpoints of etcd, the CA of
// their certificates, and the certificate and key of the client. Without CA, the client
// trusts the CAs of its system.
type ClientConfig struct {
	Endpoints []string `json:"endpoints"`
	Prefix    string   `json:"prefix"`
	CA        string   `json:"tls-ca-file,omitempty"`
	Cert      string   `json:"tls-cert-file"`
	Key       string   `json:"tls-key-file"`
}

// NewClientConfig returns the configuration of a client for the etcd of the boot servers
// lrns. prefix is prepended to each of the client's keys; cert and key are the files with
// its certificate and private key.
func NewClientConfig(lrns []int, prefix, cert, key string) ClientConfig {
	return ClientConfig{neco.EtcdEndpoints(lrns), prefix, neco.ServerCAFile, cert, key}
}

// ConfigOf returns the configuration with which the program p connects to the etcd of
// the boot servers lrns. The program authenticates as its own user of etcd.
func ConfigOf(p program.Program, lrns []int) ClientConfig {
	return NewClientConfig(lrns, p.User.Prefix, p.User.Cert, p.User.Key)
}

// NecoConfig returns the file with which Neco's own programs on a boot server reach the
// etcd of the boot servers lrns.
func NecoConfig(lrns []int) (host.File, error) {
	data, err := yaml.Marshal(NewClientConfig(lrns, neco.NecoPrefix, neco.NecoCertFile, neco.NecoKeyFile))
	return host.File{Path: neco.NecoConfFile, Data: data, Mode: 0o644}, err
}
