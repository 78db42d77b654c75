package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
)

// system builds a kernel and an initial RAM disk in place of the nodes' operating system.
// They have valid formats and contain a label, but cannot be booted.
func (b builder) system(o osImage) (indexOS, error) {
	label := fmt.Sprintf("Flatcar %s %s of the virtual data centre\n", o.Channel, o.Version)
	key := keyOf(b.own, label)
	ix := indexOS{Channel: o.Channel, Version: o.Version}
	var err error
	ix.Kernel, err = b.cache.make("os", "kernel", key, "", "", func(tmp string) error {
		return os.WriteFile(tmp, kernel(label), 0o644)
	})
	if err != nil {
		return ix, err
	}
	ix.Initrd, err = b.cache.make("os", "initrd", key, ".cpio.gz", "", func(tmp string) error {
		data, err := initrd(label)
		if err != nil {
			return err
		}
		return os.WriteFile(tmp, data, 0o644)
	})
	return ix, err
}

// kernel returns a file that begins like a Linux kernel for PCs, with its two magic
// numbers.
func kernel(label string) []byte {
	data := make([]byte, 1<<20)
	copy(data[0x1fe:], []byte{0x55, 0xaa})
	copy(data[0x202:], "HdrS")
	copy(data[0x1000:], label)
	return data
}

// initrd returns a compressed archive with one file, /etc/label.
func initrd(label string) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	for _, f := range []struct{ name, text string }{{"etc/label", label}, {"TRAILER!!!", ""}} {
		if _, err := w.Write(cpioFile(f.name, f.text)); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// cpioFile returns one entry of a cpio archive in the "new ASCII" format: thirteen
// numbers, the name and the content, each padded to four bytes.
func cpioFile(name, text string) []byte {
	var b bytes.Buffer
	mode := 0o100644
	fmt.Fprintf(&b, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 1, mode, 0, 0, 1, 0, len(text), 0, 0, 0, 0, len(name)+1, 0)
	b.WriteString(name + "\x00")
	pad(&b)
	b.WriteString(text)
	pad(&b)
	return b.Bytes()
}

func pad(b *bytes.Buffer) {
	for b.Len()%4 != 0 {
		b.WriteByte(0)
	}
}
