package cke

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/cke/userresource"
	"github.com/cybozu-go/neco/pkg/host"
)

// Placeholders in user resources for the blocks of load balancers' addresses.
const (
	LBAddressDefault  = "lbAddressDefault"
	LBAddressBastion  = "lbAddressBastion"
	LBAddressInternet = "lbAddressInternet"
)

// ckeImage is the prefix of the placeholders for the images of CKE.
const ckeImage = "cke-"

// Resource is a file of user resources with its placeholders replaced.
type Resource struct {
	// File is the path of the file.
	File string
	// Data is a stream of YAML documents, one for each Kubernetes object.
	Data []byte
	// Unset are the placeholders in the file whose values are empty, in order.
	Unset []string
}

// ResourceFiles returns the paths of the user resources for an environment, in the order
// in which they are set.
func ResourceFiles(env string) []string {
	if env == neco.ProdEnv {
		return neco.CKEUserResourceFiles
	}
	return neco.CKEUserResourceFilesPre
}

// ImageValues returns the values of the placeholders for images: the name of each image
// in set, and the name of each of CKE's images, which are full names, with the prefix
// "cke-". The values are full names without the suffix of private images.
func ImageValues(set neco.ArtifactSet, images []string) (map[string]string, error) {
	values := map[string]string{}
	for _, img := range set.Images {
		values[img.Name] = img.FullName(false)
	}
	for _, full := range images {
		img, err := neco.ParseContainerImageName(full)
		if err != nil {
			return nil, fmt.Errorf("ckecli images: %w", err)
		}
		values[ckeImage+img.Name] = full
	}
	return values, nil
}

// DesiredResources returns the user resources for env on the host whose file system is
// fs, with their placeholders replaced by values. The error for a placeholder without a
// value names the file and the placeholder.
func DesiredResources(fs host.FS, env string, values map[string]string) ([]Resource, error) {
	var all []Resource
	for _, file := range ResourceFiles(env) {
		text, err := fs.Read(file)
		if err != nil {
			return nil, err
		}
		data, err := userresource.Render(file, text, values)
		if err != nil {
			return nil, err
		}
		r := Resource{File: file, Data: data}
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if values[name] == "" && bytes.Contains(text, []byte("."+name+" ")) {
				r.Unset = append(r.Unset, name)
			}
		}
		all = append(all, r)
	}
	return all, nil
}

// SetResources stores the Kubernetes objects in data, a stream of YAML documents, as user
// resources of CKE, which applies them to its cluster. Objects of the same kinds and names
// are replaced; others stay.
func (c Ckecli) SetResources(ctx context.Context, data []byte) error {
	_, err := c.run(ctx, data, "resource set", "-")
	return err
}
