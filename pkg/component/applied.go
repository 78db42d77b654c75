package component

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
)

// appliedDir holds the [Applied] record of each component.
const appliedDir = "/var/lib/neco/applied"

// Applied is what a component has brought up on this host.
type Applied struct {
	// Image is the full name of its image; empty: it has none.
	Image string `json:"image,omitempty"`
	// Version is that of the program, the tag of its image.
	Version string `json:"version,omitempty"`
	// Digest stands for everything that a restart would change.
	Digest string `json:"digest"`
}

// ReadApplied returns the record of the component called name; the zero value if
// there is none. Packages up to 2026.11 wrote the digest alone.
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

func writeApplied(fsys host.FS, name string, a Applied) error {
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_, err = fsys.Write(host.File{Path: path.Join(appliedDir, name), Data: append(data, '\n'), Mode: 0o644})
	return err
}

// Started records that c runs as t declares, for whoever has started its units.
func Started(h Host, c Component, t Target) error {
	a, err := declared(h, c, t)
	if err != nil {
		return err
	}
	return writeApplied(h.FS, c.Name(), a)
}

// declared is the record of what t wants of c.
func declared(h Host, c Component, t Target) (Applied, error) {
	sum, err := digest(h, c, t)
	if err != nil {
		return Applied{}, err
	}
	img, ok, err := image(c, t)
	if err != nil || !ok {
		return Applied{Digest: sum}, err
	}
	return Applied{Image: h.Containers.FullName(img), Version: img.Tag, Digest: sum}, nil
}

// MayMix reports whether what this host runs of c, or was told to run, may run on other
// boot servers beside what t declares.
func MayMix(ctx context.Context, h Host, c Component, t Target) (bool, error) {
	p, err := program.Find(c.Name())
	if err != nil {
		return false, err
	}
	next, err := declared(h, c, t)
	if err != nil {
		return false, err
	}
	was, err := ReadApplied(h.FS, c.Name())
	if err != nil {
		return false, err
	}
	known := false
	for _, u := range c.Units() {
		runs, err := h.Containers.Version(ctx, u.Name)
		if err != nil {
			return false, err
		}
		for _, here := range []string{was.Version, runs} {
			if here != "" && !p.Mixing.Allows(here, next.Version) {
				return false, nil
			}
			known = known || here != ""
		}
		// Neither the record of an older package nor that of the original has a
		// version: whatever the unit here would start is not known.
		if installed, err := h.FS.Exists(neco.ServiceFile(u.Name)); err != nil || installed && !known {
			return false, err
		}
	}
	return true, nil
}
