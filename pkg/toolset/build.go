package toolset

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/cybozu-go/neco/internal/errtext"
)

// platform is the operating system and the architecture of programs, in the words of Go.
type platform struct{ os, arch string }

// server is the platform of boot servers and nodes.
func server() platform { return platform{"linux", "amd64"} }

// platforms are the platforms for which there are bundles.
func platforms() []platform {
	return []platform{server(), {"windows", "amd64"}, {"darwin", "amd64"}}
}

// name returns the name of p as Go and the list write it.
func (p platform) name() string { return p.os + "/" + p.arch }

// exe returns the suffix of the names of programs.
func (p platform) exe() string {
	if p.os == "windows" {
		return ".exe"
	}
	return ""
}

// build returns the directory in the cache with the programs of the module of t. It builds them
// unless they were built before from the same versions, with the same Go and flags.
func (s stager) build(ctx context.Context, t Tool, p platform) (string, error) {
	key, err := s.buildKey(ctx, t, p)
	if err != nil {
		return "", err
	}
	return s.cached(t.Name+"-"+t.Version+"-"+key, func(dir string) error {
		s.log("build %s %s for %s/%s", t.Name, t.Version, p.os, p.arch)
		return s.goBuild(ctx, t, p, dir)
	})
}

// buildKey returns a digest of everything that the built programs depend on.
func (s stager) buildKey(ctx context.Context, t Tool, p platform) (string, error) {
	h := sha256.New()
	version, err := s.run(ctx, t, goEnv(), "go", "env", "GOVERSION")
	if err != nil {
		return "", err
	}
	fmt.Fprintln(h, version, buildEnv(t, p), t.Ldflags, t.Tags)
	if t.CGO {
		compiler, err := s.compiler(ctx, t)
		if err != nil {
			return "", fmt.Errorf("the C compiler and libraries are needed: apt-get install gcc libc6-dev libseccomp-dev: %w", err)
		}
		fmt.Fprintln(h, compiler)
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(s.list.Dir, t.Name, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", name, len(data), data)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:16]), nil
}

// compiler returns the versions of the C compiler, the linker and the libraries of the machine,
// parts of which become parts of the programs. The version of the package gcc is not that of the
// compiler.
func (s stager) compiler(ctx context.Context, t Tool) (string, error) {
	gcc, err := s.run(ctx, t, nil, "gcc", "--version")
	if err != nil {
		return "", err
	}
	packages, err := s.run(ctx, t, nil, "dpkg-query", "-W", "binutils", "libc6-dev", "libseccomp-dev")
	return gcc + "\n" + packages, err
}

// goEnv returns the variables that make the command go independent of the flags, the workspace
// and the processor level that the user of the machine has set. GOFLAGS is not empty, because
// go would take it from the file of go env -w then.
func goEnv() []string {
	return []string{"GOFLAGS=-buildvcs=false", "GOWORK=off", "GOAMD64=v1"}
}

// buildEnv returns the variables of the build of t for p.
func buildEnv(t Tool, p platform) []string {
	cgo := "CGO_ENABLED=0"
	if t.CGO {
		cgo = "CGO_ENABLED=1"
	}
	return append(goEnv(), "GOOS="+p.os, "GOARCH="+p.arch, cgo)
}

// goBuild builds the programs of t into dir.
func (s stager) goBuild(ctx context.Context, t Tool, p platform, dir string) error {
	m, err := s.list.modFile(t)
	if err != nil {
		return err
	}
	ldflags := strings.TrimSpace("-s -w " + strings.NewReplacer("$VERSION", t.Version, "$NUMBER", t.number()).Replace(t.Ldflags))
	if t.CGO {
		ldflags += " -extldflags -static"
	}
	args := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-tags", t.Tags, "-o", dir + "/"}
	for _, tool := range m.Tool {
		args = append(args, tool.Path)
	}
	_, err = s.run(ctx, t, buildEnv(t, p), "go", args...)
	return err
}

// run runs a program in the module of t and returns its standard output.
func (s stager) run(ctx context.Context, t Tool, env []string, name string, args ...string) (string, error) {
	return run(ctx, filepath.Join(s.list.Dir, t.Name), env, name, args...)
}

// runGo runs the command go in the directory dir with the variables of goEnv, and returns its
// standard output.
func runGo(ctx context.Context, dir string, args ...string) (string, error) {
	return run(ctx, dir, goEnv(), "go", args...)
}

func run(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, args[0], err, errtext.LastLines(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}
