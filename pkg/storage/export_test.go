package storage

import "testing"

// Sample is an example of a key in the table of keys, with a valid value Good and the
// invalid values Bad.
type Sample struct {
	Key  string
	Good string
	Bad  []string
}

// Samples returns examples for each key that a snapshot reads. A key that is added to the
// table has to be added here.
func Samples(t testing.TB) []Sample {
	values := map[string]Sample{
		KeyUpdaterLeader + "/": {"1", "boot-0", nil},
		KeyWorkerLock + "/":    {"1", "0", nil},
		KeyBootServers:         {"10", "", nil},
		KeyRelease:             {"", "2026.11.21-1", nil},
		KeyCheck:               {"", `{"error":"500"}`, nil},
		KeyRequest: {"", `{"version":"2026.11.21-1","servers":[0,1,2],"stop":false,"started_at":"2026-11-21T09:00:00Z","x":1}`, []string{
			`{"version":1}`, `{"servers":[0]}`, `{"version":"v","servers":[],"started_at":"2026-11-21T09:00:00Z"}`, `{"version":"v","servers":[0]}`,
			`{"version":"v","servers":[-1],"started_at":"2026-11-21T09:00:00Z"}`}},
		KeyStatuses: {"10", `{"version":"2026.11.21-1","step":3,"cond":1,"message":"m","started_at":"2026-11-21T09:00:00Z","phase":1}`, []string{
			"{}", `{"version":"v","step":-1}`, `{"version":"v","step":99999}`, `{"version":"v","cond":9}`, `{"version":"v","phase":-1}`, `{"step":"one"}`}},
		KeyContents:    {"cke", `{"version":"2026.11.21-1","success":true}`, []string{"{}"}},
		KeySwitch:      {"cke", `{"version":"2026.11.21-1","side":"new"}`, []string{"{}", `{"version":"v","side":"left"}`}},
		KeyBadReleases: {"2026.11.21-1", `{"reason":"digest mismatch","step":0,"lrn":1,"at":"2026-11-21T09:00:00Z"}`, []string{"{}", `{"reason":"r","step":-1}`}},
		KeyPresence:    {"10", `{"version":"2026.11.21-1"}`, []string{"{}"}},
		KeyHeartbeats:  {"10", `{"at":"2026-11-21T09:00:00Z"}`, []string{"{}", `{"at":"now"}`}},
		KeyConfig:      {"env", "prod", []string{"", "mars"}},
		KeyCerts:       {"10", `{"purpose":"neco","not_after":"2027-11-21T09:00:00Z","since":"2026-11-21T09:00:00Z"}`, []string{"{}"}},
		KeySSHPubKey: {"", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f boot", []string{
			"", "x", "ssh-ed25519 x", "-----BEGIN OPENSSH PRIVATE KEY-----"}},
		KeyTeleportToken: {"", "0123abcd", []string{"", "x", "0123abcd "}},
		KeyCKEWeight:     {"", `{"cs":20.5,"ss":3}`, append(objects(), `{"cs":"many"}`)},
		KeyBackups:       {"10", `{"at":"2026-11-21T09:00:00Z","revision":7}`, []string{"{}"}},
	}
	var all []Sample
	for i := range rows {
		r := &rows[i]
		if r.scope == unread {
			continue
		}
		v, ok := values[r.name]
		if !ok {
			t.Errorf("%s has no sample", r.KeySpec.Key)
		}
		v.Key = r.name + v.Key
		if r.Object {
			v.Bad = append(v.Bad, objects()...)
		}
		all = append(all, v)
	}
	return all
}

// objects are values that no key with a JSON object accepts.
func objects() []string {
	huge := make([]byte, maxValue+1)
	copy(huge, `{"version":"`)
	return []string{"", "{", "null", "[]", `"x"`, "true", "nonsense", string(huge)}
}
