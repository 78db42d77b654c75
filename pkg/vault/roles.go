package vault

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"strings"
	"text/template"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/pki"
)

var (
	//go:embed policies/admin.hcl
	adminPolicy string
	//go:embed policies/ca-admin.hcl
	caAdminPolicy string
	//go:embed policies/boot.hcl.tmpl
	bootTemplate string
)

// These constants are the names of the policies of operators.
const (
	PolicyAdmin   = "admin"
	PolicyCAAdmin = "ca-admin"
)

// OperatorPolicies returns the texts of the operators' policies by name.
func OperatorPolicies() map[string]string {
	return map[string]string{PolicyAdmin: adminPolicy, PolicyCAAdmin: caAdminPolicy}
}

// certificate describes a certificate that the policy of a boot server permits.
type certificate struct {
	Authority             pki.Authority
	Role, CommonName, DNS string
	IPs                   string
}

// BootPolicy returns the text of the policy of the boot server s. It permits the server
// to request the certificates of pkg/pki, for its own names only.
func BootPolicy(s pki.Subject) (string, error) {
	if err := s.Check(); err != nil { // the text contains its names
		return "", fmt.Errorf("policy: %w", err)
	}
	t, err := template.New("policy").Parse(bootTemplate)
	if err != nil {
		return "", fmt.Errorf("parse the template of policies: %w", err)
	}
	var rows []certificate
	for _, p := range pki.Profiles() {
		rows = append(rows, certificate{p.Authority, p.Role, p.CommonName(s), dns(p, s), ips(p, s)})
	}
	var b bytes.Buffer
	err = t.Execute(&b, map[string]any{"LRN": s.LRN, "Certificates": rows})
	return b.String(), err
}

func dns(p pki.Profile, s pki.Subject) string { return strings.Join(p.DNSNames(s), ",") }

func ips(p pki.Profile, s pki.Subject) string {
	var all []string
	for _, ip := range p.IPs(s) {
		all = append(all, ip.String())
	}
	return strings.Join(all, ",")
}

// These constants are roles of the CAs for operators and for joining boot servers.
const (
	RoleSystem = "system"
	RoleHuman  = "human"
	// RoleEnter signs only short-lived certificates that identify their holder to etcd
	// as the user root. A joining boot server requests one to create its own users in
	// etcd.
	RoleEnter = "enter"
)

// PutRoles creates or replaces all roles of all CAs: those for operators, RoleEnter,
// and one for each certificate profile of pkg/pki.
func PutRoles(ctx context.Context, c *api.Client) error {
	for _, a := range pki.Authorities() {
		err := PutRole(ctx, c, string(a), RoleSystem, map[string]any{
			"ttl": neco.TTL10Year, "max_ttl": neco.TTL10Year, "allow_any_name": true, "key_type": "any",
			"server_flag": a != pki.ClientCA, "client_flag": a != pki.ServerCA,
		})
		if err != nil {
			return err
		}
	}
	err := PutRole(ctx, c, neco.CAEtcdClient, RoleHuman, map[string]any{
		"ttl": "2h", "max_ttl": "24h", "allow_any_name": true, "key_type": "any", "server_flag": false, "client_flag": true,
	})
	if err != nil {
		return err
	}
	if err := PutRole(ctx, c, neco.CAEtcdClient, RoleEnter, enterRole()); err != nil {
		return err
	}
	for _, p := range pki.Profiles() {
		if err := PutRole(ctx, c, string(p.Authority), p.Role, profileRole(p)); err != nil {
			return err
		}
	}
	return nil
}

// profileRole returns the configuration of the role for the certificate profile p. Such
// a role takes only the key from a certificate request. The names are parameters, and
// the policy of each boot server permits only its own names.
func profileRole(p pki.Profile) map[string]any {
	return map[string]any{
		"ttl": p.Validity.String(), "max_ttl": p.Validity.String(), "not_before_duration": pki.BackDate.String(),
		"key_type": "ec", "key_bits": 256, "key_usage": []string{"DigitalSignature"},
		"server_flag": p.Server, "client_flag": p.Client,
		"allow_any_name": true, "enforce_hostnames": false, "allow_ip_sans": p.Server, "allow_localhost": true,
		"use_csr_common_name": false, "use_csr_sans": false, "require_cn": true,
	}
}

// Sign returns the certificate, in PEM, that Vault signs for request, a certificate
// request of the boot server s in PEM. p is the profile of the certificate. The caller
// must check the certificate.
func Sign(ctx context.Context, c *api.Client, p pki.Profile, s pki.Subject, request []byte) ([]byte, error) {
	params := map[string]any{"csr": string(request), "common_name": p.CommonName(s), "exclude_cn_from_sans": true}
	if names := dns(p, s); names != "" {
		params["alt_names"] = names
	}
	if addrs := ips(p, s); addrs != "" {
		params["ip_sans"] = addrs
	}
	res, err := c.Logical().WriteWithContext(ctx, string(p.Authority)+"/sign/"+p.Role, params)
	if err != nil {
		return nil, fmt.Errorf("have vault sign %s: %w", p.Name, err)
	}
	cert, err := field(res, "certificate")
	if err != nil {
		return nil, fmt.Errorf("have vault sign %s: %w", p.Name, err)
	}
	return []byte(cert + "\n"), nil
}
