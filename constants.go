package neco

import "path/filepath"

// These constants are directories, names and prefixes of Neco itself.
const (
	// NecoDir holds the configuration of this boot server.
	NecoDir = "/etc/neco"

	// NecoDataDir holds the data files of the neco package.
	NecoDataDir = "/usr/share/neco"

	// NecoPrefix is the prefix of the etcd keys of Neco's programs.
	NecoPrefix = "/neco/"

	NecoPackageName = "neco"

	// NecoUserAgent is the User-Agent header of every request to GitHub.
	NecoUserAgent = "github.com/cybozu-go/neco"
)

// GitHubRepoOwner and GitHubRepoName name the GitHub repository whose releases are the
// versions of Neco.
const (
	GitHubRepoOwner = "cybozu-go"
	GitHubRepoName  = "neco"
)

// These constants are the directories of etcd, the owner of its files, and its systemd
// unit.
const (
	EtcdDir       = "/etc/etcd"
	EtcdUID       = 10000
	EtcdGID       = 10000
	EtcdDataDir   = "/var/lib/etcd-container"
	EtcdBackupDir = "/var/lib/etcd-backup"
	EtcdService   = "etcd-container"
)

// These constants are the directory of Vault, the owner of its files, the mounts and
// validities of its CAs, and its systemd unit.
const (
	VaultDir     = "/etc/vault"
	VaultUID     = 10000
	VaultGID     = 10000
	CAServer     = "ca/server"
	CAEtcdPeer   = "ca/boot-etcd-peer"
	CAEtcdClient = "ca/boot-etcd-client"
	TTL100Year   = "876000h"
	TTL10Year    = "87600h"
	VaultService = "vault"

	// VaultPrefix is the prefix of the etcd keys of Vault's storage.
	VaultPrefix = "/vault/"
)

// These constants are the directory of etcdpasswd, the systemd unit of its agent, and
// the prefix of its etcd keys.
const (
	EtcdpasswdDir     = "/etc/etcdpasswd"
	EtcdpasswdService = "ep-agent"
	EtcdpasswdPrefix  = "/passwd/"
)

// These constants are the directory and the systemd unit of Teleport.
const (
	TeleportDir     = "/etc/teleport"
	TeleportService = "teleport-node"
)

// These constants are the directories of sabakan, its systemd unit, the prefix of its
// etcd keys, and its endpoint.
const (
	SabakanDir     = "/etc/sabakan"
	SabakanService = "sabakan"
	SabakanPrefix  = "/sabakan/"
	SabakanDataDir = "/var/lib/sabakan"

	// SabakanLocalEndpoint is the only endpoint at which sabakan accepts changes. All
	// other endpoints of sabakan are read-only.
	SabakanLocalEndpoint = "http://127.0.0.1:10080"
)

// These constants are the systemd unit and the directory of serf.
const (
	SerfService = "serf"
	SerfDir     = "/etc/serf"
)

// These constants are the directory of CKE, its systemd units, and the prefix of its
// etcd keys.
const (
	CKEDir               = "/etc/cke"
	CKEService           = "cke"
	CKEPrefix            = "/cke/"
	CKELocalProxyService = "cke-localproxy"
)

// These constants are the directory and the systemd unit of Promtail.
const (
	PromtailDir     = "/etc/promtail"
	PromtailService = "promtail"
)

// These constants are the environments. The environment of a data centre defines which
// releases it follows. With NoneEnv it follows none, and no update starts by itself.
const (
	NoneEnv    = "none"
	TestEnv    = "test"
	StagingEnv = "staging"
	ProdEnv    = "prod"
	DevEnv     = "dev"
)

// BashCompletionDir is the directory of bash completion scripts.
const BashCompletionDir = "/etc/bash_completion.d"

// SabakanStateSetterService is the systemd unit of sabakan-state-setter.
const SabakanStateSetterService = "sabakan-state-setter"

// SetupHWService is the systemd unit of setup-hw.
const SetupHWService = "setup-hw"

// WorkerAssetsPath is the directory whose files are uploaded to sabakan. The nodes of
// the data centre download them there.
const WorkerAssetsPath = "/usr/libexec/neco"

// These files identify this boot server.
var (
	RackFile        = filepath.Join(NecoDir, "rack")
	ClusterFile     = filepath.Join(NecoDir, "cluster")
	SabakanIPAMFile = filepath.Join(NecoDir, "sabakan_ipam.json")

	// DCTestFile exists only on the boot servers of a test data centre.
	DCTestFile = filepath.Join(NecoDir, "dctest")
)

// These files are Neco's own program, configuration and certificates.
var (
	NecoBin      = "/usr/bin/neco"
	NecoConfFile = filepath.Join(NecoDir, "config.yml")
	NecoCertFile = filepath.Join(NecoDir, "etcd.crt")
	NecoKeyFile  = filepath.Join(NecoDir, "etcd.key")

	// ServerCAFile is the certificate of the CA that signs the ServerCertFile of every
	// boot server.
	ServerCAFile   = "/usr/local/share/ca-certificates/neco.crt"
	ServerCertFile = filepath.Join(NecoDir, "server.crt")
	ServerKeyFile  = filepath.Join(NecoDir, "server.key")

	// IgnitionDirectory holds the sources of the nodes' ignition templates.
	IgnitionDirectory = filepath.Join(NecoDataDir, "ignitions")
)

// These files belong to etcd and to its backup.
var (
	EtcdConfFile       = filepath.Join(EtcdDir, "etcd.conf.yml")
	EtcdPeerCAFile     = filepath.Join(EtcdDir, "ca-peer.crt")
	EtcdClientCAFile   = filepath.Join(EtcdDir, "ca-client.crt")
	EtcdPeerCertFile   = filepath.Join(EtcdDir, "peer.crt")
	EtcdPeerKeyFile    = filepath.Join(EtcdDir, "peer.key")
	EtcdBackupCertFile = filepath.Join(EtcdDir, "backup.crt")
	EtcdBackupKeyFile  = filepath.Join(EtcdDir, "backup.key")
)

// These files belong to Vault.
var (
	VaultConfFile = filepath.Join(VaultDir, "config.hcl")
	VaultCertFile = filepath.Join(VaultDir, "etcd.crt")
	VaultKeyFile  = filepath.Join(VaultDir, "etcd.key")
)

// These files belong to etcdpasswd.
var (
	EtcdpasswdConfFile = filepath.Join(EtcdpasswdDir, "config.yml")
	EtcdpasswdCertFile = filepath.Join(EtcdpasswdDir, "etcd.crt")
	EtcdpasswdKeyFile  = filepath.Join(EtcdpasswdDir, "etcd.key")
	EtcdpasswdDropIn   = "/etc/systemd/system/ep-agent.service.d/10-check-certificate.conf"
)

// TeleportConfFile is the configuration file of Teleport.
var TeleportConfFile = filepath.Join(TeleportDir, "teleport.yaml")

// These files belong to sabakan and to its command sabactl.
var (
	SabakanConfFile           = filepath.Join(SabakanDir, "config.yml")
	SabakanCertFile           = filepath.Join(SabakanDir, "etcd.crt")
	SabakanKeyFile            = filepath.Join(SabakanDir, "etcd.key")
	SabakanDHCPJSONFile       = filepath.Join(NecoDataDir, "dhcp.json")
	SabactlBin                = "/usr/local/bin/sabactl"
	SabactlBashCompletionFile = filepath.Join(BashCompletionDir, "sabactl")
)

// SerfConfFile is the configuration file of serf.
var SerfConfFile = filepath.Join(SerfDir, "serf.json")

// PromtailConfFile is the configuration file of Promtail.
var PromtailConfFile = filepath.Join(PromtailDir, "promtail.yaml")

// These files belong to CKE and to its command ckecli. Variables with the suffix Pre
// are for every environment except prod.
var (
	CKEConfFile        = filepath.Join(CKEDir, "config.yml")
	CKECertFile        = filepath.Join(CKEDir, "etcd.crt")
	CKEKeyFile         = filepath.Join(CKEDir, "etcd.key")
	CKECLIBin          = "/usr/bin/ckecli"
	CKETemplateFile    = filepath.Join(NecoDataDir, "cke-template.yml")
	CKETemplateFilePre = filepath.Join(NecoDataDir, "cke-template-pre.yml")

	CKEUserResourceFiles = []string{
		filepath.Join(NecoDataDir, "namespaces.yml"),
		filepath.Join(NecoDataDir, "cilium.yaml"),
		filepath.Join(NecoDataDir, "coil.yaml"),
		filepath.Join(NecoDataDir, "unbound.yml"),
		filepath.Join(NecoDataDir, "squid.yml"),
	}
	CKEUserResourceFilesPre = []string{
		filepath.Join(NecoDataDir, "namespaces.yml"),
		filepath.Join(NecoDataDir, "cilium-pre.yaml"),
		filepath.Join(NecoDataDir, "coil.yaml"),
		filepath.Join(NecoDataDir, "unbound.yml"),
		filepath.Join(NecoDataDir, "squid.yml"),
	}
)
