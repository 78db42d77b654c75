package host

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func mine(path, data string, mode os.FileMode) File {
	return File{Path: path, Data: []byte(data), Mode: mode, UID: os.Geteuid(), GID: os.Getegid()}
}

func mustWrite(t *testing.T, f FS, path, data string) {
	t.Helper()
	if _, err := f.Write(mine(path, data, 0644)); err != nil {
		t.Fatal(err)
	}
}

func TestPathsAreBelowTheRoot(t *testing.T) {
	for root, want := range map[string]string{"": "/etc/x", "/": "/etc/x", "/srv/boot-0": "/srv/boot-0/etc/x"} {
		if got := (FS{Root: root}).Path("/etc/x"); got != want {
			t.Errorf("Path below %q = %s, want %s", root, got, want)
		}
	}
}

func TestWrite(t *testing.T) {
	f := FS{Root: t.TempDir()}
	steps := []struct {
		name    string
		file    File
		changed bool
	}{
		{"makes a file and its parents", mine("/etc/neco/key", "one", 0600), true},
		{"leaves alone what is as it should be", mine("/etc/neco/key", "one", 0600), false},
		{"replaces other contents", mine("/etc/neco/key", "two", 0600), true},
		{"replaces another mode", mine("/etc/neco/key", "two", 0640), true},
	}
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			changed, err := f.Write(s.file)
			if err != nil || changed != s.changed {
				t.Fatalf("Write = %v, %v", changed, err)
			}
			data, err := f.Read(s.file.Path)
			if err != nil || string(data) != string(s.file.Data) {
				t.Errorf("contents = %q, %v", data, err)
			}
			if fi, err := os.Stat(f.Path(s.file.Path)); err != nil || fi.Mode() != s.file.Mode {
				t.Errorf("mode = %v, %v", fi.Mode(), err)
			}
		})
	}
	if fi, err := os.Stat(f.Path("/etc/neco")); err != nil || fi.Mode().Perm() != 0755 {
		t.Errorf("parent: %v, %v", fi.Mode(), err)
	}
	if left := names(t, f.Path("/etc/neco")); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestWriteReplacesALinkItself(t *testing.T) {
	f := FS{Root: t.TempDir()}
	mustWrite(t, f, "/target", "same")
	if err := os.Symlink(f.Path("/target"), f.Path("/link")); err != nil {
		t.Fatal(err)
	}
	if changed, err := f.Write(mine("/link", "same", 0644)); err != nil || !changed {
		t.Fatalf("Write = %v, %v", changed, err)
	}
	if fi, err := os.Lstat(f.Path("/link")); err != nil || !fi.Mode().IsRegular() {
		t.Errorf("link: %v, %v", fi.Mode(), err)
	}
}

func TestWriteSetsTheOwner(t *testing.T) {
	// Only root can change the owner of a file.
	uid, gid := os.Getuid(), os.Getgid()
	if os.Geteuid() == 0 {
		uid, gid = 10000, 10000
	}
	f := FS{Root: t.TempDir()}
	file := File{Path: "/key", Data: []byte("x"), Mode: 0600, UID: 10000, GID: 10000}
	for _, want := range []bool{true, false} {
		if changed, err := f.Write(file); err != nil || changed != want {
			t.Errorf("Write = %v, %v", changed, err)
		}
	}
	fi, err := os.Stat(f.Path("/key"))
	if err != nil {
		t.Fatal(err)
	}
	if st := fi.Sys().(*syscall.Stat_t); int(st.Uid) != uid || int(st.Gid) != gid {
		t.Errorf("owner = %d:%d, want %d:%d", st.Uid, st.Gid, uid, gid)
	}
}

func TestWriteSurvivesWhatACrashLeft(t *testing.T) {
	f := FS{Root: t.TempDir()}
	mustWrite(t, f, "/.key.neco-new", "half of somethi")
	mustWrite(t, f, "/key", "whole")
	if diff := cmp.Diff([]string{"key"}, names(t, f.Path("/"))); diff != "" {
		t.Error(diff)
	}
}

func TestAWriteThatFailsLeavesTheOldFile(t *testing.T) {
	f := FS{Root: t.TempDir()}
	mustWrite(t, f, "/dir/file", "x")
	if _, err := f.Write(mine("/dir", "x", 0644)); err == nil || !strings.Contains(err.Error(), f.Path("/dir")) {
		t.Errorf("a directory in the way: %v", err)
	}
	if _, err := f.Write(mine("/dir/file/x", "x", 0644)); err == nil {
		t.Error("a file as a parent is no error")
	}
	if data, err := f.Read("/dir/file"); err != nil || string(data) != "x" {
		t.Errorf("old file: %q, %v", data, err)
	}
	if diff := cmp.Diff([]string{"dir"}, names(t, f.Path("/"))); diff != "" {
		t.Error(diff)
	}
}

func TestRemove(t *testing.T) {
	f := FS{Root: t.TempDir()}
	mustWrite(t, f, "/file", "x")
	for range 2 { // the second time it does not exist
		if err := f.Remove("/file"); err != nil {
			t.Error(err)
		}
	}
	if err := f.Remove("/none/file"); err != nil {
		t.Errorf("without its directory: %v", err)
	}
}

func TestLock(t *testing.T) {
	f := FS{Root: t.TempDir()}
	release, err := f.Lock(t.Context(), "/run/neco.lock")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := f.Lock(ctx, "/run/neco.lock"); err == nil || !strings.Contains(err.Error(), "neco.lock") {
		t.Errorf("a held lock: %v", err)
	}
	release()
	again, err := f.Lock(t.Context(), "/run/neco.lock")
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestHostID(t *testing.T) {
	t.Run("is made once, whoever asks first", func(t *testing.T) {
		f := FS{Root: t.TempDir()}
		ids := make([]string, 8)
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() { ids[i], _ = f.HostID() })
		}
		wg.Wait()
		for _, id := range ids {
			if len(id) != 32 || id != ids[0] {
				t.Fatalf("ids = %v", ids)
			}
		}
		if left := names(t, f.Path("/var/lib/neco")); len(left) != 1 {
			t.Errorf("left behind: %v", left)
		}
	})
	t.Run("differs from host to host", func(t *testing.T) {
		a, _ := FS{Root: t.TempDir()}.HostID()
		b, _ := FS{Root: t.TempDir()}.HostID()
		if a == b {
			t.Errorf("both are %s", a)
		}
	})
	t.Run("is not made up where the file is damaged", func(t *testing.T) {
		f := FS{Root: t.TempDir()}
		mustWrite(t, f, hostIDFile, "damaged")
		if id, err := f.HostID(); err == nil {
			t.Errorf("HostID = %s", id)
		}
	})
}

func TestWhoTheHostIs(t *testing.T) {
	f := FS{Root: t.TempDir()}
	if _, err := f.LRN(); err == nil || !strings.Contains(err.Error(), f.Path("/etc/neco/rack")) {
		t.Errorf("without a file: %v", err)
	}
	mustWrite(t, f, "/etc/neco/rack", "2\n")
	mustWrite(t, f, "/etc/neco/cluster", "stage0\n")
	if lrn, err := f.LRN(); err != nil || lrn != 2 {
		t.Errorf("LRN = %d, %v", lrn, err)
	}
	if cluster, err := f.Cluster(); err != nil || cluster != "stage0" {
		t.Errorf("Cluster = %s, %v", cluster, err)
	}
	for _, bad := range []string{"-1", "", "two", "1 2"} {
		mustWrite(t, f, "/etc/neco/rack", bad)
		if lrn, err := f.LRN(); err == nil {
			t.Errorf("LRN of %q = %d", bad, lrn)
		}
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, filepath.Base(e.Name()))
	}
	return list
}

func TestCopyAndLinkReplaceWhatIsThere(t *testing.T) {
	f := FS{Root: t.TempDir()}
	for _, text := range []string{"one", "two"} {
		mustWrite(t, f, "/usr/lib/x", text)
		mustWrite(t, f, "/var/lib/y/."+"z.neco-new", "of a crash")
		if err := f.Copy("/usr/lib/x", "/var/lib/y/z", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := f.Link(text, "/var/lib/y/current"); err != nil {
			t.Fatal(err)
		}
		data, err := f.Read("/var/lib/y/z")
		info, statErr := os.Stat(f.Path("/var/lib/y/z"))
		target, linkErr := os.Readlink(f.Path("/var/lib/y/current"))
		if string(data) != text || err != nil || statErr != nil || info.Mode() != 0o755 || target != text || linkErr != nil {
			t.Errorf("%q %v, %v %v, %q %v", data, err, info, statErr, target, linkErr)
		}
		if left := names(t, f.Path("/var/lib/y")); len(left) != 2 {
			t.Errorf("left are %q", left)
		}
	}
	if err := f.Copy("/absent", "/var/lib/y/z", 0o755); !os.IsNotExist(err) {
		t.Errorf("error %v", err)
	}
	if data, err := f.Read("/var/lib/y/z"); string(data) != "two" || err != nil {
		t.Errorf("after an error: %q, %v", data, err)
	}
}

func TestAnAbsoluteLinkLeadsBelowTheRoot(t *testing.T) {
	f := FS{Root: t.TempDir()}
	mustWrite(t, f, "/var/lib/neco/cke/1/cke", "x")
	for link, target := range map[string]string{
		"/usr/cke": "/var/lib/neco/current/cke", "/var/lib/neco/current": "cke/1", "/usr/lost": "/etc/lost", "/usr/loop": "/usr/loop",
	} {
		if err := os.MkdirAll(filepath.Dir(f.Path(link)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, f.Path(link)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := f.Follow("/usr/cke")
	if want := f.Path("/var/lib/neco/cke/1/cke"); got != want || err != nil {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	for p, want := range map[string]bool{"/usr/cke": true, "/usr/lost": false} {
		if is, err := f.Exists(p); is != want || err != nil {
			t.Errorf("%s exists: %t, %v", p, is, err)
		}
	}
	if _, err := f.Exists("/usr/loop"); err == nil {
		t.Error("a loop of links can be read")
	}
	if got, err := (FS{}).Follow("/usr/cke"); got != "/usr/cke" || err != nil {
		t.Errorf("without a root: %s, %v", got, err)
	}
}
