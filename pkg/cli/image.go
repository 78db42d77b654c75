package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
)

func newImageCmd(env *Env) *cobra.Command {
	var inDocker bool
	cmd := &cobra.Command{
		Use:   "image NAME",
		Short: "Print the full name of a container image of this release",
		Long: `Print the full name of a container image of this release, without
the suffix that private images have.

--in-docker prints the names that all images of this release have in the Docker
of this server, and those of the images with which neco-worker last started the
programs of this server. docker-prune.service keeps these images.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if inDocker && len(args) > 0 {
				return hint(errors.New("neco image: --in-docker takes no NAME"), "leave out NAME for the names of all images, or --in-docker for the name of one")
			}
			if inDocker {
				return nil
			}
			return exactly(1)(cmd, args)
		},
		ValidArgsFunction: completeImages,
		RunE: func(cmd *cobra.Command, args []string) error {
			if inDocker {
				return printImagesInDocker(cmd.OutOrStdout(), env.FS)
			}
			img, err := findImage(args[0])
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), img.FullName(false))
			return nil
		},
	}
	cmd.Flags().BoolVar(&inDocker, "in-docker", false, "print the images that Docker has to keep on this server")
	return cmd
}

// printImagesInDocker prints the names of the images of this release and of the programs
// that run on the server with the file system fsys, each once.
func printImagesInDocker(w io.Writer, fsys host.FS) error {
	names, err := component.AppliedImages(fsys)
	if err != nil {
		return err
	}
	containers := host.Containers{FS: fsys}
	for _, img := range component.Artifacts().Images {
		names = append(names, containers.FullName(img))
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		fmt.Fprintln(w, name)
	}
	return nil
}

func findImage(name string) (neco.ContainerImage, error) {
	img, err := component.Artifacts().FindContainerImage(name)
	return img, hint(err, "the images are: %s", strings.Join(imageNames(), ", "))
}

func imageNames() []string {
	var names []string
	for _, img := range component.Artifacts().Images {
		names = append(names, img.Name)
	}
	return names
}

func completeImages(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return imageNames(), cobra.ShellCompDirectiveNoFileComp
}
