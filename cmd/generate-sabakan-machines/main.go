// Command generate-sabakan-machines converts a list of machines to the file with which
// `sabactl machines create` registers them.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := newCommand().Execute(); err != nil {
		fmt.Fprintf(os.Stderr, "generate-sabakan-machines: %v\n", err)
		os.Exit(1)
	}
}
