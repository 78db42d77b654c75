package sandbox

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/steps"
)

// addCommands installs the commands sabactl and ckecli in /usr/local/bin of a boot server,
// which is the first directory in the PATH of its programs. They use the sabakan of the
// sandbox and the data of CKE.
func addCommands(srv *Server) error {
	sabactl, err := standIn("sabactl")
	if err != nil {
		return err
	}
	ckecli := filepath.Join(srv.Root, "var/lib/neco/cke/current/ckecli") // where the link in /usr/bin leads
	config := filepath.Join(srv.Root, neco.CKEConfFile)
	for name, line := range map[string]string{
		"sabactl": shellWord(sabactl) + ` --server="$` + steps.SabakanURL + `"`,
		"ckecli":  shellWord(ckecli) + " --config=" + shellWord(config),
	} {
		script := fmt.Sprintf("#!/bin/sh\n# The sandbox's: this server is a directory.\nexec %s \"$@\"\n", line)
		if err := write(filepath.Join(srv.Root, "usr/local/bin", name), []byte(script), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// shellWord quotes text as a single word of a shell command.
func shellWord(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
