package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/dctest/sandbox"
	"github.com/cybozu-go/neco/dctest/sandbox/control"
	"github.com/cybozu-go/neco/dctest/sandbox/story"
	"github.com/cybozu-go/neco/pkg/release"
)

func newPublishCommand(name *string) *cobra.Command {
	var o control.Order
	cmd := &cobra.Command{
		Use:   "publish [VERSION]",
		Short: "Publish a release, by default the next one, built from this checkout",
		Args:  args(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.Deb != "" && len(args) > 0 {
				return errors.New("--deb and VERSION exclude each other: a package has its own version")
			}
			c, err := control.Connect(cmd.Context(), *name)
			if err != nil {
				return err
			}
			if o.Deb != "" {
				if err := checkPackage(cmd, c, o.Deb); err != nil {
					return err
				}
			} else {
				if o.Deb, err = build(cmd, c, args); err != nil {
					return err
				}
			}
			if o.Deb, err = filepath.Abs(o.Deb); err != nil {
				return err
			}
			var version string
			if err := c.Do(cmd.Context(), "publish", o, &version); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "published %s\n", version)
			return err
		},
	}
	cmd.Flags().StringVar(&o.Deb, "deb", "", "publish this package, with its .sha256 beside it")
	cmd.Flags().BoolVar(&o.Prerelease, "prerelease", false, "as a pre-release, which only the environment staging follows")
	return cmd
}

// build builds the package of the version in args or, without args, of the next
// version. It returns the path of the package.
func build(cmd *cobra.Command, c *control.Client, args []string) (string, error) {
	root, err := checkout()
	if err != nil {
		return "", err
	}
	var v release.Version
	if len(args) > 0 {
		v, err = release.Parse(args[0])
	} else {
		v, err = next(cmd.Context(), c)
	}
	if err != nil {
		return "", err
	}
	if err := warnIfOld(cmd, c, v); err != nil {
		return "", err
	}
	return buildDeb(cmd.Context(), root, filepath.Join(root, "build"), v, cmd.ErrOrStderr())
}

// buildDeb builds the package of version v for a sandbox from the checkout at root, and
// returns its path, which is in dir. The package is of the same kind as those of make run,
// with the stand-ins of CKE. The output of the build goes to out.
func buildDeb(ctx context.Context, root, dir string, v release.Version, out io.Writer) (string, error) {
	script := exec.CommandContext(ctx, filepath.Join(root, buildScript), dir, v.String())
	script.Stdout, script.Stderr = out, out
	if err := script.Run(); err != nil {
		return "", fmt.Errorf("build the package of %s: %w", v, err)
	}
	return filepath.Join(dir, release.PackageFile(v)), nil
}

// buildScript is the path, in a checkout, of the script that builds packages for sandboxes.
const buildScript = "dctest/sandbox/build-debs"

// checkPackage returns an error for an invalid package, and warns of an old version.
func checkPackage(cmd *cobra.Command, c *control.Client, deb string) error {
	if err := story.CheckFiles(deb); err != nil {
		return err
	}
	v, err := sandbox.DebVersion(deb)
	if err != nil {
		return err
	}
	return warnIfOld(cmd, c, v)
}

// warnIfOld prints a warning if v is not newer than the newest published version,
// because boot servers will not install it.
func warnIfOld(cmd *cobra.Command, c *control.Client, v release.Version) error {
	newest, err := newest(cmd.Context(), c)
	if err != nil {
		return err
	}
	if v.Compare(newest) <= 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s is not newer than %s, which is published: boot servers that run the latter will not install it\n", v, newest)
	}
	return nil
}

// next returns the version that follows the newest published one.
func next(ctx context.Context, c *control.Client) (release.Version, error) {
	v, err := newest(ctx, c)
	v.Serial++
	return v, err
}

// newest returns the newest published version.
func newest(ctx context.Context, c *control.Client) (release.Version, error) {
	var newest release.Version
	st, err := c.Status(ctx)
	if err != nil {
		return newest, err
	}
	for _, text := range st.Published {
		if v, err := release.Parse(text); err == nil && v.Compare(newest) > 0 {
			newest = v
		}
	}
	return newest, nil
}

// checkout returns the source directory from which this program was built: the parent
// of its directory build.
func checkout() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	root := filepath.Dir(filepath.Dir(self))
	if _, err := os.Stat(filepath.Join(root, buildScript)); err != nil {
		return "", fmt.Errorf("%s is not in the directory build of a checkout; publish a package with --deb", self)
	}
	return root, nil
}
