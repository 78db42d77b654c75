package steps

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
)

// hostWith returns a file system of a host with the given files.
func hostWith(t *testing.T, files map[string]string) host.FS {
	t.Helper()
	fsys := host.FS{Root: t.TempDir()}
	for path, text := range files {
		name := fsys.Path(path)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return fsys
}

func TestThePlaceholderOfAFirmwareIsNoSerialNumber(t *testing.T) {
	for text, want := range map[string]string{
		"ABC1234\n": "ABC1234", "  7C0XJ53 \x00": "7C0XJ53", "00000001": "00000001",
		"To Be Filled By O.E.M.\n": "", "Not Specified\n": "", "Default string": "", "System Serial Number": "", "0123456789": "",
		"NONE": "", "0": "", "00000000": "", "xxxxxxxx": "", "..........": "", "........-....": "", " ": "", "": "",
	} {
		got := facts(hostWith(t, map[string]string{firmwareSerial: text}))
		if got.Serial != want {
			t.Errorf("%q: serial %q, want %q", text, got.Serial, want)
		}
	}
}

func TestTheOperatorsSerialNumberComesFirst(t *testing.T) {
	for text, want := range map[string]string{"Default string\n": "Default string", "\n": "ABC1234"} {
		fsys := hostWith(t, map[string]string{operatorSerial: text, firmwareSerial: "ABC1234"})
		if got := facts(fsys); got.Serial != want {
			t.Errorf("%q: serial %q, want %q", text, got.Serial, want)
		}
	}
}

func TestTheSystemIsDescribedByOsRelease(t *testing.T) {
	fsys := hostWith(t, map[string]string{"/usr/lib/os-release": "NAME=Debian\nNAME='Debian GNU/Linux'\nVERSION_ID=\n"})
	if got, want := facts(fsys), (component.Facts{OSName: "Debian GNU/Linux"}); got != want {
		t.Errorf("facts %+v, want %+v", got, want)
	}
}
