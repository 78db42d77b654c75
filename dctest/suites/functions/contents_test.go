//go:build dctest

package functions

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/inventory"
	"github.com/cybozu-go/neco/dctest/suite"
)

// roles are the roles of nodes for which the package has templates.
var roles = []string{"boot", "cs", "ss"}

func contentsSpecs() {
	Describe("its contents", func() {
		It("are uploaded as far as they are prepared, and the rest is named", func(ctx SpecContext) {
			out := lab.Run(ctx, 0, "neco", "init-data")
			Expect(out).To(MatchRegexp(`(?m)^sabakan-contents +os-image +up to date$`))
			Expect(out).To(MatchRegexp(`(?m)^sabakan-contents +ignitions +.*sabactl ipam set`))
			Expect(ignitions(ctx, "cs")).To(BeEmpty())
			result := lab.Run(ctx, 0, "neco", "init-data", "-o", "json")
			Expect(result).To(MatchRegexp(`"name": "coreos [0-9.]+",\s+"state": "present"`))
			Expect(result).To(MatchRegexp(`"state": "not-prepared",\s+"reason": "sabakan has no addresses .*",\s+"command": "sabactl ipam set -f `))
		})

		It("are complete once addresses, machines, the SSH key and the users of BMCs are there", func(ctx SpecContext) {
			Expect(lab.Write(ctx, "boot-0", "/root/ipam.json", strings.NewReader(inventory.IPAM), 0o600)).To(Succeed())
			lab.Run(ctx, 0, "sabactl", "ipam", "set", "-f", "/root/ipam.json")
			Expect(lab.Run(ctx, 0, "neco", "init-data", "--ignitions-only")).To(ContainSubstring("no machine of boot server 0, 1, 2"))
			Expect(lab.CreateMachines(ctx, "boot-0", inventory.Boot(0), inventory.Boot(1), inventory.Boot(2), inventory.Node(0))).To(Succeed())
			Expect(lab.Run(ctx, 0, "neco", "ssh", "generate")).To(ContainSubstring("the key is generated"))
			Expect(lab.Run(ctx, 1, "neco", "init-data")).To(MatchRegexp(`(?m)^sabakan-contents +ignitions +.*neco bmc config set bmc-user FILE$`))
			for _, role := range roles {
				Expect(ignitions(ctx, role)).To(Equal([]string{first}), role)
			}
			Expect(lab.Write(ctx, "boot-0", "/root/bmc-user.json", strings.NewReader(`{"root": {}}`), 0o600)).To(Succeed())
			lab.Run(ctx, 0, "neco", "bmc", "config", "set", "bmc-user", "/root/bmc-user.json")
			Expect(lab.Run(ctx, 1, "neco", "init-data", "--ignitions-only")).To(MatchRegexp(`(?m)^sabakan-contents +ignitions +up to date$`))
		})

		It("are in every sabakan, with the digests of their sources", func(ctx SpecContext) {
			want := map[string][]string{}
			for _, img := range nodeImages(ctx) {
				want["cybozu-"+img.Name+"-"+img.Tag+".img"] = parts(lab.Manifest(ctx, img))
			}
			for _, lrn := range all {
				got := assets(ctx, lrn)
				for name, parts := range want {
					Expect(got).To(HaveKey(name))
					Expect(got[name].Sum).To(Equal(got[name].Named), name)
					Expect(got[name].Parts).To(Equal(parts), name)
				}
				Expect(lab.Run(ctx, lrn, "sabactl", "images", "index")).To(ContainSubstring(neco.CurrentArtifacts.OSImage.Version))
				kernel, initrd := neco.CurrentArtifacts.OSImage.URLs()
				for file, source := range map[string]string{"kernel": kernel, "initrd.gz": initrd} {
					sum := func(args ...string) string {
						return lab.Run(ctx, lrn, "sh", append([]string{"-c", `curl -sS --fail "$@" | sha256sum`, "sh"}, args...)...)
					}
					Expect(sum("http://127.0.0.1:10080/api/v1/boot/coreos/"+file)).To(Equal(sum("--proxy", suite.Proxy, source)), file)
				}
				Expect(lab.Run(ctx, lrn, "sabactl", "dhcp", "get")).To(MatchRegexp(`"lease-minutes": *60`))
			}
			template := lab.Run(ctx, 2, "sabactl", "ignitions", "get", "cs", first)
			Expect(template).To(ContainSubstring("ssh-rsa "))
			Expect(template).To(ContainSubstring("10.69.0.195"), "the address of boot server 1")
		})

		It("are given to CKE", func(ctx SpecContext) {
			Expect(lab.Run(ctx, 1, "ckecli", "sabakan", "get-template")).To(MatchRegexp(`(?m)^name: dev$`))
			Expect(lab.Run(ctx, 1, "ckecli", "resource", "list")).To(ContainSubstring("Namespace/internet-egress"))
			lab.Run(ctx, 0, "neco", "cke", "weight", "set", "cs", "20")
			lab.Run(ctx, 0, "neco", "cke", "update")
			Expect(lab.Run(ctx, 2, "ckecli", "sabakan", "get-template")).To(ContainSubstring(`"20.000000"`))
		})

		It("are not sent again", func(ctx SpecContext) {
			before := ids(ctx)
			for _, lrn := range all {
				lab.Run(ctx, lrn, "neco", "init-data")
			}
			Expect(ids(ctx)).To(Equal(before))
		})
	})
}

// nodeImages returns the images that nodes run, of Neco's artifact set and of CKE.
func nodeImages(ctx SpecContext) (images []neco.ContainerImage) {
	GinkgoHelper()
	for _, name := range neco.SabakanImages {
		img, err := neco.CurrentArtifacts.FindContainerImage(name)
		Expect(err).NotTo(HaveOccurred())
		images = append(images, img)
	}
	for _, full := range words(ctx, 0, "ckecli", "images") {
		img, err := neco.ParseContainerImageName(full)
		Expect(err).NotTo(HaveOccurred())
		images = append(images, img)
	}
	return images
}

// asset is the archive of an image in sabakan.
type asset struct {
	// Sum is the SHA-256 of the archive as downloaded from sabakan. Named is the SHA-256 in
	// sabakan's metadata of the asset.
	Sum, Named string
	// Parts are the names of the image's configuration and layers in the archive.
	Parts []string
}

// assets returns the images in the sabakan of a server by their names.
func assets(ctx SpecContext, lrn int) map[string]asset {
	GinkgoHelper()
	const script = `set -eu
api=http://127.0.0.1:10080/api/v1/assets
for name in $(curl -sS --fail $api | jq -r '.[]' | grep '[.]img$'); do
    curl -sS --fail -o /tmp/asset "$api/$name"
    jq -n --arg name "$name" --arg sum "$(sha256sum </tmp/asset | cut -d' ' -f1)" --arg named "$(curl -sS --fail "$api/$name/meta" | jq -r .sha256)" \
        --argjson parts "$(tar -xOf /tmp/asset manifest.json | jq '.[0] | [.Config] + .Layers')" '{($name): {$sum, $named, $parts}}'
done | jq -s add
rm /tmp/asset`
	all := map[string]asset{}
	Expect(json.Unmarshal([]byte(lab.Run(ctx, lrn, "sh", "-c", script)), &all)).To(Succeed())
	return all
}

// parts returns the names of an image's configuration and layers in an archive.
func parts(m v1.Manifest) []string {
	all := []string{m.Config.Digest.String()}
	for _, l := range m.Layers {
		all = append(all, l.Digest.Hex+".tar.gz")
	}
	return all
}

// ignitions returns the IDs of the templates of a role.
func ignitions(ctx SpecContext, role string) []string {
	GinkgoHelper()
	out := lab.Run(ctx, 0, "curl", "-sS", "http://127.0.0.1:10080/api/v1/ignitions/"+role)
	var ids []string
	if json.Unmarshal([]byte(out), &ids) != nil {
		return nil // sabakan has no template of the role
	}
	return ids
}

// ids returns what changes in sabakan with every upload: the IDs of assets, images and
// templates.
func ids(ctx SpecContext) map[string]string {
	GinkgoHelper()
	all := map[string]string{"images": lab.Run(ctx, 0, "sabactl", "images", "index")}
	for _, role := range roles {
		all[role] = fmt.Sprint(ignitions(ctx, role))
	}
	var names []string
	Expect(json.Unmarshal([]byte(lab.Run(ctx, 0, "sabactl", "assets", "index")), &names)).To(Succeed())
	id := regexp.MustCompile(`"id": *\d+`)
	for _, name := range names {
		all[name] = id.FindString(lab.Run(ctx, 0, "sabactl", "assets", "info", name))
	}
	return all
}
