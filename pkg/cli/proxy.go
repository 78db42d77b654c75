package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/storage"
)

// proxyUsage is the help text of --proxy.
const proxyUsage = "`URL` of the proxy through which boot servers reach the internet; - reads it from standard input"

// readProxy returns the proxy URL for value, the value of --proxy, or "" if value is
// empty. If value is "-", it reads the URL from standard input, because a URL with a
// user name or password must not be an argument. It validates the URL like the
// configuration key proxy.
func readProxy(cmd *cobra.Command, value string) (string, error) {
	if value == "" {
		return "", nil
	}
	k, err := storage.FindConfigKey("proxy")
	if err != nil {
		return "", err
	}
	if value == "-" {
		value, err = readSecretValue(cmd, k)
	} else {
		err = hint(k.CheckArgument(value), "--proxy - reads it from standard input; consider the password that you typed as known")
	}
	if err != nil {
		return "", fmt.Errorf("--%w", err) // the error begins with the key, proxy
	}
	if value, err = k.Parse(value); err != nil {
		return "", fmt.Errorf("--%w", err)
	}
	return value, nil
}
