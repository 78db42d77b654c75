package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/machines"
)

// stdin is the name of standard input as an argument.
const stdin = "-"

// options are the values of the flags.
type options struct {
	boot, compute, storage string
	bmc, format            string
}

func newCommand() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "generate-sabakan-machines FILE",
		Short: "Convert a list of machines to the file for `sabactl machines create`",
		Long: `Convert a list of machines to the file for "sabactl machines create -f".

FILE is a CSV or JSON file, or - for standard input. The columns of CSV, whose
first line is skipped, and the fields of the objects in JSON are
` + strings.Join(machines.Columns(), ", ") + `.

All errors of the list are reported at once. If there are any, nothing is printed.`,
		Example:           "generate-sabakan-machines machines.csv -b r640-boot-2 -c r6525-cs-1 -s r7525-ss-1 >machines.json",
		Args:              oneFile,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE: func(cmd *cobra.Command, args []string) error {
			return run(args[0], o, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.boot, "boot-type", "b", "", "machine type of the boot servers")
	f.StringVarP(&o.compute, "cs-type", "c", "", "machine type of the compute servers")
	f.StringVarP(&o.storage, "ss-type", "s", "", "machine type of the storage servers")
	f.StringVar(&o.bmc, "bmc-type", machines.DefaultBMC, "type of the BMCs")
	f.StringVar(&o.format, "format", "", "csv or json; default: json if the name of FILE ends with .json, otherwise csv")
	return cmd
}

// oneFile is the check of the arguments.
func oneFile(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return fmt.Errorf("FILE is missing; usage: %s", cmd.UseLine())
	case len(args) > 1:
		return fmt.Errorf("%q is one argument too many; usage: %s", args[1], cmd.UseLine())
	}
	return nil
}

// run reads the list called name and writes its machines to out.
func run(name string, o options, in io.Reader, out io.Writer) error {
	if name == stdin {
		name = "standard input"
	} else {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	specs, err := machines.Read(in, machines.Options{
		Format: o.formatOf(name),
		Types:  map[string]string{machines.Boot: o.boot, machines.Compute: o.compute, machines.Storage: o.storage},
		BMC:    o.bmc,
	})
	var errs *machines.Errors
	if errors.As(err, &errs) {
		return fmt.Errorf("%s has errors:\n%w", name, errs)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var b bytes.Buffer
	if err := machines.Write(&b, specs); err != nil {
		return err
	}
	_, err = out.Write(b.Bytes())
	return err
}

// formatOf returns the format that --format or else the file name determines.
func (o options) formatOf(name string) machines.Format {
	switch {
	case o.format != "":
		return machines.Format(o.format)
	case strings.EqualFold(filepath.Ext(name), ".json"):
		return machines.JSON
	}
	return machines.CSV
}
