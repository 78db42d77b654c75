package bmc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// TPM is what a BMC says of the TPM of its machine.
type TPM struct {
	// Modules are the trusted modules, as the BMC describes them.
	Modules []any `json:"trusted_modules"`
	// Attributes are those of the BIOS that begin with Tpm; none if the BMC has no BIOS.
	Attributes map[string]any `json:"attributes"`
}

// The attribute of a Dell BIOS that clears a TPM 2.0 at the next boot.
const (
	hierarchy = "Tpm2Hierarchy"
	clearTPM  = "Clear"
)

// jobs is where a Dell iDRAC takes the order to apply settings of the BIOS at the next boot.
const jobs = "/redfish/v1/Managers/iDRAC.Embedded.1/Jobs"

// pending is the message of a Dell iDRAC that has such an order already.
const pending = "SYS011"

// bios is what a BMC says of the BIOS.
type bios struct {
	Attributes map[string]any `json:"Attributes"`
	Settings   struct {
		Object link `json:"SettingsObject"`
	} `json:"@Redfish.Settings"`
}

// TPM returns the TPM of the machine.
func (c *Client) TPM(ctx context.Context) (TPM, error) {
	s, err := c.read(ctx)
	if err != nil {
		return TPM{}, c.named(err)
	}
	b, err := c.bios(ctx, s)
	if err != nil && !errors.Is(err, ErrUnsupported) {
		return TPM{}, c.named(err)
	}
	t := TPM{Modules: s.TrustedModules, Attributes: maps.Clone(b.Attributes)}
	maps.DeleteFunc(t.Attributes, func(name string, _ any) bool { return !strings.HasPrefix(name, "Tpm") })
	return t, nil
}

// bios returns the BIOS of the computer system s. The error wraps ErrUnsupported if the BMC has
// none.
func (c *Client) bios(ctx context.Context, s system) (bios, error) {
	if s.Bios.ID == "" {
		return bios{}, fmt.Errorf("settings of the BIOS: %w", ErrUnsupported)
	}
	var b bios
	err := c.get(ctx, s.Bios.ID, &b)
	return b, err
}

// ClearTPM orders the BIOS to clear the TPM at the next boot, and boots the machine: it switches
// the machine on or restarts it. It does not wait for the boot. A call after one that was
// interrupted before the boot orders nothing twice. The error wraps ErrMachine if the BMC is that of
// another machine, and ErrUnsupported if the machine is none of Dell with a TPM 2.0.
func (c *Client) ClearTPM(ctx context.Context) error {
	s, err := c.read(ctx)
	if err == nil {
		err = c.own(s)
	}
	if err != nil {
		return c.named(err)
	}
	b, err := c.bios(ctx, s)
	if err != nil {
		return c.named(err)
	}
	if _, ok := b.Attributes[hierarchy]; !ok {
		return c.named(fmt.Errorf("attribute %s of the BIOS: %w", hierarchy, ErrUnsupported))
	}
	if b.Settings.Object.ID == "" {
		return c.named(fmt.Errorf("changes of settings of the BIOS: %w", ErrUnsupported))
	}
	if err := c.order(ctx, b.Settings.Object.ID); err != nil {
		return c.named(fmt.Errorf("clear the TPM: %w", err))
	}
	if s.PowerState == On {
		return c.Reset(ctx, ForceRestart)
	}
	return c.Reset(ctx, PowerOn)
}

// order writes the setting and orders that the next boot applies it. If that was ordered before,
// the BMC says so, and that is good if the setting is among those that wait.
func (c *Client) order(ctx context.Context, settings string) error {
	setting := map[string]any{"Attributes": map[string]string{hierarchy: clearTPM}}
	if _, err := c.do(ctx, http.MethodPatch, settings, setting, nil); isPending(err) {
		var waiting bios
		if err := c.get(ctx, settings, &waiting); err != nil {
			return err
		}
		if waiting.Attributes[hierarchy] != clearTPM {
			return fmt.Errorf("other settings of the BIOS wait for the next boot: restart the machine first: %w", err)
		}
	} else if err != nil {
		return err
	}
	_, err := c.do(ctx, http.MethodPost, jobs, map[string]string{"TargetSettingsURI": settings}, nil)
	if isPending(err) {
		return nil
	}
	return err
}

// isPending reports whether err says that the order exists already.
func isPending(err error) bool {
	f := (*failure)(nil)
	return errors.As(err, &f) && f.has(pending)
}
