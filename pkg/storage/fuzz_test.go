package storage

import (
	"encoding/json"
	"testing"
)

// FuzzDecode: no value of any key makes a decoder panic, and what a decoder
// accepts it accepts again after it was written back.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "[]", "null",
		`{"version":"2026.11.21-1","servers":[0,1,2],"stop":false,"started_at":"2026-11-21T09:00:00Z","x":1}`,
		`{"version":"2026.11.21-1","step":3,"cond":1,"message":"m","started_at":"2026-11-21T09:00:00Z","phase":1}`,
		`{"version":"v","side":"new"}`,
		`{"reason":"digest mismatch","step":0,"lrn":1,"at":"2026-11-21T09:00:00Z"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := decodeRequest(data, 1); err == nil {
			text, err := encodeRequest(r)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := decodeRequest([]byte(text), 1); err != nil && len(text) <= maxValue {
				t.Fatalf("%s was accepted, %s is not: %v", data, text, err)
			}
		}
		if st, err := decodeStatus(data, 1); err == nil {
			if _, err := encodeStatus(st); err != nil {
				t.Fatal(err)
			}
		}
		if p, err := decodePresence(data, 1); err == nil {
			if _, err := json.Marshal(p); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = decodeRecord(data, 1)
		_, _ = decodeSwitch(data, 1)
		_, _ = decodeCheck(data)
		_, _ = decodeBadRelease(data)
		_, _ = decodeCertificates(data)
		_, _ = decodeHeartbeat(data)
		_, _ = parseLRN("presence/"+string(data), "presence/")
	})
}
