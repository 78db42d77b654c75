package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

// images returns the container images with which CKE 1.22.5 installs Kubernetes.
func images() []string {
	return []string{
		"quay.io/cybozu/etcd:3.5.4.1",
		"quay.io/cybozu/cke-tools:1.22.0",
		"quay.io/cybozu/kubernetes:1.22.5.1",
		"quay.io/cybozu/pause:3.6.0.1",
		"quay.io/cybozu/coredns:1.8.6.1",
		"quay.io/cybozu/unbound:1.14.0.1",
		"quay.io/cybozu/unbound_exporter:0.4.1.2",
	}
}

// call is an invocation of a command.
type call struct {
	ctx   context.Context
	store store.Store
	// args are the arguments after the words of the command, with its options.
	args []string
	out  io.Writer
}

type command struct {
	words string
	run   func(call) error
}

// table returns all commands except "images".
func table() []command {
	return []command{
		{"sabakan set-template", setTemplate},
		{"sabakan get-template", show("sabakan/template")},
		{"sabakan set-url", setText("sabakan/url")},
		{"sabakan get-url", show("sabakan/url")},
		{"sabakan set-variables", setFile("sabakan/variables")},
		{"sabakan get-variables", show("sabakan/variables")},
		{"sabakan enable", mark("sabakan/disabled", "false")},
		{"sabakan disable", mark("sabakan/disabled", "true")},
		{"sabakan is-enabled", isEnabled("sabakan/disabled")},
		{"resource set", setResources},
		{"resource list", list("resource/")},
		{"resource delete", deleteResources},
		{"vault init", mark("vault/initialised", "true")},
		{"vault config", setFile("vault/config")},
		{"vault ssh-privkey", setSSHKey},
		{"ca set", setCA},
		{"ca get", getCA},
		{"reboot-queue add", addReboots},
		{"reboot-queue list", listReboots},
		{"reboot-queue enable", mark("reboots/disabled", "false")},
		{"reboot-queue disable", mark("reboots/disabled", "true")},
		{"reboot-queue is-enabled", isEnabled("reboots/disabled")},
		{"reboot-queue cancel", cancelReboot},
		{"reboot-queue cancel-all", cancelReboots},
		{"cluster get", show("sabakan/template")},
		{"etcd local-backup", localBackup},
	}
}

func find(args []string) (command, []string, error) {
	if len(args) >= 2 {
		words := args[0] + " " + args[1]
		if i := slices.IndexFunc(table(), func(c command) bool { return c.words == words }); i >= 0 {
			return table()[i], args[2:], nil
		}
	}
	known := []string{"images"}
	for _, c := range table() {
		known = append(known, c.words)
	}
	return command{}, nil, fmt.Errorf("unknown command %q; known: %s", strings.Join(args, " "), strings.Join(known, ", "))
}
