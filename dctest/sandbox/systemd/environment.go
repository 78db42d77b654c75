package systemd

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	securejoin "github.com/cyphar/filepath-securejoin"
)

// environ returns the environment for the processes of a unit. If a variable is set more
// than once, Options.Env takes precedence over extra, extra over the unit's environment
// files, and these over the Environment settings of the unit.
func (m *Manager) environ(d *definition, extra ...string) ([]string, error) {
	env := append([]string{"LANG=C.UTF-8"}, d.environment...)
	for _, name := range d.envFiles {
		more, err := readEnvFile(m.opts.Root, name)
		if err != nil {
			return nil, err
		}
		env = append(env, more...)
	}
	env = append(env, extra...)
	env = append(env, "PATH="+m.opts.Path)
	return append(env, m.opts.Env...), nil
}

// readEnvFile returns the lines NAME=VALUE of an environment file. If name begins with
// "-", a missing file is not an error.
func readEnvFile(root, name string) ([]string, error) {
	name, optional := strings.CutPrefix(name, "-")
	file, err := os.Open(filepath.Join(root, name))
	if optional && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("environment file %s: %w", name, err)
	}
	defer file.Close()
	var env []string
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		line := strings.TrimSpace(scanner.Text())
		key, value, found := strings.Cut(line, "=")
		if !found || strings.ContainsAny(line[:1], "#;") {
			continue
		}
		words, err := splitWords(value)
		if err != nil {
			return nil, fmt.Errorf("environment file %s: %w", name, err)
		}
		env = append(env, strings.TrimSpace(key)+"="+strings.Join(words, " "))
	}
	return env, scanner.Err()
}

// resolve returns the path of the executable name: the path below the root if that
// exists, or else the file with the same base name in the search path.
func (m *Manager) resolve(name string) (string, error) {
	if filepath.IsAbs(name) {
		below, err := securejoin.SecureJoin(m.opts.Root, name)
		if err != nil {
			return "", err
		}
		if info, err := os.Stat(below); err == nil && info.Mode()&0o111 != 0 && !info.IsDir() {
			return below, nil
		}
	}
	base := filepath.Base(name)
	for _, dir := range filepath.SplitList(m.opts.Path) {
		candidate := filepath.Join(dir, base)
		if info, err := os.Stat(candidate); err == nil && info.Mode()&0o111 != 0 && !info.IsDir() {
			return filepath.Abs(candidate)
		}
	}
	return "", fmt.Errorf("%w: %s", exec.ErrNotFound, name)
}

// makeDirs creates the runtime and state directories of a unit.
func (m *Manager) makeDirs(d *definition) error {
	for base, dirs := range map[string][]string{"/run": d.runtimeDirs, "/var/lib": d.stateDirs} {
		for _, dir := range dirs {
			if err := os.MkdirAll(filepath.Join(m.opts.Root, base, dir), 0o755); err != nil {
				return err
			}
		}
	}
	return nil
}
