package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// epAgentUnit is the systemd unit of ep-agent, for the Debian package etcdpasswd, which
// this program builds.
const epAgentUnit = `[Unit]
Description=Agent of etcdpasswd
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=600s

[Service]
ExecStart=/usr/sbin/ep-agent
Restart=on-failure
RestartSec=10s

[Install]
WantedBy=multi-user.target
`

// debs builds the Debian packages of the artifact set.
func (b builder) debs(ctx context.Context, o options, set artifacts, ix *index) error {
	for _, d := range set.debs {
		if !o.wants(d.Name) {
			continue
		}
		if d.Name != "etcdpasswd" {
			return fmt.Errorf("there is no stand-in for the package %s", d.Name)
		}
		version := strings.TrimPrefix(d.Release, "v")
		agent, key, err := b.program(ctx, standin("ep-agent"))
		if err != nil {
			return err
		}
		file, err := b.cache.make("deb", d.Name, keyOf(key, b.own, version), ".deb", "", func(tmp string) error {
			return writeEtcdpasswd(tmp, version, agent)
		})
		if err != nil {
			return err
		}
		ix.Debs = slices.DeleteFunc(ix.Debs, func(i indexDeb) bool { return i.Name == d.Name })
		ix.Debs = append(ix.Debs, indexDeb{d.Name, d.Release, fmt.Sprintf("%s_%s_amd64.deb", d.Name, version), file})
	}
	return nil
}

func writeEtcdpasswd(file, version, agent string) error {
	program, err := os.ReadFile(agent)
	if err != nil {
		return err
	}
	control := "Package: etcdpasswd\nVersion: " + version + "\nArchitecture: amd64\n" +
		"Maintainer: The Neco Authors <neco@users.noreply.github.com>\nSection: admin\nPriority: optional\n" +
		"Description: stand-in for etcdpasswd in a virtual data centre\n"
	data, err := debTar([]debFile{
		{"./lib/systemd/system/ep-agent.service", []byte(epAgentUnit), 0o644},
		{"./usr/sbin/ep-agent", program, 0o755},
	}, "./lib/", "./lib/systemd/", "./lib/systemd/system/", "./usr/", "./usr/sbin/")
	if err != nil {
		return err
	}
	meta, err := debTar([]debFile{{"./control", []byte(control), 0o644}})
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString("!<arch>\n")
	for _, m := range []debFile{{"debian-binary", []byte("2.0\n"), 0}, {"control.tar.gz", meta, 0}, {"data.tar.gz", data, 0}} {
		fmt.Fprintf(&b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", m.name, 0, 0, 0, "100644", len(m.data))
		b.Write(m.data)
		if len(m.data)%2 == 1 {
			b.WriteByte('\n')
		}
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}

type debFile struct {
	name string
	data []byte
	mode int64
}

// debTar returns a gzipped tar archive of the given directories and files, with root as
// their owner.
func debTar(files []debFile, dirs ...string) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, d := range append([]string{"./"}, dirs...) {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: d, Mode: 0o755, ModTime: time.Unix(0, 0)}); err != nil {
			return nil, err
		}
	}
	for _, f := range files {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: f.mode, Size: int64(len(f.data)), ModTime: time.Unix(0, 0)}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	err := z.Close()
	return b.Bytes(), err
}
