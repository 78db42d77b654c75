package neco

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
	"golang.org/x/term"

	"github.com/cybozu-go/neco/internal/vaultclient"
)

const (
	// vaultLeaderTimeout is how long WaitVaultLeader waits for a leader before it
	// fails. That is sufficient, because the lock of a dead leader expires within a
	// minute.
	vaultLeaderTimeout = 5 * time.Minute

	// vaultRetries is how often a request is repeated after a server error of Vault.
	vaultRetries = 2

	// vaultLeaderInterval is the pause between two queries for the leader.
	vaultLeaderInterval = time.Second
)

// VaultClient returns a client of the Vault on the boot server lrn. The client trusts
// only the CA in ServerCAFile. It uses the token in the environment variable
// VAULT_TOKEN and no other variable. If VAULT_TOKEN is not set, VaultClient asks for a
// user name and a password on the terminal, the password without echo, and logs in.
func VaultClient(lrn int) (*api.Client, error) {
	return vaultClient(fmt.Sprintf("https://%s:8200", BootNode0IP(lrn)), ServerCAFile, askOnTerminal)
}

// WaitVaultLeader blocks until the Vault of vc has a leader that responds, for example
// after a restart. It returns an error if ctx ends or after five minutes.
//
// For a while after a restart, a standby may still forward requests to the leader
// before the restart. A forwarded request may return an empty result without an error,
// so WaitVaultLeader sends a request that must not be forwarded.
func WaitVaultLeader(ctx context.Context, vc *api.Client) error {
	ctx, cancel := context.WithTimeout(ctx, vaultLeaderTimeout)
	defer cancel()
	direct := vc.WithRequestCallbacks(func(r *api.Request) {
		if r.Headers == nil {
			r.Headers = http.Header{}
		}
		r.Headers.Set("X-Vault-No-Request-Forwarding", "true")
	})
	for {
		_, err := direct.Sys().ListAuthWithContext(ctx)
		if err == nil {
			return nil
		}
		if SleepContext(ctx, vaultLeaderInterval) != nil {
			return fmt.Errorf("wait for a vault leader: %w: %w", context.Cause(ctx), err)
		}
	}
}

type askFunc func() (user, password string, err error)

func vaultClient(addr, caFile string, ask askFunc) (*api.Client, error) {
	client, err := newVaultClient(addr, caFile, os.Getenv("VAULT_TOKEN"))
	if err != nil {
		return nil, fmt.Errorf("vault client: %w", err)
	}
	if client.Token() != "" {
		return client, nil
	}
	user, password, err := ask()
	if err != nil {
		return nil, fmt.Errorf("vault client: %w", err)
	}
	if err := vaultLogin(client, user, password); err != nil {
		return nil, fmt.Errorf("vault client: log in as %q: %w", user, err)
	}
	return client, nil
}

func newVaultClient(addr, caFile, token string) (*api.Client, error) {
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no certificate in it", caFile)
	}
	client, err := vaultclient.New(addr, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}, token)
	if err != nil {
		return nil, err
	}
	client.SetMaxRetries(vaultRetries)
	return client, nil
}

func vaultLogin(client *api.Client, user, password string) error {
	secret, err := client.Logical().Write("auth/userpass/login/"+url.PathEscape(user), map[string]any{"password": password})
	if err != nil {
		return err
	}
	if secret == nil || secret.Auth == nil {
		return errors.New("vault answered without a token")
	}
	client.SetToken(secret.Auth.ClientToken)
	return nil
}

func askOnTerminal() (user, password string, err error) {
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) {
		return "", "", errors.New("standard input is not a terminal; set VAULT_TOKEN")
	}
	fmt.Fprint(os.Stderr, "Vault username: ")
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return "", "", fmt.Errorf("read username: %w", err)
	}
	fmt.Fprint(os.Stderr, "Vault password: ")
	secret, err := term.ReadPassword(fd)
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return "", "", fmt.Errorf("read password: %w", err)
	}
	return strings.TrimSpace(line), string(secret), nil
}
