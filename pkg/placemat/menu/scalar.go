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

// number is an integer that is at least least.
func number(into *int, least int) func(*yaml.Node) error {
	return value(into, func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err != nil || n < least {
			return 0, fmt.Errorf("bad number %q: want %d or more", s, least)
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

// size is a number of bytes with a unit.
func size(into *string) func(*yaml.Node) error {
	form := regexp.MustCompile(`^[1-9][0-9]*([KMGT]i?)?$`)
	return value(into, func(s string) (string, error) {
		if !form.MatchString(s) {
			return "", fmt.Errorf("bad size %q: want a number with K, M, G or T", s)
		}
		return s, nil
	})
}

// list calls each for the elements of a sequence.
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
