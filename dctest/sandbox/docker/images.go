package docker

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// image implements "docker image inspect NAME...", "docker image ls" and "docker image
// rm NAME...".
func (c command) image(args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	switch verb, names := args[0], args[1:]; verb {
	case "inspect":
		return c.inspect(names)
	case "ls":
		return c.list()
	case "rm":
		return c.each(names, c.store.removeImage)
	}
	return errUsage
}

func (c command) inspect(names []string) error {
	if len(names) == 3 && names[0] == "--format" && names[1] == "{{.Id}}" {
		id, err := c.store.image(names[2])
		if err == nil {
			fmt.Fprintln(c.stdout, id)
		}
		return err
	}
	for _, name := range names {
		id, err := c.store.image(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.stdout, "[{\"Id\": %q, \"RepoTags\": [%q]}]\n", id, name)
	}
	return nil
}

func (c command) list() error {
	names, err := c.store.images()
	for _, name := range names {
		fmt.Fprintln(c.stdout, name)
	}
	return err
}

// load implements "docker load" for standard input or a file given by -i. It records the
// image only if the archive is complete.
func (c command) load(args []string) error {
	open := func() (io.ReadCloser, error) { return nil, errUsage }
	switch {
	case len(args) == 2 && (args[0] == "-i" || args[0] == "--input"):
		open = func() (io.ReadCloser, error) { return os.Open(args[1]) }
	case len(args) == 0:
		data, err := io.ReadAll(c.stdin) // the sandbox's images are small
		if err != nil {
			return err
		}
		open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	}
	manifest, err := tarball.LoadManifest(open)
	if err != nil {
		return fmt.Errorf("load image: %w", err)
	}
	img, err := tarball.Image(open, nil)
	if err != nil {
		return fmt.Errorf("load image: %w", err)
	}
	if err := validate.Image(img); err != nil {
		return fmt.Errorf("load image: %w", err)
	}
	id, err := img.ConfigName()
	if err != nil {
		return fmt.Errorf("load image: %w", err)
	}
	for _, tag := range manifest[0].RepoTags {
		if err := c.store.addImage(tag, id.String()); err != nil {
			return err
		}
		fmt.Fprintf(c.stdout, "Loaded image: %s\n", tag)
	}
	return nil
}
