package renewal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/hashicorp/vault/api"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/vault"
)

// NewRenewer returns the Renewer of the boot server lrn, whose files are in fsys.
func NewRenewer(fsys host.FS, lrn int, etcd *clientv3.Client, log *slog.Logger) *Renewer {
	this := func() (Server, error) { return This(fsys, lrn, time.Now) }
	return &Renewer{
		Server:   this,
		LogIn:    func(ctx context.Context) (Signer, error) { return logIn(ctx, this) },
		Lock:     EtcdLock{Etcd: etcd, LRN: lrn},
		Programs: Services{Units: host.Units{}, Containers: host.Containers{FS: fsys}},
		Peers:    EtcdPeers{Etcd: etcd, FS: fsys, LRN: lrn, Now: time.Now},
		Log:      log,
	}
}

// Vault implements Signer with the permissions of Client.
type Vault struct{ Client *api.Client }

// Sign implements Signer.
func (v Vault) Sign(ctx context.Context, p pki.Profile, s pki.Subject, request []byte) ([]byte, error) {
	return vault.Sign(ctx, v.Client, p, s, request)
}

// Close implements Signer: it revokes the token of Client. It ignores errors, because a
// token that is not revoked expires soon.
func (v Vault) Close(ctx context.Context) { _ = vault.Revoke(ctx, v.Client) }

// logInTimeout is how long logIn waits for one Vault before it tries the next one.
const logInTimeout = 20 * time.Second

// logIn logs in to the Vault of this server. If that fails, for example because the
// certificate of that Vault has expired, it tries the Vaults of the other servers. The
// parameter this is a function that returns this server.
func logIn(ctx context.Context, this func() (Server, error)) (Signer, error) {
	s, err := this()
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, addr := range append([]string{vault.Local}, others(s)...) {
		attempt, cancel := context.WithTimeout(ctx, logInTimeout)
		client, err := s.Login(attempt, addr)
		cancel()
		if err == nil {
			return Vault{client}, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", addr, err))
	}
	return nil, errors.Join(errs...)
}

// others returns the URLs of Vault on the other boot servers. It derives them from the
// etcd endpoints in Neco's configuration.
func others(s Server) []string {
	conf, err := neco.LoadEtcdConfig(s.FS.Path(neco.NecoConfFile))
	if err != nil {
		return nil
	}
	var all []string
	for _, e := range conf.Endpoints {
		u, err := url.Parse(e)
		if err == nil && u.Hostname() != s.Subject.Node0.String() {
			all = append(all, "https://"+u.Hostname()+":8200")
		}
	}
	return all
}

// Services implements Programs: it makes the programs of a boot server load new
// certificates.
type Services struct {
	Units interface {
		IsActive(ctx context.Context, name string) (bool, error)
		TryRestart(ctx context.Context, name string) error
	}
	Containers interface {
		Signal(ctx context.Context, name, signal string) error
	}
}

// Reload implements Programs. It sends SIGHUP to Vault for the server certificate, and
// restarts programs whose entry in pkg/program has User.Restart. Other programs need
// nothing, because they read their certificates at every handshake: etcd, Neco's own
// programs, and Vault as a client of etcd.
func (s Services) Reload(ctx context.Context, p pki.Profile) error {
	if p.Name == pki.Server {
		active, err := s.Units.IsActive(ctx, neco.VaultService)
		if err != nil || !active {
			return err
		}
		err = s.Containers.Signal(ctx, neco.VaultService, "HUP")
		if errors.Is(err, host.ErrNoContainer) {
			return nil // Vault is starting and reads the new certificate
		}
		return err
	}
	owner, err := program.Find(p.Name)
	if err != nil || !owner.User.Restart {
		return nil // no program needs a restart
	}
	for _, name := range owner.Units {
		if err := s.Units.TryRestart(ctx, name); err != nil {
			return err
		}
	}
	return nil
}
