package pki_test

import (
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/pki"
)

// A boot server requests a certificate, a CA signs it, and the server installs it.
func Example() {
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	root, err := os.MkdirTemp("", "pki")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(root)
	fsys := host.FS{Root: root}
	me := pki.NewSubject(2, "dc1-boot-2", netip.MustParseAddr("10.72.48.2"))

	err = func() error {
		ca, err := pki.NewCA(pki.PeerCA, now)
		if err != nil {
			return err
		}
		p, err := pki.Find(pki.EtcdPeer)
		if err != nil {
			return err
		}
		key, err := pki.Pending(fsys, p)
		if err != nil {
			return err
		}
		csr, err := p.Request(key, me)
		if err != nil {
			return err
		}
		cert, err := ca.Sign(csr, p, me, p.Validity, now)
		if err != nil {
			return err
		}
		return pki.Install(fsys, p, cert)
	}()
	for _, l := range pki.List(fsys, now) {
		if l.Err == nil {
			fmt.Println(l.Profile.Name, int(l.Left.Hours()/24), "days", err)
		}
	}
	// Output: etcd-peer 730 days <nil>
}
