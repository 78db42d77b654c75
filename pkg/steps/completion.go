package steps

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/errtext"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/worker"
)

// completionOf is the file with the name of the image whose sabactl has printed the
// completion script.
const completionOf = "/var/lib/neco/completions/sabactl"

// completionTimeout is how long sabactl may take to print its completion script, and
// completionDelay how long a killed one may keep its output open.
const (
	completionTimeout = 10 * time.Second
	completionDelay   = time.Second
)

// completeSabactl is an action: it writes the bash completion of sabactl if sabactl was
// installed from another image since. Nothing depends on that script, so an error is only
// a note, and the next update tries again.
func completeSabactl(ctx context.Context, h *Host, c component.Component, _ worker.Target) (string, error) {
	if err := h.completeSabactl(ctx, c); err != nil {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		return "no bash completion of sabactl: " + err.Error(), nil
	}
	return "", nil
}

func (h *Host) completeSabactl(ctx context.Context, c component.Component) error {
	image, err := component.ToolsImage(h.FS, c.Name())
	if err != nil {
		return err
	}
	here, err := h.FS.Exists(neco.SabactlBashCompletionFile)
	if err != nil {
		return err
	}
	if of, err := h.FS.Read(completionOf); err == nil && here && string(of) == image {
		return nil
	}
	script, err := printCompletion(ctx, h.FS.Path(neco.SabactlBin))
	if err != nil {
		return err
	}
	if _, err := h.FS.Write(host.File{Path: neco.SabactlBashCompletionFile, Data: script, Mode: 0o644}); err != nil {
		return err
	}
	_, err = h.FS.Write(host.File{Path: completionOf, Data: []byte(image), Mode: 0o644})
	return err
}

// printCompletion returns the output of the given program called with "completion".
func printCompletion(ctx context.Context, program string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, completionTimeout, fmt.Errorf("it does not end within %s", completionTimeout))
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "completion")
	cmd.WaitDelay = completionDelay
	script, err := cmd.Output()
	failed := (*exec.ExitError)(nil)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.As(err, &failed):
		return nil, fmt.Errorf("%w: %s", err, errtext.LastLines(string(failed.Stderr)))
	case err == nil && len(script) == 0:
		return nil, errors.New("it prints nothing")
	}
	return script, err
}
