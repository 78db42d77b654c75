package menu

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

func text(into *string) func(*yaml.Node) error {
	return value(into, func(s string) (string, error) {
		if s == "" {
			return "", errors.New("is empty")
		}
		return s, nil
	})
}

// limits is the range of accepted numbers.
type limits struct{ least, most int }

// limits returns the range of accepted numbers of the kind n. It ends at the sizes of
// the largest machines and data centres. Numbers in the IPAM configuration have ranges
// of their own.
func (n numbers) limits() limits {
	return map[numbers]limits{
		servers: {0, 1024}, // of one kind in a rack
		spines:  {1, 64},
		cpus:    {1, 4096},
		nodes:   {1, 64}, // of NUMA
		disks:   {0, maxDisks},
	}[n]
}

// numbers identifies a kind of number in a menu, which has its own range.
type numbers int

const (
	servers numbers = iota
	spines
	cpus
	nodes
	disks
)

// maxDisks is the number of disks that one server may have.
const maxDisks = 64

// number returns the setter of a field that is an integer within its range.
func number(into *int, what numbers) func(*yaml.Node) error {
	l := what.limits()
	return value(into, func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err != nil || n < l.least || n > l.most {
			return 0, fmt.Errorf("bad number %q: want %d to %d", s, l.least, l.most)
		}
		return n, nil
	})
}

func asNumber(into *uint32) func(*yaml.Node) error {
	return value(into, func(s string) (uint32, error) {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil {
			return 0, fmt.Errorf("bad AS number %q", s)
		}
		return uint32(n), nil
	})
}

func flag(into *bool) func(*yaml.Node) error {
	return value(into, func(s string) (bool, error) {
		if s != "true" && s != "false" {
			return false, fmt.Errorf("want true or false, got %q", s)
		}
		return s == "true", nil
	})
}

// size returns the setter of a field that is a number of bytes with a unit, such as 10G.
func size(into *string) func(*yaml.Node) error {
	form := regexp.MustCompile(`^[1-9][0-9]{0,5}([KMGT]i?)?$|^[1-9][0-9]{0,14}$`)
	return value(into, func(s string) (string, error) {
		if !form.MatchString(s) {
			return "", fmt.Errorf("bad size %q: want a number of at most six digits with K, M, G or T", s)
		}
		return s, nil
	})
}

// list returns the setter of a field that is a sequence. The setter calls each for every
// element.
func list(each func(*yaml.Node) error) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if n.Kind != yaml.SequenceNode {
			return errors.New("want a list")
		}
		for _, e := range n.Content {
			if err := each(target(e)); err != nil {
				return err
			}
		}
		return nil
	}
}
