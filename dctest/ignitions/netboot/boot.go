package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxScript is the maximum size of a script of iPXE and of a configuration, in bytes.
const maxScript = 8 << 20

// machine is a machine that boots from the network.
type machine struct {
	serial string
	// lease asks for an address by DHCP, and returns the boot file that the server names.
	lease func(ctx context.Context, as client) (bootFile string, err error)
	say   func(format string, args ...any)
}

// boot does what the firmware, iPXE and Flatcar's first boot do, in their order. It returns the
// Ignition configuration of the machine.
func (m machine) boot(ctx context.Context) ([]byte, error) {
	program, err := m.lease(ctx, firmware)
	if err != nil {
		return nil, err
	}
	m.say("the firmware loads %s", program)
	if _, err := request(ctx, http.MethodHead, program); err != nil {
		return nil, err
	}
	if err := load(ctx, program); err != nil {
		return nil, err
	}
	first, err := m.lease(ctx, ipxe)
	if err != nil {
		return nil, err
	}
	s, err := m.script(ctx, first)
	if err != nil {
		return nil, err
	}
	for _, url := range []string{s.kernel, s.initrd} {
		m.say("iPXE loads %s", url)
		if err := load(ctx, url); err != nil {
			return nil, err
		}
	}
	if _, err := m.lease(ctx, flatcar); err != nil {
		return nil, err
	}
	m.say("Ignition loads %s", s.ignition)
	return request(ctx, http.MethodGet, s.ignition)
}

// script is what iPXE is told to boot.
type script struct{ kernel, initrd, ignition string }

// maxChain is how many scripts may follow each other.
const maxChain = 5

// script loads the iPXE script at url. While a script chains to another one, it loads that, up to
// maxChain scripts. It returns the kernel, initrd and configuration of the last one.
func (m machine) script(ctx context.Context, url string) (script, error) {
	for range maxChain {
		text, err := request(ctx, http.MethodGet, url)
		if err != nil {
			return script{}, err
		}
		s, next, err := parseScript(string(text), m.serial)
		if err != nil || next == "" {
			if err != nil {
				err = fmt.Errorf("%s: %w", url, err)
			}
			return s, err
		}
		url = next
	}
	return script{}, fmt.Errorf("more than %d scripts follow each other", maxChain)
}

// parseScript returns what a script boots, or the URL of the script that it continues with.
func parseScript(text, serial string) (s script, chain string, err error) {
	lines := strings.Split(strings.ReplaceAll(text, "${serial}", serial), "\n")
	if lines[0] != "#!ipxe" {
		return s, "", errors.New("no script of iPXE")
	}
	for _, line := range lines[1:] {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case len(words) == 2 && words[0] == "chain":
			return s, words[1], nil
		case len(words) > 1 && words[0] == "kernel":
			s.kernel = words[1]
			s.ignition, err = kernelArguments(words[2:])
		case len(words) == 2 && words[0] == "initrd":
			s.initrd = words[1]
		case len(words) == 1 && words[0] == "boot" && s.kernel != "" && s.initrd != "":
			return s, "", err
		default:
			return s, "", fmt.Errorf("iPXE would fail at %q", line)
		}
	}
	return s, "", errors.New("the script boots nothing")
}

// kernelArguments returns the URL of the Ignition configuration.
func kernelArguments(args []string) (ignition string, err error) {
	first := false
	for _, a := range args {
		switch name, value, _ := strings.Cut(a, "="); name {
		case "coreos.first_boot", "flatcar.first_boot":
			first = value == "1"
		case "coreos.config.url", "ignition.config.url":
			ignition = value
		}
	}
	if !first || ignition == "" {
		return "", fmt.Errorf("the arguments of the kernel have no first_boot=1 or no URL of a configuration: %q", args)
	}
	return ignition, nil
}

// request returns the body of a successful response.
func request(ctx context.Context, method, url string) ([]byte, error) {
	body, err := open(ctx, method, url)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, maxScript+1))
	if err == nil && len(data) > maxScript {
		err = fmt.Errorf("%s has more than %d bytes", url, maxScript)
	}
	return data, err
}

// load reads a file and drops it. It fails if the file is empty.
func load(ctx context.Context, url string) error {
	body, err := open(ctx, http.MethodGet, url)
	if err != nil {
		return err
	}
	defer body.Close()
	n, err := io.Copy(io.Discard, body)
	if err == nil && n == 0 {
		err = fmt.Errorf("%s is empty", url)
	}
	return err
}

func open(ctx context.Context, method, url string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		return nil, fmt.Errorf("%s %s: %s", method, url, res.Status)
	}
	return res.Body, nil
}
