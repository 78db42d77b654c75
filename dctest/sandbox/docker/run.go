package docker

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// invocation holds the arguments of "docker run".
type invocation struct {
	name    string
	image   string
	args    []string
	volumes []string // SOURCE:DEST[:ro]
}

// valued returns those options of "docker run" that have a value.
func valued() []string {
	return []string{"--name", "--network", "--log-driver", "--pull", "--uts", "--user", "-u", "--mount", "-v", "--volume",
		"--entrypoint", "--ulimit", "--cap-add", "--cap-drop", "--env", "-e", "--workdir", "-w", "--oom-score-adj"}
}

// parseRun parses the arguments of "docker run". The value of an option is the next
// argument, or follows "=".
func parseRun(args []string) (invocation, error) {
	var c invocation
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		option, value, given := strings.Cut(args[0], "=")
		args = args[1:]
		if !given && slices.Contains(valued(), option) {
			if len(args) == 0 {
				return c, errUsage
			}
			value, args = args[0], args[1:]
		}
		switch option {
		case "--name":
			c.name = value
		case "-v", "--volume":
			c.volumes = append(c.volumes, value)
		case "--pull":
			if value != "never" {
				return c, fmt.Errorf("%w: --pull=%s", errUsage, value)
			}
		}
	}
	if len(args) == 0 {
		return c, errUsage
	}
	c.image, c.args = args[0], args[1:]
	return c, nil
}

// run implements "docker run" for a container in the foreground. It blocks until ctx is
// done and then returns nil, because a stopped container has not failed.
func (c command) run(ctx context.Context, args []string) error {
	i, err := parseRun(args)
	if err != nil {
		return err
	}
	if _, err := c.store.image(i.image); err != nil {
		return err
	}
	if len(i.args) > 0 && path.Base(i.args[0]) == "install-tools" {
		return i.installTools()
	}
	if i.name == "" {
		return errUsage
	}
	release, err := c.store.hold(i.name, i.image)
	if err != nil {
		return err
	}
	defer release()
	fmt.Fprintf(c.stdout, "%s runs %s %s\n", i.name, i.image, strings.Join(i.args, " "))
	<-ctx.Done()
	// Remove the file, as with --rm, while it is still locked.
	return os.Remove(c.store.containerFile(i.name))
}

// tool is the script that is installed as the command of an image.
const tool = `#!/bin/sh
# From the image %s.
exit 0
`

// installTools imitates the install-tools program of an image: it writes a script as the
// image's command to the directory that is mounted into the container.
func (c invocation) installTools() error {
	name := path.Base(path.Dir(c.args[0]))
	for _, v := range c.volumes {
		dir, dest, _ := strings.Cut(v, ":")
		if !strings.HasPrefix(dest, "/host") {
			continue
		}
		tmp := filepath.Join(dir, "."+name+".tmp")
		if err := os.WriteFile(tmp, fmt.Appendf(nil, tool, c.image), 0o755); err != nil {
			return err
		}
		return os.Rename(tmp, filepath.Join(dir, name))
	}
	return fmt.Errorf("install-tools: nothing is mounted at /host")
}
