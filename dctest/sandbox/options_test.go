package sandbox

import "testing"

func TestADiskThatIsTooFullIsNamed(t *testing.T) {
	want := "/tmp/x has 287 MiB free, a sandbox needs 1200 MiB; free some space, or set TMPDIR to another directory"
	if err := enough("/tmp/x", 287<<20); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if err := enough("/tmp/x", 1200<<20); err != nil {
		t.Error(err)
	}
}
