package storage

import (
	"fmt"
	"strconv"
)

// The names of keys and of prefixes of keys, below Neco's prefix. No other package
// contains them. In the table of keys, the prefix of an election is followed by two
// slashes, because etcd's concurrency package adds one to the prefix.
const (
	KeyUpdaterLeader     = "leader/updater/"
	KeyWorkerLock        = "leader/worker/"
	KeyStateSetterLeader = "leader/sabakan-state-setter/"
	KeyRenewalLock       = "leader/renewal/"
	KeyRebootLock        = "leader/reboots/"

	KeyBootServers = "info/bootservers/"
	KeyRelease     = "info/neco-release"
	KeyCheck       = "info/release-check"
	KeySSHPubKey   = "info/ssh-pubkey"
	KeyFleet       = "fleet/"
	KeyApproved    = "approved/"

	// KeyReboots is the common prefix of the two parts of a restart under a budget.
	KeyReboots         = "reboots/"
	KeyRebootsPlan     = "reboots/plan"
	KeyRebootsProgress = "reboots/progress"

	KeyRequest     = "status/current"
	KeyStatuses    = "status/bootservers/"
	KeyContents    = "contents/"
	KeySwitch      = "switch/"
	KeyBadReleases = "bad-releases/"
	KeyPresence    = "presence/"
	KeyHeartbeats  = "heartbeats/"
	KeyNotified    = "notified/"
	KeyHistory     = "history/"
	KeyInstall     = "install/"
	KeyConfig      = "config/"
	KeyCerts       = "certificates/"
	KeyBackups     = "backups/"
	KeyFinish      = "finish/"

	KeyVaultUnseal     = "vault-unseal-key"
	KeyVaultUnsealNext = "vault-unseal-key-next"
	KeyVaultSealedTo   = "vault-unseal-key-recipients"
	KeyVaultRoot       = "vault-root-token"
	KeyVaultInit       = "vault-init"
	KeyHostKeys        = "host-keys/"
	KeyRecovery        = "recovery/recipients"
	KeyAuthorities     = "recovery/authorities"
	KeyJoinTokens      = "join-tokens/"
	KeyLeaving         = "leaving/"

	KeyBMCUser       = "bmc/bmc-user"
	KeyIPMIUser      = "bmc/ipmi-user"
	KeyIPMIPassword  = "bmc/ipmi-password"
	KeyBMCPins       = "bmc/pins/"
	KeyTeleportToken = "teleport/auth-token"
	KeyCKEWeight     = "cke/weight"

	// KeyStatus is the common prefix of the request and the statuses, which together
	// are the state of a run.
	KeyStatus = "status/"
)

// BootServerKey returns the key whose existence registers the boot server lrn.
func BootServerKey(lrn int) string { return KeyBootServers + strconv.Itoa(lrn) }

// StatusKey returns the key of the update status of the boot server lrn.
func StatusKey(lrn int) string { return KeyStatuses + strconv.Itoa(lrn) }

// PresenceKey returns the key of the presence of the worker on the boot server lrn.
func PresenceKey(lrn int) string { return KeyPresence + strconv.Itoa(lrn) }

// ContainerKey returns the key that records which image the container called name has on
// the boot server lrn.
func ContainerKey(lrn int, name string) string {
	return fmt.Sprintf("%s%d/containers/%s", KeyInstall, lrn, name)
}

// DebKey returns the key that records which version of the package called name is
// installed on the boot server lrn.
func DebKey(lrn int, name string) string {
	return fmt.Sprintf("%s%d/debs/%s", KeyInstall, lrn, name)
}
