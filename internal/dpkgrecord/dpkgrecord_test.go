package dpkgrecord

import (
	"runtime"
	"testing"
)

func TestARecordIsThatOfTheNativeArchitecture(t *testing.T) {
	for output, want := range map[string]Record{
		"installed 1.4.0 " + runtime.GOARCH + "\n":                              {"installed", "1.4.0"},
		"installed 1.4.0 all\n":                                                 {"installed", "1.4.0"},
		"installed 1.3.0 s390x\ninstalled 1.4.0 " + runtime.GOARCH + "\n":       {"installed", "1.4.0"},
		"half-configured 1.4.0 " + runtime.GOARCH + "\ninstalled 1.3.0 s390x\n": {"half-configured", "1.4.0"},
		"installed 1.3.0 s390x\nnot-installed  riscv64\n":                       {"installed", "1.3.0"},
		"not-installed  " + runtime.GOARCH + "\n":                               {"not-installed", ""},
		"": {},
	} {
		if got := Parse(output); got != want {
			t.Errorf("%q: %+v, want %+v", output, got, want)
		}
	}
}
