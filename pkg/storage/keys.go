package storage

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cybozu-go/neco/internal/lrn"
	"github.com/cybozu-go/neco/pkg/program"
)

// Key names below the prefix.  The two election prefixes end in a slash that
// belongs to the name: etcd's concurrency package adds another one.
const (
	KeyUpdaterLeader     = "leader/updater/"
	KeyWorkerLock        = "leader/worker/"
	KeyStateSetterLeader = "leader/sabakan-state-setter/"
	KeyRenewalLock       = "leader/renewal/"

	KeyBootServers = "info/bootservers/"
	KeyRelease     = "info/neco-release"
	KeyCheck       = "info/release-check"
	KeySSHPubKey   = "info/ssh-pubkey"

	KeyRequest  = "status/current"
	KeyStatuses = "status/bootservers/"
	KeyContents = "contents/"
	KeySwitch   = "switch/"
	KeyPresence = "presence/"
	KeyNotified = "notified/"
	KeyHistory  = "history/"
	KeyInstall  = "install/"
	KeyConfig   = "config/"
	KeyFinish   = "finish/"
	KeyCerts    = "certificates/"
	KeyBackups  = "backups/"

	KeyHeartbeats = "heartbeats/"

	keyStatusPrefix = "status/"
)

// KeySpec is a row of the table of keys, for documents and checks.
type KeySpec struct {
	Key    string
	Value  string
	Writer string
}

// Keys lists every key of Neco in etcd, below the prefix.
func Keys() []KeySpec {
	return []KeySpec{
		{"leader/updater//<lease>", "host name of the leader", "neco-updater"},
		{"leader/worker//<lease>", "LRN of the holder", "neco-worker, for once- and rolling actions"},
		{"leader/sabakan-state-setter//<lease>", "holder", program.SabakanStateSetter},
		{"leader/renewal//<lease>", "LRN of the holder", "neco-worker, while it renews certificates"},
		{"info/bootservers/<LRN>", "empty; the registered boot servers", "setup, join, leave"},
		{"info/neco-release", "newest known version", "neco-updater (guarded), setup"},
		{"info/release-check", "the last check for a release: checked_at; optional stale_since, failed_at, error, skipped, withdrawn", "neco-updater (guarded)"},
		{"info/ssh-pubkey", "public key for node users", "the original's ssh command; not this version"},
		{"status/current", "request: version, servers, stop, started_at; optional reason", "neco-updater (guarded), setup, neco stop"},
		{"status/bootservers/<LRN>", "status: version, step, cond, message; optional started_at, phase, host_id, at, since", "neco-worker (guarded)"},
		{"contents/<name>", "outcome of a once-action: version, success; optional started_at, digest", "holder of the lock (guarded)"},
		{"switch/<group>", "which version of a group may run: version, started_at, side", "neco-worker (guarded, first writer decides)"},
		{"bad-releases/<version>", "why a release is not installed again: reason, step, lrn, at", "neco-worker (guarded), deleted by neco recover --retry"},
		{"presence/<LRN>", "presence of the worker: version, pid, boot_id, host_id, since; leased", "neco-worker"},
		{"heartbeats/<LRN>", "when the worker's main loop last made progress: at", "neco-worker (guarded), every 15 s"},
		{"notified/<started_at>", "kinds of notice that were sent for this run", "neco-updater (guarded)"},
		{"history/<started_at>", "a run: version, servers, by, started_at, ended_at, result, reason; optional kind, what", "neco-updater (guarded), neco stop, neco recover"},
		{"history/<at>-<kind>", "an act of an operator: kind (leave, recover, config), what, by, started_at", "neco leave, recover, config"},
		{"install/<LRN>/containers/<name>", "tag of the installed image", "neco-worker (guarded)"},
		{"install/<LRN>/debs/<name>", "release of the installed package", "neco-worker (guarded)"},
		{"config/<key>", "configuration, see neco config", "neco config set"},
		{"vault-unseal-key", "encrypted unseal key", "setup"},
		{"vault-root-token", "encrypted root token", "setup"},
		{"vault-unseal-key-next", "encrypted unseal key that Vault is about to use", "neco leave"},
		{"vault-unseal-key-recipients", "JSON array: to whom the unseal key is sealed", "setup, leave, neco-worker"},
		{"host-keys/<LRN>", "to whom a boot server's secrets are sealed, signed by it: lrn, recipient, certificate, signature", "setup, join"},
		{"join-tokens/<LRN>", "what is known of a join token: lrn, host_name, accessor, expires, by", "neco join-token"},
		{"certificates/<LRN>", "the certificate that ends first: purpose, not_after, since; optional error", "neco-worker"},
		{"backups/<LRN>", "the newest good snapshot of etcd: at, revision; or optional error, since", "neco backup run"},
		{"recovery/recipients", "the recovery keys to which backups and secrets are sealed besides, signed by a boot server: lrn, recipients, certificate, signature", "setup"},
		{"recovery/authorities", "the authorities with their keys, sealed to the recovery keys", "setup"},
		{"leaving/<LRN>", "empty; a boot server that leaves, until nothing of it is left; means nothing while it is registered", "neco leave"},
		{"finish/<LRN>", "stage of the bootstrap", "setup"},
		{"bmc/bmc-user, bmc/ipmi-user, bmc/ipmi-password", "credentials of BMCs", "the original's bmc command; not this version"},
		{"teleport/auth-token", "token in hex", "neco init teleport"},
		{"cke/weight", "JSON object: role to weight", "the original's cke command; not this version"},
	}
}

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

// parseLRN reads the decimal number behind prefix.  Signs, leading zeros and
// anything else are foreign.
func parseLRN(key, prefix string) (int, error) {
	text, ok := strings.CutPrefix(key, prefix)
	if !ok {
		return 0, fmt.Errorf("does not begin with %s", prefix)
	}
	return lrn.Parse(text)
}
