package necotest

import (
	"context"
	"strings"

	"github.com/cybozu-go/neco/dctest/inventory"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// CreateMachines registers machines in the sabakan of a server.
func (l *Lab) CreateMachines(ctx context.Context, server string, machines ...sabakan.Spec) error {
	const file = "/root/machines.json"
	text, err := inventory.JSON(machines...)
	if err != nil {
		return err
	}
	if err := l.Write(ctx, server, file, strings.NewReader(text), 0o600); err != nil {
		return err
	}
	_, err = l.Exec(ctx, server, "sabactl", "machines", "create", "-f", file)
	return err
}
