package host

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
	"unicode"

	"github.com/coreos/go-systemd/v22/dbus"

	"github.com/cybozu-go/neco/internal/sysdbus"
)

// describeTimeout is how long Describe waits for the state of a unit and its log. After
// that, the result lacks the parts that were not read.
const describeTimeout = 5 * time.Second

// Describe returns the state of the service called name, with the last line that it has
// logged since its newest start: "serf.service: activating (auto-restart), exit status
// 125; docker: Error response from daemon: …". It omits parts that cannot be read.
func (u Units) Describe(ctx context.Context, name string) string {
	ctx, cancel := context.WithTimeout(ctx, describeTimeout)
	defer cancel()
	unit := name + ".service"
	text, invocation := unit, ""
	err := sysdbus.With(ctx, "query", unit, func(conn *dbus.Conn) error {
		props, err := conn.GetAllPropertiesContext(ctx, unit)
		if err != nil {
			return err
		}
		text = fmt.Sprintf("%s: %v (%v)", unit, props["ActiveState"], props["SubState"])
		if status, ok := props["ExecMainStatus"].(int32); ok && status != 0 {
			text += fmt.Sprintf(", exit status %d", status)
		}
		if id, ok := props["InvocationID"].([]byte); ok {
			invocation = fmt.Sprintf("%x", id)
		}
		return nil
	})
	if err != nil {
		return fmt.Sprintf("%s: %v", unit, err)
	}
	if line := lastLine(ctx, unit, invocation); line != "" {
		text += "; " + line
	}
	return text
}

// lastLine returns the newest line in the journal of unit, from the start with the ID
// invocation if that is not empty. It returns "" if the journal cannot be read.
func lastLine(ctx context.Context, unit, invocation string) string {
	args := []string{"--unit", unit, "--lines", "1", "--output", "cat", "--no-pager", "--quiet"}
	if invocation != "" {
		args = append(args, "_SYSTEMD_INVOCATION_ID="+invocation)
	}
	out, err := exec.CommandContext(ctx, "journalctl", args...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, string(out)))
}
