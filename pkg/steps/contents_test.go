package steps_test

import (
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/cke"
	"github.com/cybozu-go/neco/pkg/steps"
)

func TestASkippedUploadNamesTheCommandThatPreparesIt(t *testing.T) {
	_, _, h, ch := newHost(t)
	tg, _ := target(neco.ProdEnv)
	expect := func(want map[string]string) {
		t.Helper()
		got := map[string]string{}
		err := h.Upload(t.Context(), nil, tg, func(o steps.Outcome) {
			if !o.Skipped || o.Note == "" {
				t.Errorf("%+v is not skipped", o)
			}
			got[o.Step+" "+o.Action] = o.Command
		})
		if diff := gocmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("error %v, commands (-want +got):\n%s", err, diff)
		}
	}
	commands := func(sabakan, template, contents, resources string) map[string]string {
		all := map[string]string{"cke template": template, "cke-contents assets": contents, "user-resources set": resources}
		for _, name := range strings.Split("sabakan-contents os-image,sabakan-contents assets,sabakan-contents ignitions,dhcp-json upload", ",") {
			all[name] = sabakan
		}
		return all
	}
	expect(commands("neco init-local sabakan", "neco init-local cke", "neco init-local sabakan", "neco init-local cke"))
	put(t, ch.FS, neco.SabakanCertFile, "x")
	put(t, ch.FS, neco.CKECertFile, "x")
	expect(commands("systemctl start sabakan", cke.Install, "systemctl start sabakan", "systemctl start cke"))

	// Only an update may set the template of a new CKE while the host starts the old version.
	put(t, ch.FS, neco.CKECLIBin, "x")
	put(t, ch.FS, "/usr/lib/neco/cke/1.22.6/cke", "x")
	expect(commands("systemctl start sabakan", "", "systemctl start sabakan", "systemctl start cke"))
}
