package necotest

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/cybozu-go/neco/dctest/built"
)

// ckePrograms are the programs of CKE in a package.
var ckePrograms = []string{"cke", "cke-localproxy", "ckecli"}

// PackageWithCKE does the same as Package for a package that contains the version cke of
// CKE: the programs that imitate CKE. If [Complete], the package has the programs of other
// projects, too, as one of [Lab.PackageWithTools].
func (l *Lab) PackageWithCKE(ctx context.Context, version, cke string, change func(artifacts string) string) (string, error) {
	if Complete() {
		return l.packageWithTools(ctx, version, cke, change)
	}
	return l.packageWithCKE(ctx, version, cke, change)
}

// Complete reports whether packages have the programs of other projects: the environment
// variable COMPLETE is not empty.
func Complete() bool { return os.Getenv("COMPLETE") != "" }

// packageWithCKE does the same with the variables env in the environment of debian/build.
func (l *Lab) packageWithCKE(ctx context.Context, version, cke string, change func(artifacts string) string, env ...string) (string, error) {
	dir := filepath.Join(l.root, "build", "cke", cke)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for _, name := range ckePrograms {
		program, err := built.Program(name)
		if err == nil {
			err = copyProgram(program, filepath.Join(dir, name))
		}
		if err != nil {
			return "", err
		}
	}
	return l.build(ctx, version, change, append(env, "NECO_CKE="+dir)...)
}

func copyProgram(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
