package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

// one returns the only argument. It fails unless there is exactly one.
func (c call) one() (string, error) {
	if len(c.args) != 1 {
		return "", fmt.Errorf("want one argument, got %d", len(c.args))
	}
	return c.args[0], nil
}

// file returns the contents of the file that the only argument names, or of standard
// input if that is "-".
func (c call) file() ([]byte, error) {
	name, err := c.one()
	if err != nil {
		return nil, err
	}
	return read(name)
}

func read(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(name)
}

// put stores a value for key, whether or not the key has one.
func (c call) put(key string, value []byte) error {
	for {
		p, err := c.store.Get(c.ctx, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err = c.store.Update(c.ctx, key, p.Rev, value); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

func setFile(key string) func(call) error {
	return func(c call) error {
		data, err := c.file()
		if err != nil {
			return err
		}
		return c.put(key, data)
	}
}

func setText(key string) func(call) error {
	return func(c call) error {
		text, err := c.one()
		if err != nil {
			return err
		}
		return c.put(key, []byte(text))
	}
}

func mark(key, value string) func(call) error {
	return func(c call) error { return c.put(key, []byte(value)) }
}

func show(key string) func(call) error {
	return func(c call) error {
		p, err := c.store.Get(c.ctx, key)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		_, err = fmt.Fprintln(c.out, strings.TrimSuffix(string(p.Value), "\n"))
		return err
	}
}

func list(prefix string) func(call) error {
	return func(c call) error {
		pairs, err := c.store.List(c.ctx, prefix)
		for _, p := range pairs {
			fmt.Fprintln(c.out, strings.TrimPrefix(p.Key, prefix))
		}
		return err
	}
}

// isEnabled returns a command that prints "false" if the value of key is "true", and
// "true" otherwise.
func isEnabled(key string) func(call) error {
	return func(c call) error {
		p, err := c.store.Get(c.ctx, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		_, err = fmt.Fprintln(c.out, string(p.Value) != "true")
		return err
	}
}

// setTemplate stores a cluster template, which must have a name and nodes.
func setTemplate(c call) error {
	if len(c.args) == 1 && c.args[0] == "-" {
		return errors.New("the template must be a file")
	}
	data, err := c.file()
	if err != nil {
		return err
	}
	var t struct {
		Name  string `json:"name"`
		Nodes []any  `json:"nodes"`
	}
	if err := yaml.Unmarshal(data, &t); err != nil {
		return fmt.Errorf("read the template: %w", err)
	}
	if t.Name == "" || len(t.Nodes) == 0 {
		return errors.New("the template has no name or no nodes")
	}
	return c.put("sabakan/template", data)
}

// setSSHKey stores a private SSH key for all hosts, or for the host H if --host=H is
// given.
func setSSHKey(c call) error {
	host := "*"
	if len(c.args) > 0 {
		if h, found := strings.CutPrefix(c.args[0], "--host="); found {
			host, c.args = h, c.args[1:]
		}
	}
	return setFile("vault/ssh-privkey/" + host)(c)
}

func setCA(c call) error {
	if len(c.args) != 2 {
		return errors.New("usage: ckecli ca set NAME FILE")
	}
	name := c.args[0]
	c.args = c.args[1:]
	return setFile("ca/" + name)(c)
}

func getCA(c call) error {
	name, err := c.one()
	if err != nil {
		return err
	}
	return show("ca/" + name)(c)
}
