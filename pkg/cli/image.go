package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
)

func newImageCmd() *cobra.Command {
	return &cobra.Command{
		Use:               "image NAME",
		Short:             "Print the full name of a container image of this release",
		Long:              "Print the full name of a container image of this release, without\nthe suffix that private images have.",
		Args:              exactly(1),
		ValidArgsFunction: completeImages,
		RunE: func(cmd *cobra.Command, args []string) error {
			img, err := findImage(args[0])
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), img.FullName(false))
			return nil
		},
	}
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
