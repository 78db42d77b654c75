package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The expressions that workflows use in the environment of commands.
const (
	suiteExpr = "${{ matrix.suite }}"
	refExpr   = "${{ github.ref_name }}"
)

// isSecret reports whether a value is a token or another secret.
func isSecret(value string) bool {
	return strings.Contains(value, "github.token") || strings.Contains(value, "secrets.")
}

// command is a command of a workflow.
type command struct {
	// job is the path of the job: the jobs that call workflows, then the job with the
	// command.
	job  string
	line string
	env  map[string]string
	// token: the command has a token of GitHub or another secret, so that it needs the
	// internet.
	token   bool
	timeout time.Duration
}

// String returns the command as it would be typed in a shell.
func (c command) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c.env)) {
		fmt.Fprintf(&b, "%s=%s ", name, c.env[name])
	}
	return b.String() + c.line
}

// commands returns the commands of a workflow and of those that it calls, in the order of
// the files. ref is the name of the branch or tag on which the workflow would run.
func commands(root, name, ref string) ([]command, error) {
	return expand(root, name, ref, "")
}

// expand does the same with suites as the workflow's input, which is "" for the default.
func expand(root, name, ref, suites string) ([]command, error) {
	w, err := load(root, name)
	if err != nil {
		return nil, err
	}
	if suites == "" {
		if suites, err = w.suites(); err != nil {
			return nil, fmt.Errorf("workflow %s: %w", name, err)
		}
	}
	var all []command
	for _, j := range w.Jobs {
		more, err := j.expand(root, ref, suites)
		if err != nil {
			return nil, fmt.Errorf("workflow %s: job %s: %w", name, j.name, err)
		}
		all = append(all, more...)
	}
	return all, nil
}

func (j job) expand(root, ref, suites string) ([]command, error) {
	if j.Uses != "" {
		all, err := expand(root, j.called(), ref, j.With["suites"])
		for i := range all {
			all[i].job = j.name + "/" + all[i].job
		}
		return all, err
	}
	if len(j.Strategy.Matrix) == 0 {
		return j.commands(ref, ""), nil
	}
	each, err := names(suites)
	var all []command
	for _, s := range each {
		all = append(all, j.commands(ref, s)...)
	}
	return all, err
}

// commands returns the commands of the job's steps, of the given suite.
func (j job) commands(ref, suite string) []command {
	var all []command
	for _, s := range j.Steps {
		if s.Run == "" {
			continue
		}
		c := command{job: j.name, line: s.Run, env: map[string]string{}, timeout: time.Duration(j.Timeout) * time.Minute}
		for _, env := range []map[string]string{j.Env, s.Env} {
			for name, value := range env {
				c.token = c.token || isSecret(value)
				c.env[name] = strings.NewReplacer(suiteExpr, suite, refExpr, ref).Replace(value)
			}
		}
		all = append(all, c)
	}
	return all
}
