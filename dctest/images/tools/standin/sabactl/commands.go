package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func machines(c *client) *cobra.Command {
	return group("machines", machinesGet(c),
		withFile("create", func(cmd *cobra.Command, file string) error {
			return c.sendFile(cmd.Context(), http.MethodPost, "machines", file)
		}),
		command("get-state SERIAL", 1, func(cmd *cobra.Command, args []string) error {
			return c.get(cmd.Context(), "state/"+args[0])
		}),
		command("set-state SERIAL STATE", 2, func(cmd *cobra.Command, args []string) error {
			return c.put(cmd.Context(), "state/"+args[0], args[1])
		}),
		command("set-label SERIAL NAME VALUE", 3, func(cmd *cobra.Command, args []string) error {
			data, err := json.Marshal(map[string]string{args[1]: args[2]})
			if err != nil {
				return err
			}
			return c.put(cmd.Context(), "labels/"+args[0], string(data))
		}),
		command("remove-label SERIAL NAME", 2, func(cmd *cobra.Command, args []string) error {
			return c.delete(cmd.Context(), "labels/"+args[0]+"/"+args[1])
		}),
		command("set-retire-date SERIAL YYYY-MM-DD", 2, func(cmd *cobra.Command, args []string) error {
			date, err := time.Parse(time.DateOnly, args[1])
			if err != nil {
				return usageError{err}
			}
			return c.put(cmd.Context(), "retire-date/"+args[0], date.Format(time.RFC3339))
		}),
		command("remove SERIAL", 1, func(cmd *cobra.Command, args []string) error {
			return c.delete(cmd.Context(), "machines/"+args[0])
		}))
}

func machinesGet(c *client) *cobra.Command {
	queries := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, key := range []string{"serial", "rack", "role", "labels", "ipv4", "ipv6", "bmc-type", "state"} {
		queries.String(key, "", "values, separated by commas")
		queries.String("without-"+key, "", "values to exclude, separated by commas")
	}
	get := command("get", 0, func(cmd *cobra.Command, _ []string) error {
		if format, _ := cmd.Flags().GetString("output"); format != "json" {
			return usageError{fmt.Errorf("unsupported output format %q", format)}
		}
		q := url.Values{}
		queries.VisitAll(func(f *pflag.Flag) {
			if f.Changed {
				q.Set(f.Name, f.Value.String())
			}
		})
		return c.get(cmd.Context(), "machines?"+q.Encode())
	})
	get.Flags().StringP("output", "o", "json", "output format, json")
	get.Flags().AddFlagSet(queries)
	return get
}

// withFile returns a command that has no arguments and requires the flag --file.
func withFile(use string, run func(cmd *cobra.Command, file string) error) *cobra.Command {
	var file string
	cmd := command(use, 0, func(cmd *cobra.Command, _ []string) error {
		if file == "" {
			return usageError{errors.New("--file is required")}
		}
		return run(cmd, file)
	})
	cmd.Flags().StringVarP(&file, "file", "f", "", "file in JSON")
	return cmd
}

// config returns the commands about the configuration called name: ipam or dhcp.
func config(c *client, name string) *cobra.Command {
	return group(name,
		command("get", 0, func(cmd *cobra.Command, _ []string) error { return c.get(cmd.Context(), "config/"+name) }),
		withFile("set", func(cmd *cobra.Command, file string) error {
			return c.sendFile(cmd.Context(), http.MethodPut, "config/"+name, file)
		}))
}

func kernelParams(c *client) *cobra.Command {
	const path = "kernel_params/coreos"
	return group("kernel-params",
		command("get", 0, func(cmd *cobra.Command, _ []string) error { return c.get(cmd.Context(), path) }),
		command("set PARAMS", 1, func(cmd *cobra.Command, args []string) error { return c.put(cmd.Context(), path, args[0]) }))
}

func crypts(c *client) *cobra.Command {
	var force bool
	del := command("delete SERIAL", 1, func(cmd *cobra.Command, args []string) error {
		if !force {
			return usageError{errors.New("--force is required")}
		}
		return c.delete(cmd.Context(), "crypts/"+args[0])
	})
	del.Flags().BoolVar(&force, "force", false, "delete the disk keys of the machine")
	return group("crypts", del)
}

func version(c *client) *cobra.Command {
	return command("version", 0, func(*cobra.Command, []string) error { return c.print([]byte("2.13.0")) })
}
