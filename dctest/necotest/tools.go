package necotest

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"

	"github.com/cybozu-go/neco/pkg/toolset"
)

// PackageWithTools does the same as PackageWithCKE for a package with the programs of other
// projects, which debian/tools.yaml lists. Those that cannot be had are replaced by programs
// that do nothing.
func (l *Lab) PackageWithTools(ctx context.Context, version, cke string) (string, error) {
	return l.packageWithTools(ctx, version, cke, nil)
}

func (l *Lab) packageWithTools(ctx context.Context, version, cke string, change func(artifacts string) string) (string, error) {
	dir, err := l.tools(ctx)
	if err != nil {
		return "", err
	}
	return l.packageWithCKE(ctx, version, cke, change, "NECO_TOOLS="+dir)
}

// tools returns the directory of the programs of other projects. The first call stages them.
func (l *Lab) tools(ctx context.Context) (string, error) {
	if l.staged != "" {
		return l.staged, nil
	}
	list, err := toolset.Load(filepath.Join(l.root, "debian/tools.yaml"))
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(l.root, "build", "tools-"+l.Name)
	standIns := dir + "-stand-ins"
	for _, d := range []string{dir, standIns} {
		if err := os.RemoveAll(d); err != nil {
			return "", err
		}
	}
	if err := writeStandIns(standIns, list); err != nil {
		return "", err
	}
	if _, err = toolset.Stage(ctx, list, toolset.Options{
		Out: dir, Cache: filepath.Join(cache, "neco", "toolset"), StandIns: standIns, Client: http.DefaultClient,
	}); err != nil {
		return "", err
	}
	l.staged = dir
	return dir, nil
}

// writeStandIns writes a program for each download in the list and for CKE. A service runs
// until it gets a signal.
func writeStandIns(dir string, list toolset.List) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, t := range list.Tools {
		for program := range t.Install {
			text := fmt.Sprintf("#!/bin/sh\n# A stand-in of %s %s.\n", t.Name, t.Version)
			if path.Base(program) == "teleport" {
				text += "exec sleep infinity\n"
			}
			if err := os.WriteFile(filepath.Join(dir, path.Base(program)), []byte(text), 0o755); err != nil {
				return err
			}
		}
	}
	return nil
}
