// Package ckedata has the configuration and the version that are common to the imitations
// of CKE's three programs.
package ckedata

import (
	"os"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/cli"
	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

// Version is the version that the imitations of CKE's programs report.
const Version = "1.23.5"

// DefaultConfig is the default path of the configuration.
const DefaultConfig = "/etc/cke/config.yml"

// Open reads the configuration in a file and opens the store that it configures. Unlike
// store.Open, it fails if the certificate in the configuration does not exist.
func Open(file string) (store.Store, error) {
	c, err := Read(file)
	if err != nil {
		return nil, err
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
