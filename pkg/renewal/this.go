package renewal

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/pki"
)

// This returns the boot server lrn with the names in its server certificate, because
// Vault signs certificates for these names only. If the server has no certificate of
// Neco, the error wraps fs.ErrNotExist.
func This(fsys host.FS, lrn int, now func() time.Time) (Server, error) {
	p, err := pki.Find(pki.Server)
	if err != nil {
		return Server{}, err
	}
	data, err := fsys.Read(p.Cert)
	if err != nil {
		return Server{}, fmt.Errorf("this server has no certificates of neco setup or neco join: %w", err)
	}
	cert, err := pki.ParseCert(data)
	if err != nil {
		return Server{}, fmt.Errorf("%s: %w", p.Cert, err)
	}
	s := pki.NewSubject(lrn, cert.Subject.CommonName, netip.Addr{})
	for _, ip := range cert.IPAddresses {
		addr, _ := netip.AddrFromSlice(ip)
		if addr = addr.Unmap(); !addr.IsLoopback() && addr != s.Node0 {
			s.Bastion = addr
		}
	}
	return Server{FS: fsys, Subject: s, Now: now}, s.Check()
}
