package etcd

import (
	"sigs.k8s.io/yaml"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
)

// ClientConfig is what programs on a boot server read of [neco.EtcdConfig]:
// where etcd is, whom to trust there, and as whom to come.
type ClientConfig struct {
	Endpoints []string `json:"endpoints"`
	Prefix    string   `json:"prefix"`
	CA        string   `json:"tls-ca-file"`
	Cert      string   `json:"tls-cert-file"`
	Key       string   `json:"tls-key-file"`
}

// NewClientConfig is that of a program with its prefix and certificate, for the
// etcd of the boot servers lrns.
func NewClientConfig(lrns []int, prefix, cert, key string) ClientConfig {
	return ClientConfig{neco.EtcdEndpoints(lrns), prefix, neco.ServerCAFile, cert, key}
}

// ConfigOf is that of a program that is a user of etcd.
func ConfigOf(p program.Program, lrns []int) ClientConfig {
	return NewClientConfig(lrns, p.User.Prefix, p.User.Cert, p.User.Key)
}

// NecoConfig is the configuration file of Neco's own programs.
func NecoConfig(lrns []int) (host.File, error) {
	data, err := yaml.Marshal(NewClientConfig(lrns, neco.NecoPrefix, neco.NecoCertFile, neco.NecoKeyFile))
	return host.File{Path: neco.NecoConfFile, Data: data, Mode: 0o644}, err
}
