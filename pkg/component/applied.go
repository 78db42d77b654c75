package component

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
)

// appliedDir is the directory with one [Applied] record for each component.
const appliedDir = "/var/lib/neco/applied"

// Applied records the image and configuration with which a component was last started
// on this host.
type Applied struct {
	// Image is the full name of the image; empty for a component without one.
	Image string `json:"image,omitempty"`
	// Version is the version of the program, which is the tag of its image.
	Version string `json:"version,omitempty"`
	// Digest is the hash of the files and the image name, as far as their change requires
	// a restart.
	Digest string `json:"digest"`
}

// ReadApplied returns the record of the component called name, or the zero value if no
// record exists. A record that the neco package of a version up to 2026.11 has written
// contains only the digest.
func ReadApplied(fsys host.FS, name string) (Applied, error) {
	file := path.Join(appliedDir, name)
	data, err := fsys.Read(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Applied{}, nil
	}
	if err != nil {
		return Applied{}, err
	}
	text := strings.TrimSpace(string(data))
	if !strings.HasPrefix(text, "{") {
		return Applied{Digest: text}, nil
	}
	var a Applied
	if err := json.Unmarshal(data, &a); err != nil {
		return Applied{}, fmt.Errorf("%s: %w; delete it: the next update then restarts %s", file, err, name)
	}
	return a, nil
}

// AppliedImages returns the full names of the images with which components were last
// started on this host, in the order of the components' names. An error names a record that
// cannot be read.
func AppliedImages(fsys host.FS) ([]string, error) {
	records, err := os.ReadDir(fsys.Path(appliedDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var images []string
	for _, r := range records {
		a, err := ReadApplied(fsys, r.Name())
		if err != nil {
			return nil, err
		}
		if a.Image != "" {
			images = append(images, a.Image)
		}
	}
	return images, nil
}

func writeApplied(fsys host.FS, name string, a Applied) error {
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_, err = fsys.Write(host.File{Path: path.Join(appliedDir, name), Data: append(data, '\n'), Mode: 0o644})
	return err
}

// Started records that c now runs with the image and the files that the [Target] t
// requires. The caller must have started its units. If c is [Versioned] and the host does not
// start the program in the package, Started records nothing, so that the next [Apply]
// switches to it.
func Started(h Host, c Component, t Target) error {
	if v, ok := c.(Versioned); ok {
		if switched, err := v.Switched(h.FS); err != nil || !switched {
			return err
		}
	}
	a, err := declared(h, c, t)
	if err != nil {
		return err
	}
	return writeApplied(h.FS, c.Name(), a)
}

// declared returns the record that [Started] writes for c and t.
func declared(h Host, c Component, t Target) (Applied, error) {
	sum, err := digest(h, c, t)
	if err != nil {
		return Applied{}, err
	}
	name, version, err := required(h, c, t)
	return Applied{Image: name, Version: version, Digest: sum}, err
}

// required returns the full name of the image of c that t requires, and the version of c.
// They are empty if c has no image or no version.
func required(h Host, c Component, t Target) (name, version string, err error) {
	if v, ok := c.(Versioned); ok {
		_, version, err = v.Versions(h.FS)
		return "", version, err
	}
	img, ok, err := image(c, t)
	if err != nil || !ok {
		return "", "", err
	}
	return h.Containers.FullName(img), img.Tag, nil
}

// changes returns the differences between the records a and next, as phrases for
// operators, or nil if a restart is not needed. It names an image only if a contains
// one; the digest covers the image too, because unit files contain its name.
func (a Applied) changes(next Applied) []string {
	switch {
	case a.Digest == next.Digest:
		return nil
	case a.Digest == "":
		return []string{"no record of an earlier start"}
	case a.Image != "" && a.Image != next.Image:
		return []string{fmt.Sprintf("image %s in place of %s", next.Image, a.Image)}
	case a.Version != "" && a.Version != next.Version:
		return []string{otherVersion(next.Version, a.Version)}
	}
	return []string{"its configuration"}
}

func otherVersion(next, was string) string {
	return fmt.Sprintf("version %s in place of %s", next, was)
}

// MayMix reports whether c may keep running on this host while other boot servers run
// the version that t requires. It checks both the recorded and the running version on
// this host. It returns false if a unit is installed and its version is unknown.
func MayMix(ctx context.Context, h Host, c Component, t Target) (bool, error) {
	p, err := program.Find(c.Name())
	if err != nil {
		return false, err
	}
	_, next, err := required(h, c, t)
	if err != nil {
		return false, err
	}
	if _, versioned := c.(Versioned); versioned && next == "" {
		return true, nil // the package contains no version to switch to
	}
	was, err := ReadApplied(h.FS, c.Name())
	if err != nil {
		return false, err
	}
	for _, u := range c.Units() {
		here, installed, err := versionsHere(ctx, h, c, u)
		if err != nil {
			return false, err
		}
		known := false
		for _, version := range append(here, was.Version) {
			if version != "" && !p.Mixing.Allows(version, next) {
				return false, nil
			}
			known = known || version != ""
		}
		// An installed unit without a recorded version, from an older package or the
		// original neco, may start any version.
		if installed && !known {
			return false, nil
		}
	}
	return true, nil
}

// versionsHere returns the versions of c that u runs or starts on this host, and whether u
// is installed.
func versionsHere(ctx context.Context, h Host, c Component, u Unit) (versions []string, installed bool, err error) {
	if v, ok := c.(Versioned); ok {
		current, _, err := v.Versions(h.FS)
		if err != nil {
			return nil, false, err
		}
		installed, err = h.Units.IsActive(ctx, u.Name)
		return []string{current}, installed, err
	}
	for _, name := range program.ContainerNames(u.Name) {
		runs, err := h.Containers.Version(ctx, name)
		if err != nil {
			return nil, false, err
		}
		versions = append(versions, runs)
	}
	installed, err = h.FS.Exists(neco.ServiceFile(u.Name))
	return versions, installed, err
}
