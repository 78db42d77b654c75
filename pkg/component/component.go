package component

import (
	"context"
	"fmt"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
)

// Target is the state that a host is to have.
type Target struct {
	// LRN is the host's own, Members are all boot servers of the update.
	LRN     int
	Members []int
	// Version is the version of the neco package.
	Version   string
	Artifacts neco.ArtifactSet
	// Private selects the private images of the registry, see
	// [neco.ContainerImage.FullName].
	Private bool
	Facts   Facts
	// Inputs are the values of the component's inputs, see [Parameterized].
	Inputs map[Input]string
}

// Artifacts returns the artifacts of this version, for [Target] and for commands that
// name an image.
func Artifacts() neco.ArtifactSet { return neco.CurrentArtifacts }

// Facts are properties of a host that its configuration reports to others.
type Facts struct {
	// OSName and OSVersion are NAME and VERSION_ID of os-release(5).
	OSName, OSVersion string
	// Serial is the serial number of the machine; empty: unknown.
	Serial string
}

// Unit is a systemd unit of a component.
type Unit struct {
	// Name has no suffix.
	Name string
	// Timer marks a timer; other units are services.
	Timer bool
	// Condition is a file without which the service stays inactive, which is not an
	// error; empty: none.
	Condition string
}

// Component is one managed program.
type Component interface {
	Name() string
	// Files returns the contents of all files of the component. It is pure.
	Files(t Target) ([]host.File, error)
	// Units returns the units in the order in which they are started.
	Units() []Unit
}

// Imaged is a component that runs a container.
type Imaged interface {
	// Image returns the name of its image in the artifact set.
	Image() string
}

// Tooled is a component whose image carries commands for the host.
type Tooled interface {
	Imaged
	// Tools returns the directory at which the image expects /usr/local/bin of the
	// host.
	Tools() (mount string)
}

// Units are the operations on systemd that components need.
type Units interface {
	Start(ctx context.Context, name string) error
	Stop(ctx context.Context, name string) error
	Restart(ctx context.Context, name string) error
	StartTimer(ctx context.Context, name string) error
	// Enable and Disable set whether the unit starts at boot. Start and Restart enable
	// it too.
	Enable(ctx context.Context, name string) error
	Disable(ctx context.Context, name string) error
	IsActive(ctx context.Context, name string) (bool, error)
	// Describe returns the state of a service and its newest log line, for people.
	Describe(ctx context.Context, name string) string
}

// Containers are the operations on the container runtime that components need.
type Containers interface {
	Pull(ctx context.Context, img neco.ContainerImage) error
	FullName(img neco.ContainerImage) string
	Running(ctx context.Context, img neco.ContainerImage) (bool, error)
	// Version returns the image tag of the running container called name. It is empty
	// if the container does not run or the tag is unknown.
	Version(ctx context.Context, name string) (string, error)
	Present(ctx context.Context, img neco.ContainerImage) bool
	// Outdated reports whether the running container called name runs another image
	// than the one that img refers to now.
	Outdated(ctx context.Context, name string, img neco.ContainerImage) bool
	RunInstallTools(ctx context.Context, img neco.ContainerImage, mount string) error
}

// Host gives access to the host of a component.
type Host struct {
	FS         host.FS
	Units      Units
	Containers Containers
	// Unseal unseals the Vault of this host; nil: there is no key to do so.
	Unseal func(ctx context.Context) error
	// Progress, if not nil, receives what a call waits for at the moment.
	Progress func(text string)
}

// report reports progress.
func (h Host) report(format string, args ...any) {
	if h.Progress != nil {
		h.Progress(fmt.Sprintf(format, args...))
	}
}

// image returns the image of c; ok is false for a component without one.
func image(c Component, t Target) (img neco.ContainerImage, ok bool, err error) {
	i, ok := c.(Imaged)
	if !ok {
		return img, false, nil
	}
	img, err = t.Artifacts.FindContainerImage(i.Image())
	return img, true, err
}
