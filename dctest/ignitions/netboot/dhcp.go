package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"github.com/insomniacslk/dhcp/iana"
)

// client is who asks for an address.
type client int

const (
	firmware client = iota // UEFI of x86-64, for HTTP boot
	ipxe
	flatcar
)

// httpClient is the vendor class of UEFI's HTTP boot.
const httpClient = "HTTPClient"

// dhcpTimeout is how long one attempt may take, of three.
const dhcpTimeout = 3 * time.Second

// lease gets an address for a network port and assigns it, with the default route. It returns the
// boot file that the server names.
func lease(ctx context.Context, port string, as client) (bootFile string, err error) {
	c, err := nclient4.New(port, nclient4.WithTimeout(dhcpTimeout), nclient4.WithRetry(3))
	if err != nil {
		return "", fmt.Errorf("DHCP: %w", err)
	}
	defer c.Close()
	l, err := c.Request(ctx, as.options()...)
	if err != nil {
		return "", fmt.Errorf("DHCP: %w", err)
	}
	ack := l.ACK
	if as == firmware && ack.ClassIdentifier() != httpClient {
		return "", fmt.Errorf("DHCP: the answer has the vendor class %q, not %s", ack.ClassIdentifier(), httpClient)
	}
	if len(ack.Router()) == 0 || ack.SubnetMask() == nil {
		return "", errors.New("DHCP: the answer has no router or no netmask")
	}
	clearPort(ctx, port)
	address := net.IPNet{IP: ack.YourIPAddr, Mask: ack.SubnetMask()}
	if err := ip(ctx, "address", "add", address.String(), "dev", port); err != nil {
		return "", err
	}
	if err := ip(ctx, "route", "replace", "default", "via", ack.Router()[0].String(), "dev", port); err != nil {
		return "", err
	}
	if ack.BootFileName != "" {
		return ack.BootFileName, nil
	}
	return ack.BootFileNameOption(), nil
}

// options are those that the client sends in addition to the usual ones.
func (as client) options() []dhcpv4.Modifier {
	switch as {
	case firmware:
		return []dhcpv4.Modifier{
			dhcpv4.WithOption(dhcpv4.OptClientArch(iana.EFI_X86_64_HTTP)),
			dhcpv4.WithOption(dhcpv4.OptClassIdentifier(httpClient + ":Arch:00016:UNDI:003001")),
		}
	case ipxe:
		return []dhcpv4.Modifier{
			dhcpv4.WithOption(dhcpv4.OptClientArch(iana.EFI_X86_64_HTTP)),
			dhcpv4.WithUserClass("iPXE", false),
		}
	}
	return nil
}
