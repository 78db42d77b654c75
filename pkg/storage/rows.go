package storage

import (
	"errors"
	"maps"
	"slices"

	"go.etcd.io/etcd/api/v3/mvccpb"

	"github.com/cybozu-go/neco/internal/lrn"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/update"
)

// rows is the table of all keys of Neco in etcd, which defines snapshots, followers,
// documents and tests.
var rows = [...]row{
	election(full, doc{KeyUpdaterLeader + "/<lease>", "host name of the leader", "neco-updater"},
		func(s *Snapshot) *Election { return &s.Updaters }),
	election(full, doc{KeyWorkerLock + "/<lease>", "LRN of the holder", "neco-worker, for once- and rolling actions"},
		func(s *Snapshot) *Election { return &s.Lockers }),
	elsewhere("pkg/fleet", doc{KeyStateSetterLeader + "/<lease>", "host name of the leader", program.SabakanStateSetter}),
	elsewhere("pkg/renewal", doc{KeyRenewalLock + "/<lease>", "LRN of the holder", "neco-worker, while it renews certificates"}),
	elsewhere("pkg/storage", doc{KeyRebootLock + "/<lease>", "operator and since when, as text", "neco reboot-worker, with a budget"}),
	inSnapshot(deciding, doc{KeyBootServers + "<LRN>", "empty; the registered boot servers", "setup, join, leave"}, putBootServer, dropBootServer),
	inSnapshot(deciding, doc{KeyRelease, "newest known version", "neco-updater (guarded), setup"},
		func(s *Snapshot, _ string, kv *mvccpb.KeyValue) error {
			s.Release, s.ReleaseRev = string(kv.Value), kv.ModRevision
			return nil
		}, func(s *Snapshot, _ string) { s.Release, s.ReleaseRev = "", 0 }),
	one(deciding, doc{KeyCheck, "the last check for a release: checked_at; optional stale_since, failed_at, error, skipped, withdrawn", "neco-updater (guarded)"},
		decodeCheck, func(s *Snapshot) **ReleaseCheck { return &s.Check }),
	checked("pkg/storage", doc{KeySSHPubKey, "public key for node users", "neco ssh generate"}, checkSSHKey),
	one(deciding, doc{KeyRequest, "request: version, servers, stop, started_at; optional reason", "neco-updater (guarded), setup, neco stop"},
		decodeRequest, func(s *Snapshot) **update.Request { return &s.Request }).
		unreadable(func(s *Snapshot, _ string, err error) { s.UnreadableRequest = err }),
	many(deciding, doc{KeyStatuses + "<LRN>", "status: version, step, cond, message; optional started_at, phase, host_id, notes, at, since", "neco-worker (guarded)"},
		lrn.Parse, decodeStatus, func(s *Snapshot) *map[int]update.Status { return &s.Statuses }),
	many(deciding, doc{KeyContents + "<name>", "outcome of a once-action: version, success; optional started_at, digest", "holder of the lock (guarded); neco init-data removes the digest"},
		notEmpty, decodeRecord, func(s *Snapshot) *map[string]update.Record { return &s.Records }),
	many(deciding, doc{KeySwitch + "<group>", "which version of a group may run: version, started_at, side", "neco-worker (guarded, first writer decides)"},
		notEmpty, decodeSwitch, func(s *Snapshot) *map[string]update.Switch { return &s.Switches }).
		unreadable(func(s *Snapshot, group string, err error) {
			if s.UnreadableSwitches = cloneWithout(s.UnreadableSwitches, group); err != nil {
				s.UnreadableSwitches = cloneWith(s.UnreadableSwitches, group, err)
			}
		}),
	many(deciding, doc{KeyBadReleases + "<version>", "why a release is not installed again: reason, step, lrn, at", "neco-worker (guarded), deleted by neco recover --retry"},
		notEmpty, decodeBadRelease, func(s *Snapshot) *map[string]BadRelease { return &s.Bad }),
	many(deciding, doc{KeyPresence + "<LRN>", "presence of the worker: version, pid, boot_id, host_id, since; leased", "neco-worker"},
		lrn.Parse, decodePresence, func(s *Snapshot) *map[int]update.Presence { return &s.Presence }),
	many(full, doc{KeyHeartbeats + "<LRN>", "when the worker's main loop last made progress: at", "neco-worker (guarded), every 15 s"},
		lrn.Parse, decodeHeartbeat, func(s *Snapshot) *map[int]Heartbeat { return &s.Heartbeats }).
		afterwards(dateHeartbeat),
	elsewhere("pkg/storage", doc{KeyFleet + FleetRounds, "what a leader leaves to the next one: at, worse, closed, held, retired", program.SabakanStateSetter + " (guarded)"}),
	elsewhere("pkg/storage", doc{KeyFleet + FleetBad, "machines that will become worse if nothing changes, by serial number: state, at", program.SabakanStateSetter + " (guarded)"}),
	elsewhere("pkg/storage", doc{KeyFleet + FleetReport, "what was last observed: reasons (serial numbers by reason), held", program.SabakanStateSetter + " (guarded)"}),
	elsewhere("pkg/storage", doc{KeyApproved + "<serial>", "since when a machine is retiring that may retire among many", "neco nodes approve"}),
	elsewhere("pkg/reboot", doc{KeyRebootsPlan, "restarts under a budget: started_at, by, budget, machines (each serial, rack; optional direct, boots)", "neco reboot-worker (guarded), once"}),
	elsewhere("pkg/reboot", doc{KeyRebootsProgress, "how far they are, by positions in the plan: done, skipped, out, lost; measured, took", "neco reboot-worker (guarded)"}),
	elsewhere("pkg/storage", doc{KeyNotified + "<started_at>", "kinds of notice that were sent for this run", "neco-updater (guarded)"}),
	elsewhere("pkg/storage", doc{KeyHistory + "<started_at>", "a run: version, servers, by, started_at, ended_at, result, reason; optional kind, what", "neco-updater (guarded), neco stop, neco recover"}),
	elsewhere("pkg/storage", doc{KeyHistory + "<at>-<kind>", "an act of an operator: kind (leave, recover, config), what, by, started_at", "neco leave, recover, config, cke weight"}),
	elsewhere("pkg/storage", doc{KeyInstall + "<LRN>/containers/<name>", "tag of the installed image", "neco-worker (guarded)"}),
	elsewhere("pkg/storage", doc{KeyInstall + "<LRN>/debs/<name>", "release of the installed package", "neco-worker (guarded)"}),
	inSnapshot(deciding, doc{KeyConfig + "<key>", "configuration, see neco config", "neco config set"}, putConfig, dropConfig),
	elsewhere("pkg/vaultkey", doc{KeyVaultUnseal, "encrypted unseal key", "setup"}),
	elsewhere("pkg/vaultkey", doc{KeyVaultRoot, "encrypted root token", "setup"}),
	elsewhere("pkg/vaultkey", doc{KeyVaultUnsealNext, "encrypted unseal key that Vault is about to use", "neco leave"}),
	elsewhere("pkg/vaultkey", doc{KeyVaultSealedTo, "JSON array: recipients of the sealed unseal key", "setup, leave, neco-worker"}),
	elsewhere("pkg/setup", doc{KeyVaultInit, "begun; from before the initialisation of Vault until its unseal key is stored", "setup"}),
	elsewhere("pkg/vaultkey", doc{KeyHostKeys + "<LRN>", "recipient key of a boot server, signed by the server: lrn, recipient, certificate, signature", "setup, join"}),
	elsewhere("pkg/join", doc{KeyJoinTokens + "<LRN>", "a join token, without its secret: lrn, host_name, accessor, expires, by", "neco join-token"}),
	many(full, doc{KeyCerts + "<LRN>", "the certificate that expires first: purpose, not_after, since; optional error", "neco-worker"},
		lrn.Parse, decodeCertificates, func(s *Snapshot) *map[int]Certificates { return &s.Certificates }),
	many(full, doc{KeyBackups + "<LRN>", "the newest good snapshot of etcd: at, revision; or optional error, since", "neco backup run"},
		lrn.Parse, decodeBackup, func(s *Snapshot) *map[int]Backup { return &s.Backups }),
	elsewhere("pkg/vaultkey", doc{KeyRecovery, "the recovery keys to which backups and secrets are also sealed, signed by a boot server: lrn, recipients, certificate, signature", "setup"}),
	elsewhere("pkg/renewal", doc{KeyAuthorities, "the CAs with their private keys, sealed to the recovery keys", "setup"}),
	elsewhere("pkg/join", doc{KeyLeaving + "<LRN>", "empty; a boot server that is being removed, until its cleanup is complete; ignored while the server is registered", "neco leave"}),
	elsewhere("pkg/setup", doc{KeyFinish + "<LRN>", "stage of the bootstrap", "setup"}),
	elsewhere("pkg/storage", doc{KeyBMCUser, "users of BMCs with their passwords, as JSON", "neco bmc config set"}),
	elsewhere("pkg/storage", doc{KeyIPMIUser, "user with which Neco uses BMCs", "neco bmc config set"}),
	elsewhere("pkg/storage", doc{KeyIPMIPassword, "its password", "neco bmc config set"}),
	elsewhere("pkg/storage", doc{KeyBMCPins + "<serial>", "SHA-256 digest of the certificate of a machine's BMC", "neco power, neco tpm, sabakan-state-setter"}),
	checked("pkg/component", doc{KeyTeleportToken, "token in hex", "neco init teleport"}, checkTeleportToken),
	checked("pkg/storage", doc{KeyCKEWeight, "weights of roles of nodes in the template of CKE: role to number", "neco cke weight"}, checkCKEWeights),
}

func notEmpty(name string) (string, error) {
	if name == "" {
		return "", errors.New("its name is empty")
	}
	return name, nil
}

func putBootServer(s *Snapshot, name string, _ *mvccpb.KeyValue) error {
	n, err := lrn.Parse(name)
	if err == nil {
		s.Registered = slices.Sorted(slices.Values(append(slices.Clone(s.Registered), n)))
	}
	return err
}

func dropBootServer(s *Snapshot, name string) {
	if n, err := lrn.Parse(name); err == nil {
		s.Registered = slices.DeleteFunc(slices.Clone(s.Registered), func(l int) bool { return l == n })
	}
}

// cloneWith returns a copy of m in which key has the given value.
func cloneWith[M ~map[K]V, K comparable, V any](m M, key K, value V) M {
	m = maps.Clone(m)
	if m == nil {
		m = M{}
	}
	m[key] = value
	return m
}

// cloneWithout returns a copy of m without key.
func cloneWithout[M ~map[K]V, K comparable, V any](m M, key K) M {
	m = maps.Clone(m)
	delete(m, key)
	return m
}
