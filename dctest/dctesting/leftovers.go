package dctesting

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"os/exec"
)

// Leftovers returns everything on this machine that belongs to the data centre called
// name: namespaces, containers, volumes, mounts, files and processes.
func Leftovers(ctx context.Context, name string) ([]string, error) {
	prefix := "pm-" + name + "-"
	var found []string
	for _, pattern := range []string{"/run/netns/" + prefix + "*", "/etc/netns/" + prefix + "*", "/run/placemat/" + name, "/run/placemat/" + name + ".lock"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		found = append(found, files...)
	}
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil {
		return nil, err
	}
	found = append(found, linesWith(string(mounts), prefix)...)
	running, err := processesWith(prefix, "/run/placemat/"+name+"/", "/outside-"+name+"/")
	if err != nil {
		return nil, err
	}
	inDocker, err := inDocker(ctx, prefix)
	return append(append(found, running...), inDocker...), err
}

func linesWith(text, part string) []string {
	var found []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

// processesWith returns the processes whose command line contains one of the parts.
func processesWith(parts ...string) ([]string, error) {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil, err
	}
	var found []string
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // the process has exited
		}
		line := strings.ReplaceAll(string(data), "\x00", " ")
		for _, part := range parts {
			if strings.Contains(line, part) {
				found = append(found, file+": "+line)
				break
			}
		}
	}
	return found, nil
}

// inDocker returns the containers and volumes whose names contain prefix.
func inDocker(ctx context.Context, prefix string) ([]string, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	host, err := output(exec.CommandContext(ctx, filepath.Join(root, "dctest/images/dockerd"), "host"), nil)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, args := range [][]string{
		{"ps", "--all", "--format", "{{.Names}}"},
		{"volume", "ls", "--format", "{{.Name}}"},
	} {
		out, err := output(exec.CommandContext(ctx, "docker", append([]string{"--host", strings.TrimSpace(host)}, args...)...), nil)
		if err != nil {
			return nil, err
		}
		found = append(found, linesWith(out, prefix)...)
	}
	return found, nil
}
