// Package ckedata is what the stand-ins of CKE's three programs share: the
// configuration, and the version that they say they are.
package ckedata

import (
	"os"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/cli"
	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

// Version of CKE.
const Version = "1.23.5"

// DefaultConfig is the usual configuration file.
const DefaultConfig = "/etc/cke/config.yml"

// Open reads a configuration file and opens the store that it names. There is
// no stand-in of etcd for CKE: without a configuration it is an error.
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
