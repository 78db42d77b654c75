package main

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// entry is a file in an image. Source is the path of its content on this machine.
type entry struct{ Path, Source string }

// image builds the archive of an image in the format of docker load, gives the image
// all the names, and returns the archive's path.
func (b builder) image(ctx context.Context, it item, names []string) (string, error) {
	dir := path.Join("/usr/local", it.Name)
	var entries []entry
	var keys []any
	add := func(p program, target string) error {
		file, key, err := b.program(ctx, p)
		entries, keys = append(entries, entry{target, file}), append(keys, key)
		return err
	}
	for _, p := range it.Programs {
		if err := add(p, path.Join(dir, "bin", p.Name)); err != nil {
			return "", err
		}
	}
	for _, t := range it.Tools {
		keys = append(keys, t)
	}
	files := slices.Clone(it.Data)
	for _, p := range it.Debian {
		linked, err := withLibraries(ctx, p)
		if err != nil {
			return "", err
		}
		files = append(files, linked...)
	}
	slices.Sort(files)
	for _, f := range slices.Compact(files) { // programs share libraries
		digest, err := keyOfFile(f)
		if err != nil {
			return "", err
		}
		entries, keys = append(entries, entry{f, f}), append(keys, digest)
	}
	if len(it.Tools) > 0 {
		if err := add(installTools(), path.Join(dir, "install-tools")); err != nil {
			return "", err
		}
	}
	key := keyOf(append(keys, b.own, it.User, it.Env, it.Entry, names)...)
	return b.cache.make("image", it.Name, key, ".tar", "", func(tmp string) error {
		return writeImage(tmp, it, entries, names)
	})
}

func writeImage(file string, it item, entries []entry, names []string) error {
	layer, err := layerOf(it, entries)
	if err != nil {
		return err
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer)), nil })
	if err != nil {
		return err
	}
	img, err := mutate.AppendLayers(empty.Image, l)
	if err != nil {
		return err
	}
	img, err = mutate.ConfigFile(img, configOf(img, it))
	if err != nil {
		return err
	}
	tags := map[name.Tag]v1.Image{}
	for _, n := range names {
		tag, err := name.NewTag(n)
		if err != nil {
			return err
		}
		tags[tag] = img
	}
	return tarball.MultiWriteToFile(file, tags)
}

// withLibraries returns the path of a program and those of the libraries that it is linked with.
func withLibraries(ctx context.Context, program string) ([]string, error) {
	out, err := exec.CommandContext(ctx, "ldd", program).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("ldd %s: %w: %s", program, err, out)
	}
	files := []string{program}
	for word := range strings.FieldsSeq(string(out)) {
		if path.IsAbs(word) {
			files = append(files, word)
		}
	}
	return files, nil
}

// configOf returns the configuration of an image. All programs are in the PATH.
func configOf(img v1.Image, it item) *v1.ConfigFile {
	c, err := img.ConfigFile()
	if err != nil {
		c = &v1.ConfigFile{}
	}
	c = c.DeepCopy()
	c.OS, c.Architecture = "linux", "amd64"
	bin := path.Join("/usr/local", it.Name, "bin")
	entry := it.Entry
	if len(entry) == 0 {
		entry = []string{path.Join(bin, it.Programs[0].Name)}
	}
	c.Config = v1.Config{
		Entrypoint: entry,
		Env:        append([]string{"PATH=" + bin + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, it.Env...),
		User:       it.User,
		WorkingDir: "/",
	}
	return c
}

// layerOf returns the only layer of an image: its programs, links to its tools, the user
// root, and an empty /tmp. The same inputs give the same layer.
func layerOf(it item, entries []entry) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777, ModTime: time.Unix(0, 0)}); err != nil {
		return nil, err
	}
	for _, f := range [...]struct{ path, text string }{
		{"/etc/group", "root:x:0:\n"},
		{"/etc/passwd", "root:x:0:0:root:/:/sbin/nologin\n"}, // for docker run --user=root
	} {
		if err := addFile(w, f.path, []byte(f.text), 0o644); err != nil {
			return nil, err
		}
	}
	for _, e := range entries {
		data, err := os.ReadFile(e.Source)
		if err != nil {
			return nil, err
		}
		if err := addFile(w, e.Path, data, 0o755); err != nil {
			return nil, err
		}
	}
	for _, t := range it.Tools {
		link := tar.Header{Typeflag: tar.TypeSymlink, Name: path.Join("usr/local", it.Name, "tools", t), Linkname: "../bin/" + t, Mode: 0o777, ModTime: time.Unix(0, 0)}
		if err := w.WriteHeader(&link); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

func addFile(w *tar.Writer, name string, data []byte, mode int64) error {
	h := tar.Header{Typeflag: tar.TypeReg, Name: name[1:], Mode: mode, Size: int64(len(data)), ModTime: time.Unix(0, 0)}
	if err := w.WriteHeader(&h); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}
