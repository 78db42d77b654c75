package component

import (
	"bytes"
	_ "embed"
	"fmt"
	"text/template"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
)

// ContainerUnit describes the service of a container on a boot server. The template has
// what all of these services share.
type ContainerUnit struct {
	Name        string
	Description string
	// Image is the full name.
	Image string
	// After and Wants are units in addition to network and docker.
	After, Wants []string
	// Conditions are files without which the service stays inactive.
	Conditions []string
	// StateDir and RuntimeDir are directories below /var/lib and /run that systemd
	// creates before the start.
	StateDir, RuntimeDir string
	// RestartSec is the pause before a restart, in seconds.
	RestartSec int
	// OOMScoreAdjust, if not 0, is the OOM score adjustment of the service's processes.
	OOMScoreAdjust int
	// Environment lines can be overridden by a drop-in.
	Environment []string
	// HostUTS makes the container share the host name with the host.
	HostUTS bool
	// Options are options of docker run, in addition to the common ones. Args follow
	// the image.
	Options, Args []string
}

//go:embed container.service.tmpl
var containerTemplate string

// File renders the unit file.
func (u ContainerUnit) File() (host.File, error) {
	t, err := template.New("container").Option("missingkey=error").Parse(containerTemplate)
	if err != nil {
		return host.File{}, fmt.Errorf("parse the template of container units: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, u); err != nil {
		return host.File{}, fmt.Errorf("render the unit %s: %w", u.Name, err)
	}
	return host.File{Path: neco.ServiceFile(u.Name), Data: b.Bytes(), Mode: 0o644}, nil
}

// ImageName returns the full name of a component's image on a host. In a test data
// centre, private images have their public name, see [neco.ContainerImage.FullName].
func ImageName(t Target, name string) (string, error) {
	img, err := t.Artifacts.FindContainerImage(name)
	if err != nil {
		return "", err
	}
	return img.FullName(t.Private), nil
}
