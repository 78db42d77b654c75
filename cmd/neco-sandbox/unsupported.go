package main

import (
	"fmt"
	"slices"
	"strings"
)

// unsupported returns the neco commands that do not work in a sandbox, with the reasons. The
// table in docs/neco.md is the same.
func unsupported() []struct{ command, reason string } {
	const vault = "there is no Vault"
	const keys = "boot servers have no certificate of etcd and no key of their own"
	return []struct{ command, reason string }{
		{"backup run", keys},
		{"backup verify", keys},
		{"cert reissue", keys},
		{"init-local", vault},
		{"join", vault},
		{"join-token", vault},
		{"setup", vault},
		{"vault", vault},
	}
}

// supported returns an error if the neco command in args does not work in a sandbox. Its help
// does.
func supported(args []string) error {
	if slices.Contains(args, "--help") || slices.Contains(args, "-h") {
		return nil
	}
	words := slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return strings.HasPrefix(arg, "-") })
	line := strings.Join(words, " ") + " "
	for _, u := range unsupported() {
		if strings.HasPrefix(line, u.command+" ") {
			return hinted{
				fmt.Errorf("neco %s does not work in the sandbox: %s", u.command, u.reason),
				"try it in the virtual data centre; see docs/dctest.md",
			}
		}
	}
	return nil
}
