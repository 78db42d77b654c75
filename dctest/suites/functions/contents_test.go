//go:build dctest

package functions

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/sabakantest"
)

// roles are the roles of nodes for which the package has templates.
var roles = []string{"boot", "cs", "ss"}

func contentsSpecs() {
	Describe("its contents", func() {
		It("are uploaded as far as they are prepared, and the rest is named", func(ctx SpecContext) {
			out := run(ctx, 0, "neco", "init-data")
			Expect(out).To(MatchRegexp(`(?m)^sabakan-contents +os-image +up to date$`))
			Expect(out).To(MatchRegexp(`(?m)^sabakan-contents +ignitions +.*sabactl ipam set`))
			Expect(ignitions(ctx, "cs")).To(BeEmpty())
			result := run(ctx, 0, "neco", "init-data", "-o", "json")
			Expect(result).To(MatchRegexp(`"name": "coreos [0-9.]+",\s+"state": "present"`))
			Expect(result).To(MatchRegexp(`"state": "not-prepared",\s+"reason": "sabakan has no addresses .*",\s+"command": "sabactl ipam set -f `))
		})

		It("are complete once addresses, machines and the SSH key are there", func(ctx SpecContext) {
			Expect(lab.Write(ctx, "boot-0", "/root/ipam.json", strings.NewReader(sabakantest.IPAM), 0o600)).To(Succeed())
			run(ctx, 0, "sabactl", "ipam", "set", "-f", "/root/ipam.json")
			Expect(run(ctx, 0, "neco", "init-data", "--ignitions-only")).To(ContainSubstring("no machine of boot server 0, 1, 2"))
			Expect(lab.Write(ctx, "boot-0", "/root/machines.json", strings.NewReader(machines(all...)), 0o600)).To(Succeed())
			run(ctx, 0, "sabactl", "machines", "create", "-f", "/root/machines.json")
			Expect(run(ctx, 0, "neco", "ssh", "generate")).To(ContainSubstring("the key is generated"))
			run(ctx, 1, "neco", "init-data")
			for _, role := range roles {
				Expect(ignitions(ctx, role)).To(Equal([]string{first}), role)
			}
		})

		It("are in every sabakan", func(ctx SpecContext) {
			for _, lrn := range all {
				assets := run(ctx, lrn, "sabactl", "assets", "index")
				for _, name := range neco.SabakanImages {
					Expect(assets).To(ContainSubstring("cybozu-" + name + "-"))
				}
				for _, image := range words(ctx, lrn, "ckecli", "images") {
					img, err := neco.ParseContainerImageName(image)
					Expect(err).NotTo(HaveOccurred())
					Expect(assets).To(ContainSubstring("cybozu-" + img.Name + "-" + img.Tag + ".img"))
				}
				Expect(run(ctx, lrn, "sabactl", "images", "index")).To(ContainSubstring(neco.CurrentArtifacts.OSImage.Version))
				Expect(run(ctx, lrn, "sabactl", "dhcp", "get")).To(MatchRegexp(`"lease-minutes": *60`))
			}
			template := run(ctx, 2, "sabactl", "ignitions", "get", "cs", first)
			Expect(template).To(ContainSubstring("ssh-rsa "))
			Expect(template).To(ContainSubstring("10.69.0.195"), "the address of boot server 1")
		})

		It("are given to CKE", func(ctx SpecContext) {
			Expect(run(ctx, 1, "ckecli", "sabakan", "get-template")).To(MatchRegexp(`(?m)^name: dev$`))
			Expect(run(ctx, 1, "ckecli", "resource", "list")).To(ContainSubstring("Namespace/internet-egress"))
			run(ctx, 0, "neco", "cke", "weight", "set", "cs", "20")
			run(ctx, 0, "neco", "cke", "update")
			Expect(run(ctx, 2, "ckecli", "sabakan", "get-template")).To(ContainSubstring(`"20.000000"`))
		})

		It("are not sent again", func(ctx SpecContext) {
			before := ids(ctx)
			for _, lrn := range all {
				run(ctx, lrn, "neco", "init-data")
			}
			Expect(ids(ctx)).To(Equal(before))
		})
	})
}

// ignitions returns the IDs of the templates of a role.
func ignitions(ctx SpecContext, role string) []string {
	GinkgoHelper()
	out := run(ctx, 0, "curl", "-sS", "http://127.0.0.1:10080/api/v1/ignitions/"+role)
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
	all := map[string]string{"images": run(ctx, 0, "sabactl", "images", "index")}
	for _, role := range roles {
		all[role] = fmt.Sprint(ignitions(ctx, role))
	}
	var names []string
	Expect(json.Unmarshal([]byte(run(ctx, 0, "sabactl", "assets", "index")), &names)).To(Succeed())
	id := regexp.MustCompile(`"id": *\d+`)
	for _, name := range names {
		all[name] = id.FindString(run(ctx, 0, "sabactl", "assets", "info", name))
	}
	return all
}

// machines returns the boot servers of racks, and one node, as sabactl registers them.
func machines(racks ...int) string {
	var specs []string
	for _, rack := range racks {
		specs = append(specs, machine(fmt.Sprintf("boot-%d", rack), rack, "boot"))
	}
	return "[" + strings.Join(append(specs, machine("cs-0", 0, "cs")), ",") + "]"
}

func machine(serial string, rack int, role string) string {
	return fmt.Sprintf(`{"serial":%q,"rack":%d,"role":%q,"retire-date":"2031-01-01T00:00:00Z","labels":{"machine-type":"qemu"},"bmc":{"type":"IPMI-2.0"}}`, serial, rack, role)
}
