package setup

import (
	"context"
	"time"

	"github.com/cybozu-go/neco/pkg/stage"
)

// These variables are the names of the stages, and of the states after the last stage.
var (
	stagePreflight    = stage.NewName("preflight")
	stageMeet         = stage.NewName("meet")
	stageImages       = stage.NewName("images")
	stageAuthorities  = stage.NewName("authorities")
	stageCertificates = stage.NewName("certificates")
	stageEtcd         = stage.NewName("etcd")
	stageUsers        = stage.NewName("users")
	stageVault        = stage.NewName("vault")
	stageUnseal       = stage.NewName("unseal")
	stagePKI          = stage.NewName("pki")
	stageReissue      = stage.NewName("reissue")
	stageForget       = stage.NewName("forget")
	stageRegister     = stage.NewName("register")
	stageRevoke       = stage.NewName("revoke")
	stageDaemons      = stage.NewName("daemons")
	stageBackup       = stage.NewName("backup")
	stageEnd          = stage.NewName("end")
	// complete is the state of a server that does not need the other servers any more:
	// the final value of finish/<LRN> in etcd and of progress.Done.
	complete = stage.NewName("complete")
)

// row is a stage of the setup. First the leader runs led, then each server runs Act. No
// server starts a stage before all servers have completed the previous stage. led and
// Act are idempotent, and either may be nil.
type row struct {
	each
	led act
}

type (
	each = stage.Stage[*run]
	act  = func(context.Context, *run) error
)

// table returns the stages of the setup in order. Stages with Check are not retried,
// because their errors are problems that the operator has to solve.
func table() []row {
	const minute = time.Minute
	return []row{
		{each{Name: stagePreflight, Says: "check whether this server is ready", Deadline: minute, Check: true, NoRetry: true, Act: preflight}, nil},
		{each{Name: stageMeet, Says: "compare the servers", Deadline: 5 * minute, Check: true, NoRetry: true, Act: meetOthers}, nil},
		{each{Name: stageImages, Says: "pull the images of etcd and Vault", Deadline: 20 * minute, Act: pullImages}, nil},
		{each{Name: stageAuthorities, Says: "create the CAs", Deadline: minute}, makeAuthorities},
		{each{Name: stageCertificates, Says: "have certificates for the bootstrap signed", Deadline: 2 * minute, Act: bootstrapCertificates}, nil},
		{each{Name: stageEtcd, Says: "start etcd", Deadline: 3 * minute, Act: startEtcd}, nil},
		{each{Name: stageUsers, Says: "create users, enable authentication", Deadline: minute}, makeUsers},
		{each{Name: stageVault, Says: "start Vault", Deadline: 3 * minute, Act: startVault}, nil},
		{each{Name: stageUnseal, Says: "initialise and unseal Vault", Deadline: 3 * minute, Act: unsealVault}, initVault},
		{each{Name: stagePKI, Says: "configure Vault", Deadline: 2 * minute}, configureVault},
		{each{Name: stageReissue, Says: "have the final certificates signed", Deadline: 3 * minute, Act: reissue}, nil},
		{each{Name: stageForget, Says: "remove the CAs' keys from the disk", Deadline: minute}, forgetAuthorities},
		{each{Name: stageRegister, Says: "register the servers, request the first update", Deadline: minute}, register},
		{each{Name: stageRevoke, Says: "revoke the root token", Deadline: minute}, revokeRoot},
		{each{Name: stageDaemons, Says: "start Neco's daemons and the backups", Deadline: 2 * minute, Act: startDaemons}, nil},
		{each{Name: stageBackup, Says: "take the first snapshot of etcd", Deadline: 5 * minute, Act: firstBackup}, nil},
	}
}

// stages returns the stages of table without led, the parts of the leader.
func stages() stage.Table[*run] {
	var all stage.Table[*run]
	for _, row := range table() {
		all = append(all, row.each)
	}
	return all
}

// Stages returns the names of the stages, in order.
func Stages() []string { return stages().Names() }

// planned returns the stages that a run executes: only the checks if checkOnly is true,
// and all stages otherwise.
func planned(checkOnly bool) stage.Table[*run] {
	if checkOnly {
		return stages().Checks()
	}
	return stages()
}

// past reports whether this server has completed the stage called name, in this or an
// earlier attempt.
func (r *run) past(name stage.Name) bool { return stages().Past(r.progress.Done, name) }

// done reports whether this server has completed all stages.
func (r *run) done() bool {
	rows := table()
	return r.past(rows[len(rows)-1].Name)
}
