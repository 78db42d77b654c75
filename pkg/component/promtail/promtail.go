// Package promtail is the component that ships the journal of a boot server to Loki. It
// must not know other components.
package promtail

import (
	"fmt"

	"sigs.k8s.io/yaml"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
)

const pushURL = "http://distributor.logging.svc:3100/loki/api/v1/push"

// Component is promtail.
type Component struct{}

var _ component.Imaged = Component{}

// Name returns the name of the component.
func (Component) Name() string { return program.Promtail }

// Image returns the name of the image.
func (Component) Image() string { return program.Promtail }

// Units returns the units of the component.
func (Component) Units() []component.Unit { return []component.Unit{{Name: neco.PromtailService}} }

// Files returns the files of the component.
func (Component) Files(t component.Target) ([]host.File, error) {
	image, err := component.ImageName(t, "promtail")
	if err != nil {
		return nil, err
	}
	unit, err := component.ContainerUnit{
		Name: neco.PromtailService, Description: "Ship the journal to Loki", Image: image,
		// cke-localproxy resolves the name in pushURL. promtail also runs without it.
		After:      []string{neco.CKELocalProxyService + ".service"},
		RuntimeDir: "promtail", RestartSec: 30,
		Options: []string{
			"--user=root",
			"--mount=type=bind,source=/etc/promtail,target=/etc/promtail,readonly",
			"--mount=type=bind,source=/run/promtail,target=/run/promtail",
			"--mount=type=bind,source=/var/log/journal,target=/var/log/journal",
		},
		Args: []string{"-config.file=" + neco.PromtailConfFile},
	}.File()
	if err != nil {
		return nil, err
	}
	data, err := yaml.Marshal(newConfig(t.LRN))
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", neco.PromtailConfFile, err)
	}
	return []host.File{{Path: neco.PromtailConfFile, Data: data, Mode: 0o644}, unit}, nil
}
