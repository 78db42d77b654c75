package component

import (
	"bytes"
	_ "embed"
	"fmt"
	"text/template"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
)

// ContainerUnit describes the service of a container on a boot server. Its template,
// container.service.tmpl, adds what all such services have in common.
type ContainerUnit struct {
	// Name is the name of the unit, from which [program.ContainerNames] derives the name of
	// the container.
	Name        string
	Description string
	// Image is the full name of the image.
	Image string
	// After and Wants are the service's dependencies in addition to network and docker.
	After, Wants []string
	// Conditions are files without which systemd does not start the service.
	Conditions []string
	// StateDir and RuntimeDir are directories below /var/lib and /run that systemd
	// creates before it starts the service.
	StateDir, RuntimeDir string
	// RestartSec is the pause before systemd restarts the service, in seconds.
	RestartSec int
	// OOMScoreAdjust, if not 0, is the OOM score adjustment of the service's processes.
	OOMScoreAdjust int
	// Environment are lines VARIABLE=value, which a drop-in of the unit can override.
	Environment []string
	// Writable makes the root file system of the container writable.
	Writable bool
	// HostUTS makes the container have the host name of the host.
	HostUTS bool
	// Options are options of docker run, in addition to those of all services. Args are
	// the arguments after the image.
	Options, Args []string
}

//go:embed container.service.tmpl
var containerTemplate string

// File returns the unit file.
func (u ContainerUnit) File() (host.File, error) {
	t, err := template.New("container").Option("missingkey=error").Parse(containerTemplate)
	if err != nil {
		return host.File{}, fmt.Errorf("parse the template of container units: %w", err)
	}
	var b bytes.Buffer
	names := program.ContainerNames(u.Name)
	data := struct {
		ContainerUnit
		Container        string
		FormerContainers []string
	}{u, names[0], names[1:]}
	if err := t.Execute(&b, data); err != nil {
		return host.File{}, fmt.Errorf("render the unit %s: %w", u.Name, err)
	}
	return host.File{Path: neco.ServiceFile(u.Name), Data: b.Bytes(), Mode: 0o644}, nil
}

// ImageName returns the full name of the image that is called name in the artifacts of
// t. In a test data centre, private images have their public names; see
// [neco.ContainerImage.FullName].
func ImageName(t Target, name string) (string, error) {
	img, err := t.Artifacts.FindContainerImage(name)
	if err != nil {
		return "", err
	}
	return img.FullName(t.Private), nil
}
