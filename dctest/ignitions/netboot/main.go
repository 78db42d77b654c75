// Netboot is the first program of a node in the virtual data centre. It does what the firmware
// (UEFI HTTP boot), iPXE and the first boot of Flatcar do together: it asks for addresses by DHCP,
// loads the files of a boot from sabakan, applies the Ignition configuration of the node to the
// fresh file system, and then becomes systemd.
//
//	netboot SERIAL
//
// Like a real machine, it tries again until it has booted.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/cybozu-go/neco/dctest/ignitions/apply"
	"github.com/cybozu-go/neco/pkg/retry"
)

const (
	initProgram = "/sbin/init"
	// pause is the time between two attempts to boot.
	pause = 2 * time.Second
	// attemptTimeout is how long one attempt may take.
	attemptTimeout = 2 * time.Minute
)

func main() {
	if len(os.Args) != 2 || os.Args[1] == "" {
		fmt.Fprintln(os.Stderr, "usage: netboot SERIAL")
		os.Exit(2)
	}
	err := run(context.Background(), os.Args[1])
	fmt.Fprintln(os.Stderr, "netboot:", err)
	os.Exit(1)
}

// run boots the machine. It returns only if it cannot apply the configuration or start systemd.
func run(ctx context.Context, serial string) error {
	port := 0
	err := retry.Do(ctx, backoff.NewConstantBackOff(pause), func(err error) { fmt.Println("netboot:", err) }, func() error {
		name := fmt.Sprintf("eth%d", port%2) // the other port if a switch is down
		port++
		return attempt(ctx, name, serial)
	})
	if err != nil {
		return err
	}
	if err := addNode0(ctx); err != nil {
		return err
	}
	return syscall.Exec(initProgram, []string{initProgram}, os.Environ())
}

// attempt boots over a network port, and applies the configuration that it gets.
func attempt(ctx context.Context, port, serial string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, attemptTimeout, fmt.Errorf("no boot over %s within %s", port, attemptTimeout))
	defer cancel()
	if err := ip(ctx, "link", "set", "lo", "up"); err != nil {
		return err
	}
	if err := ip(ctx, "link", "set", port, "up"); err != nil {
		return err
	}
	defer clearPort(context.WithoutCancel(ctx), port)
	m := machine{serial: serial, lease: func(ctx context.Context, as client) (string, error) { return lease(ctx, port, as) }, say: say}
	data, err := m.boot(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", port, err)
	}
	config, err := apply.Parse(data)
	if err != nil {
		return err
	}
	say("applies the configuration")
	if err := apply.To(ctx, "/", config); err != nil {
		return backoff.Permanent(err) // half of it may be written
	}
	return nil
}

func say(format string, args ...any) { fmt.Printf("netboot: "+format+"\n", args...) }

// clearPort removes the addresses from DHCP: systemd-networkd gets its own.
func clearPort(ctx context.Context, port string) {
	if err := ip(ctx, "address", "flush", "dev", port); err != nil {
		say("%v", err)
	}
}

// addNode0 creates the interface node0, which networkd then finds: the kernel here may have no
// interfaces of the type dummy. One end of a cable inside of the node is up without a link, too.
func addNode0(ctx context.Context) error {
	if err := ip(ctx, "link", "add", "node0", "type", "veth", "peer", "name", "node0-end"); err != nil {
		return err
	}
	return ip(ctx, "link", "set", "node0-end", "up")
}

func ip(ctx context.Context, args ...string) error {
	if out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %v: %w: %s", args, err, out)
	}
	return nil
}
