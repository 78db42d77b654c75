package neco

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	reference "github.com/google/go-containerregistry/pkg/name"
)

// ContainerImage is one version of a container image.
type ContainerImage struct {
	// Name identifies the image within an artifact set.
	Name string

	// Repository is the host of the registry and the path of the image in it, for
	// example "quay.io/cybozu/etcd".
	Repository string

	// Tag is the version of the image.
	Tag string

	// Private means that a second image with private contents exists. The repository of
	// the second image has the suffix "-secret".
	Private bool
}

// ParseContainerImageName parses a full name such as "quay.io/cybozu/etcd:3.5.4.1", by
// the grammar of image references. The name must contain exactly one colon, so names with
// a digest or with the port number of a registry are refused. In the result, Name is the
// last element of the repository and Private is false.
func ParseContainerImageName(name string) (ContainerImage, error) {
	repo, tag, _ := strings.Cut(name, ":")
	if ref, err := reference.NewTag(name); err != nil || tag == "" || ref.TagStr() != tag {
		return ContainerImage{}, fmt.Errorf("parse container image name %q: want REPOSITORY:TAG with exactly one colon", name)
	}
	return ContainerImage{Name: path.Base(repo), Repository: repo, Tag: tag}, nil
}

// FullName returns "<repository>:<tag>". If hasSecret is true, it appends the suffix
// "-secret" to the repository of a private image.
func (c ContainerImage) FullName(hasSecret bool) string {
	if hasSecret && c.Private {
		return c.Repository + "-secret:" + c.Tag
	}
	return c.Repository + ":" + c.Tag
}

// MajorVersion returns the number at the start of the tag, up to the first dot and
// without a leading "v". It is 0 if the tag does not start with a number.
func (c ContainerImage) MajorVersion() int {
	major, _, _ := strings.Cut(strings.TrimPrefix(c.Tag, "v"), ".")
	n, err := strconv.Atoi(major)
	if err != nil {
		return 0
	}
	return n
}

// MarshalGo returns the value as Go code for the file artifacts.go.
func (c ContainerImage) MarshalGo() string {
	return fmt.Sprintf("{Name: %q, Repository: %q, Tag: %q, Private: %v}", c.Name, c.Repository, c.Tag, c.Private)
}

// NeedAuth reports whether a registry may require credentials: the image is private, or
// it is on quay.io, which limits anonymous clients.
func (c ContainerImage) NeedAuth() bool {
	return c.Private || strings.HasPrefix(c.Repository, "quay.io/")
}
