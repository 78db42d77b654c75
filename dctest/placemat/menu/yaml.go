package menu

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/cybozu-go/neco/internal/ipv4"
)

// positioned is an error with the line of the menu in which it is.
type positioned struct {
	line int
	msg  string
}

func (p *positioned) Error() string { return fmt.Sprintf("line %d: %s", p.line, p.msg) }

func at(n *yaml.Node, format string, args ...any) error {
	return &positioned{n.Line, fmt.Sprintf(format, args...)}
}

// placed prepends the name of the menu and, if known, the line to err, which parse has
// returned.
func placed(name string, err error) error {
	var p *positioned
	if errors.As(err, &p) {
		return fmt.Errorf("%s:%d: %s", name, p.line, p.msg)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// field defines a field of a mapping. Its function set is called with the field's value.
type field struct {
	required bool
	set      func(*yaml.Node) error
}

// fields are the fields that a mapping may have, by their names.
type fields map[string]field

// decode calls the setter of each field in the mapping n. what names the mapping in
// errors.
func (f fields) decode(what string, n *yaml.Node) error {
	n = target(n)
	if n.Kind != yaml.MappingNode {
		return at(n, "%s: want fields with values", what)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], target(n.Content[i+1])
		known, ok := f[key.Value]
		if !ok {
			return at(key, "%s: unknown field %q; known: %s", what, key.Value, f.names())
		}
		if seen[key.Value] {
			return at(key, "%s: field %s is given twice", what, key.Value)
		}
		seen[key.Value] = true
		if err := known.set(value); err != nil {
			return inField(value, key.Value, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if f[name].required && !seen[name] {
			return at(n, "%s: field %s is missing", what, name)
		}
	}
	return nil
}

// inField adds the line and the name of a field to err, unless err has a line already.
func inField(n *yaml.Node, name string, err error) error {
	var p *positioned
	if errors.As(err, &p) {
		return err
	}
	return at(n, "%s: %v", name, err)
}

func (f fields) names() string { return strings.Join(slices.Sorted(maps.Keys(f)), ", ") }

// target returns the YAML node to which n refers if n is an alias, and n itself
// otherwise.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// value returns the setter of a field that is a scalar. read parses the scalar's text.
func value[T any](into *T, read func(string) (T, error)) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
			return errors.New("want one value")
		}
		v, err := read(n.Value)
		if err != nil {
			return err
		}
		*into = v
		return nil
	}
}

// must returns a required field with the given setter.
func must(set func(*yaml.Node) error) field { return field{required: true, set: set} }

// may returns an optional field with the given setter.
func may(set func(*yaml.Node) error) field { return field{set: set} }

func cidr(into *netip.Prefix) func(*yaml.Node) error { return value(into, readCIDR) }

func readCIDR(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || !p.Addr().Is4() {
		return p, fmt.Errorf("bad IPv4 CIDR %q", s)
	}
	if p != p.Masked() {
		return p, fmt.Errorf("bad CIDR %q: it has host bits, the network is %s", s, p.Masked())
	}
	if err := ipv4.CheckNetwork(p); err != nil {
		return p, fmt.Errorf("%s: %w", p, err)
	}
	return p, nil
}

func address(into *netip.Addr) func(*yaml.Node) error { return value(into, readAddress) }

func readAddress(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is4() {
		return a, fmt.Errorf("bad IPv4 address %q", s)
	}
	if err := ipv4.CheckHost(a); err != nil {
		return a, fmt.Errorf("%s: %w", a, err)
	}
	return a, nil
}
