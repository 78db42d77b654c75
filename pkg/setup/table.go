package setup

import (
	"context"
	"time"
)

// stage is a row of the table.  Who leads does led first, and when that is
// done, every server, the leader too, does each.  Nobody begins a stage before
// all have done the one before it.  Both may be nil, and both are idempotent.
type stage struct {
	name string
	// says what happens, for the operator.
	says     string
	deadline time.Duration
	led      func(ctx context.Context, r *run) error
	each     func(ctx context.Context, r *run) error
}

// checks is how many stages at the beginning change nothing; their errors are
// their findings.
const checks = 2

// Stages are the names of the stages, in order.
func Stages() []string {
	var names []string
	for _, s := range table() {
		names = append(names, s.name)
	}
	return names
}

// table is the bootstrap.
func table() []stage {
	return []stage{
		{"preflight", "look whether this server is ready", time.Minute, nil, preflight},
		{"meet", "compare the servers", 5 * time.Minute, nil, meetOthers},
		{"images", "fetch the images of etcd and Vault", 20 * time.Minute, nil, pullImages},
		{"authorities", "make the certificate authorities", time.Minute, makeAuthorities, nil},
		{"certificates", "have certificates for the bootstrap signed", 2 * time.Minute, nil, bootstrapCertificates},
		{"etcd", "start etcd", 3 * time.Minute, nil, startEtcd},
		{"users", "make users, turn authentication on", time.Minute, makeUsers, nil},
		{"vault", "start Vault", 3 * time.Minute, nil, startVault},
		{"unseal", "initialise and unseal Vault", 3 * time.Minute, initVault, unsealVault},
		{"pki", "configure Vault", 2 * time.Minute, configureVault, nil},
		{"reissue", "have the final certificates signed", 3 * time.Minute, nil, reissue},
		{"forget", "take the authorities off the disk", time.Minute, forgetAuthorities, nil},
		{"register", "register the servers, order the first update", time.Minute, register, nil},
		{"revoke", "revoke the root token", time.Minute, revokeRoot, nil},
		{"daemons", "start Neco's daemons and the backups", 2 * time.Minute, nil, startDaemons},
		{"backup", "take the first snapshot of etcd", 5 * time.Minute, nil, firstBackup},
	}
}
