package necotest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/dctesting"
	"github.com/cybozu-go/neco/dctest/earlier"
)

// Lab is a data centre in which Neco is tested.
type Lab struct {
	*dctesting.DC
	root string
	// staged is the directory of the programs of other projects once they are staged.
	staged string
}

// Open starts a data centre with the given name; the caller ends it by calling end. If
// the environment variable DC is set, Open uses the running data centre of that name
// instead, and end does nothing. Open heals all links and withdraws all releases.
func Open(ctx context.Context, name, menu string) (l *Lab, end func(context.Context) error, err error) {
	root, err := dctesting.Root()
	if err != nil {
		return nil, nil, err
	}
	var dc *dctesting.DC
	end = func(context.Context) error { return nil }
	if os.Getenv("DC") != "" {
		dc, err = dctesting.Use(ctx)
	} else if dc, err = dctesting.Up(ctx, name, menu); err == nil {
		end = dc.Down
	}
	if err != nil {
		return nil, nil, err
	}
	l = &Lab{DC: dc, root: root}
	return l, end, errors.Join(dc.Heal(ctx), l.Withdraw())
}

// Server returns the name of the boot server lrn.
func Server(lrn int) string { return fmt.Sprintf("boot-%d", lrn) }

// Servers returns the names of the boot servers lrns.
func Servers(lrns ...int) []string {
	var names []string
	for _, lrn := range lrns {
		names = append(names, Server(lrn))
	}
	return names
}

// Package builds the Debian package of a version and returns its path. If change is not
// nil, it is applied to the text of artifacts.go, which defines the artifact set, for
// this package only. The package has no digests of artifacts, because the images of the
// simulated internet are others.
func (l *Lab) Package(ctx context.Context, version string, change func(artifacts string) string) (string, error) {
	return l.build(ctx, version, change)
}

// EarlierPackage builds the Debian package of a version from the files of an earlier commit,
// and returns its path.
func (l *Lab) EarlierPackage(ctx context.Context, commit, version string) (string, error) {
	return earlier.Package(ctx, l.root, commit, version, filepath.Join(l.root, "build"))
}

// build builds a package with the variables env in the environment of debian/build.
func (l *Lab) build(ctx context.Context, version string, change func(artifacts string) string, env ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(l.root, "debian/build"), filepath.Join(l.root, "build"), version)
	cmd.Env = append(os.Environ(), earlier.NoDigests(l.root))
	cmd.Env = append(cmd.Env, env...)
	if change != nil {
		file, err := l.artifacts(version, change)
		if err != nil {
			return "", err
		}
		cmd.Env = append(cmd.Env, "NECO_ARTIFACTS="+file)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the package %s: %w: %s", version, err, out)
	}
	return filepath.Join(l.root, "build", "neco_"+version+"_amd64.deb"), nil
}

func (l *Lab) artifacts(version string, change func(string) string) (string, error) {
	data, err := os.ReadFile(filepath.Join(l.root, "artifacts.go"))
	if err != nil {
		return "", err
	}
	changed := change(string(data))
	if changed == string(data) {
		return "", fmt.Errorf("the artifact set of %s is unchanged", version)
	}
	file := filepath.Join(l.root, "build", "artifacts-"+version+".txt") // not .go, or the Go tool would compile it
	return file, os.WriteFile(file, []byte(changed), 0o644)
}

// outside returns the directory of the files of the simulated internet.
func (l *Lab) outside() string { return filepath.Join(l.root, "build", "outside-"+l.Name) }

// releases returns the directory whose packages the release server publishes.
func (l *Lab) releases() string { return filepath.Join(l.outside(), "releases") }

// Withdraw removes all releases from the release server.
func (l *Lab) Withdraw() error {
	all, err := filepath.Glob(filepath.Join(l.releases(), "neco_*"))
	if err != nil {
		return err
	}
	for _, name := range all {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

// Publish publishes the package deb, with its digest, as a release.
func (l *Lab) Publish(deb string) error {
	dir := l.releases()
	for _, suffix := range []string{"", ".sha256"} {
		data, err := os.ReadFile(deb + suffix)
		if err != nil {
			return err
		}
		name := filepath.Join(dir, filepath.Base(deb)+suffix)
		if err := os.WriteFile(name+".new", data, 0o644); err != nil {
			return err
		}
		if err := os.Rename(name+".new", name); err != nil {
			return err
		}
	}
	return nil
}

// Fresh wipes the servers, installs the package deb on them, and pulls the images that
// neco setup starts. It does so on all servers at the same time.
func (l *Lab) Fresh(ctx context.Context, deb string, servers ...string) error {
	return each(ctx, servers, func(ctx context.Context, s string) error {
		if err := l.Wipe(ctx, s); err != nil {
			return err
		}
		if err := l.Await(ctx, s); err != nil {
			return err
		}
		if err := l.Install(ctx, deb, s); err != nil {
			return err
		}
		for _, name := range []string{"etcd", "vault"} {
			img, err := neco.CurrentArtifacts.FindContainerImage(name)
			if err != nil {
				return err
			}
			if _, err := l.Exec(ctx, s, "docker", "pull", "-q", img.FullName(false)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Install installs the package deb on a server with dpkg.
func (l *Lab) Install(ctx context.Context, deb, server string) error {
	if err := l.Copy(ctx, server, deb, "/root/neco.deb"); err != nil {
		return err
	}
	_, err := l.Exec(ctx, server, "dpkg", "-i", "/root/neco.deb")
	return err
}

// Tokens writes one new setup token to all the servers, and returns that token.
func (l *Lab) Tokens(ctx context.Context, servers ...string) (string, error) {
	token, err := l.Exec(ctx, servers[0], "neco", "setup-token", "-")
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(token), each(ctx, servers, func(ctx context.Context, s string) error {
		return l.Write(ctx, s, "/etc/neco/setup-token", strings.NewReader(token), 0o600)
	})
}

// Login returns a token of Vault's user admin, who has the given password.
func (l *Lab) Login(ctx context.Context, server, password string) (string, error) {
	token, err := l.ExecWith(ctx, strings.NewReader(password), server, "env", "VAULT_ADDR=https://127.0.0.1:8200",
		"vault", "login", "-no-store", "-token-only", "-method=userpass", "username=admin", "password=-")
	return strings.TrimSpace(token), err
}

// InitLocal runs neco init-local for a program on a server, with an operator's token.
func (l *Lab) InitLocal(ctx context.Context, server, token, program string) (string, error) {
	return l.ExecWith(ctx, strings.NewReader(token), server, "sh", "-c", `VAULT_TOKEN=$(cat) exec neco init-local "$1"`, "sh", program)
}

// JoinToken returns a token with which the boot server lrn can join, from neco join-token on
// a server, with an operator's token.
func (l *Lab) JoinToken(ctx context.Context, server, token string, lrn int, flags ...string) (string, error) {
	out, err := l.ExecWith(ctx, strings.NewReader(token), server, "sh",
		append([]string{"-c", `VAULT_TOKEN=$(cat) exec neco join-token "$@"`, "sh", "--lrn", strconv.Itoa(lrn)}, flags...)...)
	return strings.TrimSpace(out), err
}

// Complete blocks until neco status on a server reports that the update to version is
// complete, and fails after limit.
func (l *Lab) Complete(ctx context.Context, server, version string, limit time.Duration) error {
	_, err := l.Exec(ctx, server, "neco", "status", "--wait", "--for", version, "--timeout", limit.String())
	return err
}

// each calls f for all servers at the same time, and returns the first error.
func each(ctx context.Context, servers []string, f func(ctx context.Context, server string) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range servers {
		g.Go(func() error {
			if err := f(ctx, s); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
			return nil
		})
	}
	return g.Wait()
}
