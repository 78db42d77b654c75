package cke

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/template"

	"go.yaml.in/yaml/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/packagefault"
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

// ofRender marks err, an error of userresource.Render, as a fault of the package, except for a
// placeholder without a value: the CKE of this host may lack the image.
func ofRender(err error) error {
	if missing := (template.ExecError{}); errors.As(err, &missing) {
		return err
	}
	return packagefault.OfFile(err)
}

// checkObjects returns an error with the line if data is not a stream of Kubernetes objects. CKE
// notices a malformed object only after it has stored those in other files.
func checkObjects(data []byte) error {
	d := yaml.NewDecoder(bytes.NewReader(data))
	for n := 0; ; n++ {
		var node yaml.Node
		err := d.Decode(&node)
		if err == io.EOF && n > 0 {
			return nil
		}
		if err == io.EOF {
			err = errors.New("it has no object")
		}
		if err != nil {
			return err
		}
		var object map[string]any
		if err := node.Decode(&object); err != nil {
			return err
		}
		metadata, _ := object["metadata"].(map[string]any)
		for _, field := range []struct {
			name  string
			value any
		}{{"apiVersion", object["apiVersion"]}, {"kind", object["kind"]}, {"metadata.name", metadata["name"]}} {
			if text, _ := field.value.(string); text == "" {
				return fmt.Errorf("the object at line %d has no %s", node.Content[0].Line, field.name)
			}
		}
	}
}

// DesiredResources returns the user resources for env on the host whose file system is
// fs, with their placeholders replaced by values. The error for a placeholder without a
// value names the file and the placeholder.
func DesiredResources(fs host.FS, env string, values map[string]string) ([]Resource, error) {
	var all []Resource
	for _, file := range ResourceFiles(env) {
		text, err := fs.Read(file)
		if err != nil {
			return nil, packagefault.OfFile(err)
		}
		data, err := userresource.Render(file, text, values)
		if err != nil {
			return nil, ofRender(err)
		}
		if err := checkObjects(data); err != nil {
			return nil, packagefault.OfFile(fmt.Errorf("%s: %w", file, err))
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
