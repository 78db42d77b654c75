// Package ckedata has the configuration and the version that are common to the imitations
// of CKE's three programs.
package ckedata

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/cli"
	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

// version is the version of the imitations of CKE's programs.
const version = "1.23.5"

// Version returns the version that the imitations report: the name of the program's
// directory if it begins with a digit, as where Neco keeps several versions.
func Version() string {
	exe, err := os.Executable()
	if dir := filepath.Base(filepath.Dir(exe)); err == nil && dir[0] >= '0' && dir[0] <= '9' {
		return dir
	}
	return version
}

// DefaultConfig is the default path of the configuration.
const DefaultConfig = "/etc/cke/config.yml"

// EtcdEnv is the environment variable with the URLs of etcd, separated by commas, which
// replace the etcd in the configuration. That etcd requires no certificate.
const EtcdEnv = "STANDIN_CKE_ETCD"

// Open reads the configuration in a file and opens the store that it configures, or the one
// in the environment variable [EtcdEnv]. Unlike store.Open, it fails if the certificate in
// the configuration does not exist.
func Open(file string) (store.Store, error) {
	c, err := Read(file)
	if err != nil {
		return nil, err
	}
	if urls := os.Getenv(EtcdEnv); urls != "" {
		c = store.Config{Endpoints: strings.Split(urls, ","), Prefix: c.Prefix}
	}
	if _, err := os.Stat(c.CertFile); c.CertFile != "" && err != nil {
		return nil, err
	}
	return store.Open(c, os.TempDir()+"/cke-without-etcd")
}

// Read reads a configuration file.
func Read(file string) (store.Config, error) {
	c := store.Config{Prefix: "/cke/"}
	return c, cli.ReadConfig(file, &c)
}
