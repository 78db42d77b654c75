package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

type options struct {
	source, cache string
	verbose       bool
	testSet       string
	only          []string
}

// run builds the selected items and writes the index.
func run(ctx context.Context, o options) error {
	b, err := newBuilder(o)
	if err != nil {
		return err
	}
	source := filepath.Join(o.source, "artifacts.go")
	set, err := readArtifacts(source)
	if err != nil {
		return err
	}
	if o.testSet != "" {
		if err := writeTestSet(source, o.testSet); err != nil {
			return err
		}
	}
	ix := readIndex(b.cache.dir)
	for _, step := range []func(context.Context, options, artifacts, *index) error{b.images, b.programs, b.ckeImages, b.debs, b.others} {
		if err := step(ctx, o, set, &ix); err != nil {
			return err
		}
	}
	return ix.write(b.cache.dir)
}

func (b builder) images(ctx context.Context, o options, set artifacts, ix *index) error {
	for _, a := range set.images {
		if !o.wants(a.Name) {
			continue
		}
		if err := b.artifact(ctx, a, ix); err != nil {
			return err
		}
	}
	return nil
}

func (b builder) programs(ctx context.Context, o options, _ artifacts, ix *index) error {
	for _, p := range hostPrograms() {
		if !o.wants(p.Name) {
			continue
		}
		file, _, err := b.program(ctx, p)
		if err != nil {
			return err
		}
		ix.Programs[p.Name] = file
	}
	return nil
}

// ckeImages builds the images that ckecli lists for installing Kubernetes. In the index,
// their names have the prefix cke-.
func (b builder) ckeImages(ctx context.Context, o options, _ artifacts, ix *index) error {
	if !o.wants("ckecli") {
		return nil
	}
	out, err := exec.CommandContext(ctx, ix.Programs["ckecli"], "images").Output()
	if err != nil {
		return fmt.Errorf("list the images of CKE: %w", err)
	}
	for _, full := range strings.Fields(string(out)) {
		repository, _, _ := strings.Cut(full, ":")
		it := idle(path.Base(repository))
		it.Name = "cke-" + it.Name
		file, err := b.image(ctx, it, []string{full})
		if err != nil {
			return err
		}
		ix.add(indexImage{Name: it.Name, Names: []string{full}, File: file})
	}
	return nil
}

func (b builder) others(ctx context.Context, o options, set artifacts, ix *index) error {
	var err error
	if o.wants("os") {
		if ix.OS, err = b.system(set.system); err != nil {
			return err
		}
	}
	for kind, into := range map[string]*string{"boot": &ix.Boot, "node": &ix.Node} {
		if !o.wants(kind) {
			continue
		}
		if *into, err = b.rootfs(ctx, o.source, kind); err != nil {
			return err
		}
	}
	return nil
}

func newBuilder(o options) (builder, error) {
	if o.cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return builder{}, err
		}
		o.cache = filepath.Join(dir, "neco", "dctest")
	}
	tools := filepath.Join(o.source, "dctest", "images", "tools")
	own, err := keyOfDir(filepath.Join(tools, "images"))
	return builder{cache: cache{o.cache, o.verbose}, tools: tools, own: own}, err
}

func (o options) wants(name string) bool {
	return len(o.only) == 0 || slices.Contains(o.only, name)
}

// artifact builds the image of an artifact. The image has a name with the tag of the
// artifact and, if the program in it has another version, also a name with that version.
func (b builder) artifact(ctx context.Context, a artifact, ix *index) error {
	it := idle(a.Name)
	if i := slices.IndexFunc(table(), func(it item) bool { return it.Name == a.Name }); i >= 0 {
		it = table()[i]
	}
	names := []string{a.Repository + ":" + a.Tag}
	if it.Version != "" && it.Version != a.Tag {
		names = append(names, a.Repository+":"+it.Version)
	}
	file, err := b.image(ctx, it, names)
	if err != nil {
		return err
	}
	ix.add(indexImage{Name: a.Name, Names: names, File: file})
	return nil
}
