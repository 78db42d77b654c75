// Command cilium renders Cilium's Helm chart, with the files in values and additions,
// into etc/cilium.yaml and etc/cilium-pre.yaml. It runs in its own directory:
// `make generate-cilium`.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/dirhash"
)

// out is the directory of the manifests.
const out = "../../etc"

// manifest is a file that this program writes.
type manifest struct {
	name string
	// values are files with values of the chart; a later file takes precedence.
	values []string
	// additions are files with objects that the chart does not have.
	additions []string
}

func manifests() []manifest {
	return []manifest{
		{"cilium.yaml", []string{"values/common.yaml", "values/prod.yaml"}, []string{"additions/common.yaml"}},
		{"cilium-pre.yaml", []string{"values/common.yaml", "values/pre.yaml"}, []string{"additions/common.yaml", "additions/pre.yaml"}},
	}
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "render cilium:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	c, err := fetchChart(ctx)
	if err != nil {
		return err
	}
	inputs, err := dirhash.HashDir(".", "", dirhash.Hash1)
	if err != nil {
		return err
	}
	for _, m := range manifests() {
		text, err := m.render(c, inputs)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if err := os.WriteFile(filepath.Join(out, m.name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
