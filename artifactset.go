package neco

import "fmt"

// BootImages names the images whose containers run on boot servers.
var BootImages = []string{"etcd", "promtail", "setup-hw", "sabakan", "serf", "vault"}

// SabakanImages names the images that are uploaded to sabakan for the nodes of the data
// centre.
var SabakanImages = []string{"bird", "chrony", "coil", "serf", "setup-hw", "squid", "cilium", "cilium-operator-generic", "hubble-relay", "cilium-certgen"}

// ArtifactSet is everything that one release installs besides the neco package itself.
type ArtifactSet struct {
	// Images are container images, for boot servers and for nodes.
	Images []ContainerImage

	// Debs are Debian packages for boot servers.
	Debs []DebianPackage

	// OSImage is the operating system of the nodes.
	OSImage OSImage
}

// FindContainerImage returns the image called name. If the set has no such image, it
// returns an error that contains name.
func (a ArtifactSet) FindContainerImage(name string) (ContainerImage, error) {
	for _, img := range a.Images {
		if img.Name == name {
			return img, nil
		}
	}
	return ContainerImage{}, fmt.Errorf("container image %q is not in the artifact set", name)
}

// FindDebianPackage returns the package called name. If the set has no such package, it
// returns an error that contains name.
func (a ArtifactSet) FindDebianPackage(name string) (DebianPackage, error) {
	for _, deb := range a.Debs {
		if deb.Name == name {
			return deb, nil
		}
	}
	return DebianPackage{}, fmt.Errorf("debian package %q is not in the artifact set", name)
}

// OSImage is a release of Flatcar Container Linux.
type OSImage struct {
	Channel string
	Version string
}

// MarshalGo returns the value as Go code for the file artifacts.go.
func (c OSImage) MarshalGo() string {
	return fmt.Sprintf("OSImage{Channel: %q, Version: %q}", c.Channel, c.Version)
}

// URLs returns the URLs of the kernel and of the initial RAM disk of the image, in this
// order.
func (c OSImage) URLs() (string, string) {
	base := fmt.Sprintf("https://%s.release.flatcar-linux.net/amd64-usr/%s/flatcar_production_pxe", c.Channel, c.Version)
	return base + ".vmlinuz", base + "_image.cpio.gz"
}
