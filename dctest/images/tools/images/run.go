package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

type options struct {
	source, cache string
	verbose       bool
	only          []string
}

// run builds what is asked for, and writes the index.
func run(ctx context.Context, o options) error {
	b, err := newBuilder(o)
	if err != nil {
		return err
	}
	artifacts, system, err := readArtifacts(filepath.Join(o.source, "artifacts.go"))
	if err != nil {
		return err
	}
	ix := readIndex(b.cache.dir)
	for _, a := range artifacts {
		if !o.wants(a.Name) {
			continue
		}
		if err := b.artifact(ctx, a, &ix); err != nil {
			return err
		}
	}
	for _, p := range hostPrograms() {
		if !o.wants(p.Name) {
			continue
		}
		if ix.Programs[p.Name], _, err = b.program(ctx, p); err != nil {
			return err
		}
	}
	if o.wants("os") {
		if ix.OS, err = b.system(system); err != nil {
			return err
		}
	}
	if o.wants("boot") {
		if ix.Boot, err = b.boot(ctx, o.source); err != nil {
			return err
		}
	}
	return ix.write(b.cache.dir)
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

// artifact builds the image of one entry of the artifact set. It has the name
// of that entry, and one with the version of what is really inside.
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
	ix.Images = slices.DeleteFunc(ix.Images, func(i indexImage) bool { return i.Name == a.Name })
	ix.Images = append(ix.Images, indexImage{Name: a.Name, Names: names, File: file})
	slices.SortFunc(ix.Images, func(a, b indexImage) int { return strings.Compare(a.Name, b.Name) })
	return nil
}
