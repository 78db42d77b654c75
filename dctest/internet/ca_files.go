package main

import (
	"crypto/x509"
	"encoding/pem"
	"os"

	"github.com/cybozu-go/neco/pkg/host"
)

// save writes the CA's key and then its certificate, so that there is never a certificate
// without its key.
func (a *localCA) save(dir string) error {
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return err
	}
	for _, f := range []host.File{
		{Path: "ca.key", Mode: 0o600, Data: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})},
		{Path: "ca.crt", Mode: 0o644, Data: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})},
	} {
		f.UID, f.GID = os.Getuid(), os.Getgid()
		if _, err := (host.FS{Root: dir}).Write(f); err != nil {
			return err
		}
	}
	return nil
}
