package artifacts

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/strictyaml"
)

// IgnoreFile is the name of the file with ignored versions, in the root of the repository.
const IgnoreFile = "artifacts_ignore.yaml"

// Ignored are versions that are not used although they are the newest, for example because
// they have a bug. The zero value ignores nothing.
type Ignored struct {
	Images []struct {
		Repository string   `yaml:"repository"`
		Versions   []string `yaml:"versions"`
		// Hold keeps the current tag whatever the newest is, because another file of the
		// repository has the same tag.
		Hold bool `yaml:"hold"`
	} `yaml:"images"`
	Debs []struct {
		Name     string   `yaml:"name"`
		Versions []string `yaml:"versions"`
	} `yaml:"debs"`
	OSImage []struct {
		Channel  string   `yaml:"channel"`
		Versions []string `yaml:"versions"`
	} `yaml:"osImage"`
}

// LoadIgnored reads the YAML file called name, which lists versions of artifacts in set. It
// fails if the file has an unknown field, or names a repository, a package or a channel that
// is not in set, because a misspelt entry would ignore nothing. Errors contain name.
func LoadIgnored(name string, set neco.ArtifactSet) (Ignored, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return Ignored{}, err
	}
	ignored, err := parseIgnored(data)
	if err == nil {
		err = ignored.check(set)
	}
	if err != nil {
		return Ignored{}, fmt.Errorf("%s: %w", name, err)
	}
	return ignored, nil
}

func parseIgnored(data []byte) (ignored Ignored, err error) {
	err = strictyaml.Decode(data, &ignored)
	if errors.Is(err, strictyaml.ErrUnknownField) {
		err = fmt.Errorf("%w; the fields are %s", err, strings.Join(ignoreFields(), ", "))
	}
	return ignored, err
}

// ignoreFields returns the fields of an ignore file, each with those of its rows.
func ignoreFields() (all []string) {
	for _, list := range reflect.VisibleFields(reflect.TypeFor[Ignored]()) {
		var names []string
		for _, f := range reflect.VisibleFields(list.Type.Elem()) {
			names = append(names, f.Tag.Get("yaml"))
		}
		all = append(all, fmt.Sprintf("%s (with %s)", list.Tag.Get("yaml"), strings.Join(names, ", ")))
	}
	return all
}

// check returns an error if an entry of i does not belong to an artifact in set, or has no
// effect.
func (i Ignored) check(set neco.ArtifactSet) error {
	for _, e := range i.Images {
		if !slices.ContainsFunc(set.Images, func(img neco.ContainerImage) bool { return img.Repository == e.Repository }) {
			return fmt.Errorf("images: the artifact set has no repository %q", e.Repository)
		}
		if len(e.Versions) == 0 && !e.Hold {
			return fmt.Errorf("images: the entry of %s has neither versions nor hold", e.Repository)
		}
	}
	for _, e := range i.Debs {
		if _, err := set.FindDebianPackage(e.Name); err != nil {
			return fmt.Errorf("debs: %w", err)
		}
		if len(e.Versions) == 0 {
			return fmt.Errorf("debs: the entry of %s has no versions", e.Name)
		}
	}
	for _, e := range i.OSImage {
		if e.Channel != set.OSImage.Channel {
			return fmt.Errorf("osImage: the channel is %q, and that of the artifact set %q", e.Channel, set.OSImage.Channel)
		}
		if len(e.Versions) == 0 {
			return fmt.Errorf("osImage: the entry of %s has no versions", e.Channel)
		}
	}
	return nil
}

// image returns the ignored tags of a repository.
func (i Ignored) image(repository string) (versions []string) {
	for _, e := range i.Images {
		if e.Repository == repository {
			versions = append(versions, e.Versions...)
		}
	}
	return versions
}

// held reports whether the image of a repository keeps its current tag.
func (i Ignored) held(repository string) bool {
	for _, e := range i.Images {
		if e.Repository == repository && e.Hold {
			return true
		}
	}
	return false
}

// deb returns the ignored releases of a Debian package.
func (i Ignored) deb(name string) (versions []string) {
	for _, e := range i.Debs {
		if e.Name == name {
			versions = append(versions, e.Versions...)
		}
	}
	return versions
}

// osImage returns the ignored versions in a channel of the operating system.
func (i Ignored) osImage(channel string) (versions []string) {
	for _, e := range i.OSImage {
		if e.Channel == channel {
			versions = append(versions, e.Versions...)
		}
	}
	return versions
}
