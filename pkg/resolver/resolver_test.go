package resolver

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/cybozu-go/neco/pkg/host"
)

// serve starts a DNS server that responds with an address for the names in known, and with
// code for others. It returns its address.
func serve(t *testing.T, code dnsmessage.RCode, known ...string) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { conn.Close(); wg.Wait() })
	wg.Go(func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return // closed
			}
			res, err := answer(buf[:n], code, known)
			if err != nil {
				t.Error(err)
				return
			}
			conn.WriteTo(res, from)
		}
	})
	return conn.LocalAddr().String()
}

func answer(query []byte, code dnsmessage.RCode, known []string) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil {
		return nil, err
	}
	m.Response, m.RecursionAvailable, m.RCode, m.Additionals = true, true, code, nil
	q := m.Questions[0]
	for _, name := range known {
		if q.Name.String() == name+"." && q.Type == dnsmessage.TypeA {
			m.RCode = dnsmessage.RCodeSuccess
			m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
				Body:   &dnsmessage.AResource{A: [4]byte{10, 68, 0, 1}},
			}}
		}
	}
	return m.Pack()
}

// silent returns the address of a server that never responds.
func silent(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.LocalAddr().String()
}

func newServer(t *testing.T, address, before string) Server {
	t.Helper()
	s := Server{
		FS: host.FS{Root: t.TempDir()}, Address: address,
		IsActive: func(context.Context, string) (bool, error) { return false, nil },
	}
	write(t, s, before)
	return s
}

func write(t *testing.T, s Server, contents string) {
	t.Helper()
	if _, err := s.FS.Write(host.File{Path: path, Data: []byte(contents), Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, s Server, p string) string {
	t.Helper()
	data, err := s.FS.Read(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

const before = "nameserver 10.0.0.53\n"

func TestTheFirstFileIsKept(t *testing.T) {
	s := newServer(t, serve(t, dnsmessage.RCodeNameError, ClusterName, "squid.example"), before)
	for _, want := range []string{"/etc/resolv.conf replaced", ""} {
		if note, err := s.Use(t.Context(), ClusterName, "squid.example"); note != want || err != nil {
			t.Errorf("note %q, %v; want %q", note, err, want)
		}
	}
	write(t, s, "nameserver 10.0.0.54\n")
	if note, err := s.Use(t.Context(), ClusterName); !strings.Contains(note, "replaced") || err != nil {
		t.Errorf("note %q, %v", note, err)
	}
	if got := read(t, s, path); got != string(text) {
		t.Errorf("the file is %q", got)
	}
	if got := read(t, s, kept); got != before {
		t.Errorf("kept is %q", got)
	}
}

func TestAMissingFileIsWritten(t *testing.T) {
	s := newServer(t, serve(t, dnsmessage.RCodeNameError, ClusterName), before)
	if err := s.FS.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Use(t.Context(), ClusterName); err != nil {
		t.Fatal(err)
	}
	if got := read(t, s, path); got != string(text) {
		t.Errorf("the file is %q", got)
	}
	if there, err := s.FS.Exists(kept); there || err != nil {
		t.Errorf("kept exists: %t, %v", there, err)
	}
}

// TestAServerKeepsItsResolver checks that /etc/resolv.conf is unchanged if the resolver at
// 127.0.0.1 does not resolve every name that the server needs.
func TestAServerKeepsItsResolver(t *testing.T) {
	for _, tt := range []struct{ name, address, want string }{
		{"nothing listens", "127.0.0.1:1", "refused"},
		{"it never responds", silent(t), "no response within 3s"},
		{"it does not know the cluster", serve(t, dnsmessage.RCodeNameError, "squid.example"), ClusterName},
		{"it does not know the proxy", serve(t, dnsmessage.RCodeNameError, ClusterName), "squid.example: no such host"},
		{"the resolver behind it is down", serve(t, dnsmessage.RCodeServerFailure, ClusterName), "squid.example: server misbehaving"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, tt.address, before)
			note, err := s.Use(t.Context(), ClusterName, "squid.example")
			if err != nil || !strings.Contains(note, "left alone: "+tt.address) || !strings.Contains(note, tt.want) {
				t.Errorf("note %q, %v; want %q", note, err, tt.want)
			}
			if got := read(t, s, path); got != before {
				t.Errorf("the file is %q", got)
			}
		})
	}
}

func TestAFileOfAnotherProgramIsLeftAlone(t *testing.T) {
	good := serve(t, dnsmessage.RCodeNameError, ClusterName)
	t.Run("a link", func(t *testing.T) {
		s := newServer(t, good, before)
		const to = "../run/systemd/resolve/stub-resolv.conf"
		if err := os.Remove(s.FS.Path(path)); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, s.FS.Path(path)); err != nil {
			t.Fatal(err)
		}
		if note, err := s.Use(t.Context(), ClusterName); !strings.Contains(note, to) || err != nil {
			t.Errorf("note %q, %v", note, err)
		}
		if link, err := os.Readlink(s.FS.Path(path)); link != to || err != nil {
			t.Errorf("link to %q, %v", link, err)
		}
	})
	t.Run("systemd-resolved", func(t *testing.T) {
		s := newServer(t, good, before)
		s.IsActive = func(_ context.Context, name string) (bool, error) { return name == "systemd-resolved", nil }
		if note, err := s.Use(t.Context(), ClusterName); !strings.Contains(note, "systemctl disable --now systemd-resolved") || err != nil {
			t.Errorf("note %q, %v", note, err)
		}
		if got := read(t, s, path); got != before {
			t.Errorf("the file is %q", got)
		}
	})
	t.Run("systemd does not respond", func(t *testing.T) {
		s := newServer(t, good, before)
		down := errors.New("connection refused")
		s.IsActive = func(context.Context, string) (bool, error) { return false, down }
		if note, err := s.Use(t.Context(), ClusterName); !errors.Is(err, down) {
			t.Errorf("note %q, %v", note, err)
		}
	})
	t.Run("a file that cannot be replaced", func(t *testing.T) {
		s := newServer(t, good, before)
		if err := os.Mkdir(s.FS.Path(filepath.Dir(path)+"/.resolv.conf.neco-new"), 0o755); err != nil {
			t.Fatal(err)
		}
		put := s.FS.Path(filepath.Dir(path) + "/.resolv.conf.neco-new/busy")
		if err := os.WriteFile(put, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if note, err := s.Use(t.Context(), ClusterName); !strings.Contains(note, "left alone: ") || err != nil {
			t.Errorf("note %q, %v", note, err)
		}
	})
}

// TestTheSameSettingsAreLeftAsTheyAre uses the address of no resolver: no query is made.
func TestTheSameSettingsAreLeftAsTheyAre(t *testing.T) {
	const docker = "# Generated by Docker Engine.\n\nnameserver  127.0.0.1\noptions ndots:3\nsearch cluster.local\n; by hand\n"
	s := newServer(t, "127.0.0.1:1", docker)
	if note, err := s.Use(t.Context(), ClusterName); note != "" || err != nil {
		t.Errorf("note %q, %v", note, err)
	}
	if got := read(t, s, path); got != docker {
		t.Errorf("the file is %q", got)
	}
}
