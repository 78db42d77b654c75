package storage_test

import (
	"testing"

	"github.com/cybozu-go/neco/pkg/storage"
)

func TestTheDigestOfARecordIsForgottenAlone(t *testing.T) {
	const key = storage.KeyContents + "user-resources"
	for name, tt := range map[string]struct{ value, digest, after string }{
		"none":               {"", "", ""},
		"with a digest":      {`{"version":"1","success":true,"started_at":"2026-11-21T09:00:00Z","digest":"abc","new":[1]}`, "abc", `{"new":[1],"started_at":"2026-11-21T09:00:00Z","success":true,"version":"1"}`},
		"without a digest":   {`{"version":"1","success":true,"started_at":"2026-11-21T09:00:00Z"}`, "", `{"version":"1","success":true,"started_at":"2026-11-21T09:00:00Z"}`},
		"without success":    {`{"version":"1","success":false,"started_at":"2026-11-21T09:00:00Z","digest":"abc"}`, "", `{"version":"1","success":false,"started_at":"2026-11-21T09:00:00Z"}`},
		"of the original":    {`{"version":"1","success":true}`, "", `{"version":"1","success":true}`},
		"of another program": {`{"version":"1","success":true,"digest":"abc"}`, "", `{"version":"1","success":true,"digest":"abc"}`},
		"malformed":          {`{"digest":"abc"`, "", `{"digest":"abc"`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStorage(t)
			if tt.value != "" {
				put(t, s, key, tt.value)
			}
			if got, err := s.RecordDigest(t.Context(), "user-resources"); got != tt.digest || err != nil {
				t.Errorf("digest %q, %v; want %q", got, err, tt.digest)
			}
			for range 2 {
				if err := s.ForgetDigest(t.Context(), "user-resources"); err != nil {
					t.Fatal(err)
				}
			}
			if got := all(t, s)[key]; got != tt.after {
				t.Errorf("the record is %s, want %s", got, tt.after)
			}
		})
	}
}
