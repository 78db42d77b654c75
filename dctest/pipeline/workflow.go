package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// dir is the directory of the workflows in the repository. A workflow refers to another one
// by its path there, from "./".
const dir = ".github/workflows"

// workflow is a file of GitHub Actions, as far as its commands depend on it.
type workflow struct {
	Name        string
	On          yaml.Node
	Permissions map[string]string
	Concurrency map[string]string
	Jobs        jobs
}

// jobs are the jobs of a workflow in the order of the file.
type jobs []job

type job struct {
	name        string
	Needs       list
	Uses        string
	With        map[string]string
	Permissions map[string]string
	Timeout     int `yaml:"timeout-minutes"`
	Strategy    struct{ Matrix map[string]string }
	Env         map[string]string
	Steps       []step
}

type step struct {
	Uses, Run string
	With      map[string]any
	Env       map[string]string
}

// list is a list of names in YAML, or one name.
type list []string

// UnmarshalYAML implements yaml.Unmarshaler.
func (l *list) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*l = list{n.Value}
		return nil
	}
	return n.Decode((*[]string)(l))
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (js *jobs) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: jobs are not a mapping", n.Line)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		j := job{name: n.Content[i].Value}
		if err := n.Content[i+1].Decode(&j); err != nil {
			return err
		}
		*js = append(*js, j)
	}
	return nil
}

// load reads the workflow called name of the repository in root.
func load(root, name string) (workflow, error) {
	file := filepath.Join(root, dir, name+".yml")
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return workflow{}, fmt.Errorf("there is no workflow %q; ls %s shows them", name, dir)
	}
	if err != nil {
		return workflow{}, err
	}
	var w workflow
	if err := yaml.Unmarshal(data, &w); err != nil {
		return w, fmt.Errorf("%s: %w", file, err)
	}
	return w, nil
}

// called returns the name of the workflow that a job calls, or "" if it has steps.
func (j job) called() string {
	return strings.TrimSuffix(path.Base(strings.TrimPrefix(j.Uses, "./")), ".yml")
}

// suites returns the default of the input suites.
func (w workflow) suites() (string, error) {
	var on struct {
		Call struct {
			Inputs map[string]struct{ Default string }
		} `yaml:"workflow_call"`
	}
	if w.On.Kind != yaml.MappingNode {
		return "", nil
	}
	err := w.On.Decode(&on)
	return on.Call.Inputs["suites"].Default, err
}

// names parses a JSON array of names.
func names(array string) ([]string, error) {
	var all []string
	if err := json.Unmarshal([]byte(array), &all); err != nil {
		return nil, fmt.Errorf("%q is not a JSON array of names: %w", array, err)
	}
	return all, nil
}
