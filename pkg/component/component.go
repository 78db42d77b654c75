package component

import (
	"context"
	"fmt"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
)

// Target is what the host is to become.
type Target struct {
	// LRN is the host's own, Members are all boot servers of the update.
	LRN     int
	Members []int
	// Version is that of the neco package.
	Version   string
	Artifacts neco.ArtifactSet
	// Private says that the registry's private images are used, see
	// [neco.ContainerImage.FullName].
	Private bool
	Facts   Facts
	// Inputs are those of the component, see [Needy].
	Inputs map[Input]string
}

// Artifacts are those of this version, for [Target] and for commands that name an image.
func Artifacts() neco.ArtifactSet { return neco.CurrentArtifacts }

// Facts are what a host says of itself.
type Facts struct {
	// OSName and OSVersion are NAME and VERSION_ID of os-release(5).
	OSName, OSVersion string
	// Serial is the serial number of the machine; empty: unknown.
	Serial string
}

// Unit is a unit of a component.
type Unit struct {
	// Name without a suffix.
	Name string
	// Timer says that it is a timer and not a service.
	Timer bool
	// Condition, if not empty, is a file without which the service stays
	// inactive, and that is no error.
	Condition string
}

// Component is one managed program.
type Component interface {
	Name() string
	// Files are the contents of all files of the component.  It is pure.
	Files(t Target) ([]host.File, error)
	// Units are started in this order.
	Units() []Unit
}

// Imaged is a component that runs a container.
type Imaged interface {
	// Image is the name of its image in the artifact set.
	Image() string
}

// Tooled is a component whose image carries commands for the host.
type Tooled interface {
	Imaged
	// Tools is where the image expects /usr/local/bin of the host.
	Tools() (mount string)
}

// Units is what components need of systemd.
type Units interface {
	Start(ctx context.Context, name string) error
	Stop(ctx context.Context, name string) error
	Restart(ctx context.Context, name string) error
	StartTimer(ctx context.Context, name string) error
	// Enable and Disable say whether it starts at boot; Start and Restart enable.
	Enable(ctx context.Context, name string) error
	Disable(ctx context.Context, name string) error
	IsActive(ctx context.Context, name string) (bool, error)
	// Describe returns the state of a service and its newest words, for people.
	Describe(ctx context.Context, name string) string
}

// Containers is what components need of the container runtime.
type Containers interface {
	Pull(ctx context.Context, img neco.ContainerImage) error
	FullName(img neco.ContainerImage) string
	Running(ctx context.Context, img neco.ContainerImage) (bool, error)
	// Version is the tag of the image of the running container called name; empty:
	// none runs, or it is not known.
	Version(ctx context.Context, name string) (string, error)
	Present(ctx context.Context, img neco.ContainerImage) bool
	// Outdated says whether the running container called name runs another image
	// than img is now.
	Outdated(ctx context.Context, name string, img neco.ContainerImage) bool
	RunInstallTools(ctx context.Context, img neco.ContainerImage, mount string) error
}

// Host is where components live.
type Host struct {
	FS         host.FS
	Units      Units
	Containers Containers
	// Unseal opens the Vault on this host; nil: nobody can.
	Unseal func(ctx context.Context) error
	// Progress is told what a call waits for at the moment; nil: nobody.
	Progress func(text string)
}

// tell reports progress.
func (h Host) tell(format string, args ...any) {
	if h.Progress != nil {
		h.Progress(fmt.Sprintf(format, args...))
	}
}

// image finds the image of c; ok is false for a component without one.
func image(c Component, t Target) (img neco.ContainerImage, ok bool, err error) {
	i, ok := c.(Imaged)
	if !ok {
		return img, false, nil
	}
	img, err = t.Artifacts.FindContainerImage(i.Image())
	return img, true, err
}
