package host_test

import (
	"fmt"
	"os"

	"github.com/cybozu-go/neco/pkg/host"
)

func ExampleFS_Write() {
	root, err := os.MkdirTemp("", "boot-0-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(root)

	fs := host.FS{Root: root}
	file := host.File{
		Path: "/etc/serf/serf.json",
		Data: []byte("{}\n"),
		Mode: 0644,
		UID:  os.Geteuid(),
		GID:  os.Getegid(),
	}
	for range 2 { // only the first call changes something
		changed, err := fs.Write(file)
		fmt.Println(changed, err)
	}
	// Output:
	// true <nil>
	// false <nil>
}
