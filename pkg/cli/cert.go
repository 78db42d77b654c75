package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/pki"
)

func newCertCmd(env *Env) *cobra.Command {
	cmd := group("cert", "List and reissue the certificates of this boot server")
	cmd.AddCommand(newCertListCmd(env), newCertReissueCmd(env))
	return cmd
}

// certJSON is the JSON of a certificate in neco cert list.
type certJSON struct {
	Purpose  string     `json:"purpose"`
	File     string     `json:"file"`
	NotAfter *time.Time `json:"not_after,omitempty"`
	DaysLeft *int       `json:"days_left,omitempty"`
	RenewAt  *time.Time `json:"renew_at,omitempty"`
	Due      bool       `json:"due"`
	Error    string     `json:"error,omitempty"`
}

func newCertListCmd(env *Env) *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the certificates of this boot server and their validity",
		Long: `List the certificates of this boot server: the profile of each, how many days
are left, and when neco-worker renews it. neco status also shows the
certificates, of any boot server, that expire within 30 days.`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			return listCerts(cmd, o, pki.List(env.FS, env.Now()))
		},
	}
	o.register(cmd)
	return cmd
}

func listCerts(cmd *cobra.Command, o output, leaves []pki.Leaf) error {
	list := []certJSON{}
	for _, l := range leaves {
		list = append(list, certOf(l))
	}
	if o.json() {
		return writeJSON(cmd.OutOrStdout(), list)
	}
	tw := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "PURPOSE\tDAYS LEFT\tENDS\tRENEWED\tFILE\tNOTE")
	for _, c := range list {
		days, ends, renewed := "-", "-", "-"
		if c.NotAfter != nil {
			days, ends, renewed = fmt.Sprint(*c.DaysLeft), c.NotAfter.Format(time.DateTime+"Z"), c.RenewAt.Format(time.DateTime+"Z")
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", c.Purpose, days, ends, renewed, c.File, c.note())
	}
	return tw.Flush()
}

func certOf(l pki.Leaf) certJSON {
	c := certJSON{Purpose: l.Profile.Name, File: l.Profile.Cert, Due: l.Due}
	if l.Err != nil {
		c.Error = printable.Line(l.Err.Error())
		if errors.Is(l.Err, fs.ErrPermission) {
			c.Error = "only root may read it"
		}
	}
	if !l.NotAfter.IsZero() {
		ends, renew, days := l.NotAfter.UTC(), l.DueAt.UTC(), daysLeft(l.Left)
		c.NotAfter, c.RenewAt, c.DaysLeft = &ends, &renew, &days
	}
	return c
}

// daysLeft returns left in whole days, rounded down. The result is negative after the
// expiry of a certificate.
func daysLeft(left time.Duration) int {
	const day = 24 * time.Hour
	days := int(left / day)
	if left < 0 && left%day != 0 {
		days--
	}
	return days
}

func (c certJSON) note() string {
	switch {
	case c.Error != "":
		return c.Error
	case c.DaysLeft != nil && *c.DaysLeft < 0:
		return "has expired"
	case c.Due:
		return "is to be renewed now"
	}
	return "-"
}
