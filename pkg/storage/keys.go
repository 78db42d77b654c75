package storage

import (
	"fmt"
	"strconv"
)

// Names of keys and prefixes below Neco's prefix; nothing else names them.  The
// election prefixes end in a slash that belongs to the name: etcd's concurrency
// package adds another one.
const (
	KeyUpdaterLeader     = "leader/updater/"
	KeyWorkerLock        = "leader/worker/"
	KeyStateSetterLeader = "leader/sabakan-state-setter/"
	KeyRenewalLock       = "leader/renewal/"

	KeyBootServers = "info/bootservers/"
	KeyRelease     = "info/neco-release"
	KeyCheck       = "info/release-check"
	KeySSHPubKey   = "info/ssh-pubkey"

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
	KeyTeleportToken = "teleport/auth-token"
	KeyCKEWeight     = "cke/weight"

	// KeyStatus is the prefix of the request and the statuses: the state of a run.
	KeyStatus = "status/"
)

// BootServerKey is the registration of a boot server.
func BootServerKey(lrn int) string { return KeyBootServers + strconv.Itoa(lrn) }

// StatusKey is the report of a boot server.
func StatusKey(lrn int) string { return KeyStatuses + strconv.Itoa(lrn) }

// PresenceKey is the sign of life of a boot server's worker.
func PresenceKey(lrn int) string { return KeyPresence + strconv.Itoa(lrn) }

// ContainerKey records the image that runs as name on a boot server.
func ContainerKey(lrn int, name string) string {
	return fmt.Sprintf("%s%d/containers/%s", KeyInstall, lrn, name)
}

// DebKey records the package that is installed on a boot server.
func DebKey(lrn int, name string) string {
	return fmt.Sprintf("%s%d/debs/%s", KeyInstall, lrn, name)
}
