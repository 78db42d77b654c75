// Install-tools copies the tools of its image to the host: all files in the directory
// tools beside this program. They are copied to /host/usr/local/bin if that exists, and
// to /host otherwise.
//
// It replaces each file atomically, because a tool may be in use.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "install-tools:", err)
		os.Exit(1)
	}
}

func run() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	tools := filepath.Join(filepath.Dir(self), "tools")
	entries, err := os.ReadDir(tools)
	if err != nil {
		return err
	}
	target := "/host/usr/local/bin"
	if _, err := os.Stat(target); err != nil {
		target = "/host"
	}
	for _, e := range entries {
		if err := install(filepath.Join(tools, e.Name()), filepath.Join(target, e.Name())); err != nil {
			return fmt.Errorf("install %s: %w", e.Name(), err)
		}
	}
	return nil
}

func install(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+"-")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	if err := out.Chmod(0o755); err != nil {
		return err
	}
	if err := out.Sync(); err != nil {
		return err
	}
	return os.Rename(out.Name(), to)
}
