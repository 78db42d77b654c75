//go:build dctest

package suite

import (
	"encoding/json"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"github.com/cybozu-go/neco"
)

// Manifest returns the manifest of an image in the simulated internet.
func (s *Suite) Manifest(ctx ginkgo.SpecContext, img neco.ContainerImage) v1.Manifest {
	ginkgo.GinkgoHelper()
	host, repository, _ := strings.Cut(img.Repository, "/")
	out := s.Run(ctx, 0, "curl", "-sS", "--fail", "--proxy", Proxy,
		"-H", "Accept: application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json",
		"https://"+host+"/v2/"+repository+"/manifests/"+img.Tag)
	var m v1.Manifest
	gomega.Expect(json.Unmarshal([]byte(out), &m)).To(gomega.Succeed())
	return m
}
