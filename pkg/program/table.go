package program

import "github.com/cybozu-go/neco"

// Names of the programs.
const (
	Etcd               = "etcd"
	Vault              = "vault"
	Neco               = "neco"
	Backup             = "backup"
	SetupHW            = "setup-hw"
	Serf               = "serf"
	SetupSerfTags      = "setup-serf-tags"
	CKE                = "cke"
	Etcdpasswd         = "etcdpasswd"
	Sabakan            = "sabakan"
	SabakanStateSetter = "sabakan-state-setter"
	Promtail           = "promtail"
	Teleport           = "teleport"
)

// The names of units that differ from the name of their program and are not in package
// neco.
const (
	// VaultUnseal unseals Vault after each of its starts.
	VaultUnseal = "vault-unseal"
	Updater     = "neco-updater"
	Worker      = "neco-worker"
	// EtcdBackup takes one snapshot of this server's etcd member and ends. A timer of the
	// same name starts it every hour.
	EtcdBackup = "etcd-backup"
)

// formerEtcdContainer is the name of etcd's container in versions of Neco before 2026.12.
// In the original, and in this version, the container is called etcd. An update restarts
// etcd in its last step only, so until then the container still has its former name.
// Remove the constant, and [Program.FormerContainer], when updates from versions before
// 2026.12 are not supported any more.
const formerEtcdContainer = "etcd-container"

// All returns the rows of the table, in the order in which a boot server starts the
// programs.
func All() []Program {
	return []Program{
		{
			Name: Etcd, Units: []string{neco.EtcdService}, ToolsMount: "/host",
			Container: Etcd, FormerContainer: formerEtcdContainer,
			Directories: []Directory{
				{Path: neco.EtcdDataDir, Mode: 0o700, Owner: neco.EtcdUID},
				{Path: neco.EtcdBackupDir, Mode: 0o700},
			},
		}, {
			Name: Vault, Units: []string{neco.VaultService, VaultUnseal}, ToolsMount: "/host", Mixing: MixesWithinMajor,
			User: &User{Prefix: neco.VaultPrefix, Cert: neco.VaultCertFile, Key: neco.VaultKeyFile, Owner: neco.VaultUID},
		}, {
			Name: Neco, Units: []string{Updater, Worker},
			User: &User{Cert: neco.NecoCertFile, Key: neco.NecoKeyFile},
		}, {
			Name: Backup, Units: []string{EtcdBackup},
			User: &User{Cert: neco.EtcdBackupCertFile, Key: neco.EtcdBackupKeyFile},
		}, {
			Name: SetupHW, Units: []string{neco.SetupHWService},
		}, {
			Name: Serf, Units: []string{neco.SerfService}, ToolsMount: "/host/usr/local/bin",
		}, {
			Name: SetupSerfTags, Units: []string{SetupSerfTags},
		}, {
			Name: CKE, Units: []string{neco.CKEService, neco.CKELocalProxyService}, Mixing: MixesNever,
			User:     &User{Prefix: neco.CKEPrefix, Cert: neco.CKECertFile, Key: neco.CKEKeyFile, Restart: true},
			Prepared: &Prepared{Config: neco.CKEConfFile},
		}, {
			Name: Etcdpasswd, Units: []string{neco.EtcdpasswdService},
			User:     &User{Prefix: neco.EtcdpasswdPrefix, Cert: neco.EtcdpasswdCertFile, Key: neco.EtcdpasswdKeyFile, Restart: true},
			Prepared: &Prepared{Config: neco.EtcdpasswdConfFile},
		}, {
			Name: Sabakan, Units: []string{neco.SabakanService}, ToolsMount: "/host/usr/local/bin",
			Directories: []Directory{{Path: neco.SabakanDataDir, Mode: 0o755}},
			User:        &User{Prefix: neco.SabakanPrefix, Cert: neco.SabakanCertFile, Key: neco.SabakanKeyFile, Restart: true},
			Prepared:    &Prepared{Config: neco.SabakanConfFile},
		}, {
			Name: SabakanStateSetter, Units: []string{neco.SabakanStateSetterService},
		}, {
			Name: Promtail, Units: []string{neco.PromtailService},
		}, {
			Name: Teleport, Units: []string{neco.TeleportService},
			Prepared: &Prepared{Token: true},
		},
	}
}
