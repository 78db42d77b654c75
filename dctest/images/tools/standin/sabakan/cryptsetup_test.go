package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestCryptsetupKeepsTheDiskWhoseKeyIsKnown(t *testing.T) {
	c := newServer(t)
	c.call(http.StatusOK, http.MethodPut, "/api/v1/config/ipam", plan)
	c.call(http.StatusCreated, http.MethodPost, "/api/v1/machines", `[{"serial": "SN-1", "rack": 0, "role": "cs", "labels": {}, "bmc": {"type": "IPMI-2.0"}}]`)
	server := httptest.NewServer(c.h)
	defer server.Close()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write("serial", "SN-1\n")
	write("program", c.call(http.StatusOK, http.MethodGet, "/api/v1/cryptsetup", ""))
	run := func() (id string, err error) {
		t.Helper()
		write("disk/data", "data")
		cmd := exec.Command("sh", filepath.Join(dir, "program"))
		cmd.Env = append(os.Environ(), "SABAKAN_URL="+server.URL, "DISK="+filepath.Join(dir, "disk"), "SERIAL_FILE="+filepath.Join(dir, "serial"))
		out, err := cmd.CombinedOutput()
		t.Logf("%s", out)
		found, _ := os.ReadFile(filepath.Join(dir, "disk/.crypt-id"))
		return strings.TrimSpace(string(found)), err
	}
	kept := func() bool {
		_, err := os.Stat(filepath.Join(dir, "disk/data"))
		return err == nil
	}

	first, err := run()
	if err != nil || kept() || len(first) != 32 {
		t.Fatalf("a new disk: id %q, %v; its data are left: %t", first, err, kept())
	}
	if key := c.call(http.StatusOK, http.MethodGet, "/api/v1/crypts/SN-1/"+first, ""); len(key) != 64 {
		t.Errorf("the key has %d bytes", len(key))
	}
	if again, err := run(); err != nil || again != first || !kept() {
		t.Errorf("the same disk: id %q, %v; its data are left: %t", again, err, kept())
	}
	c.call(http.StatusOK, http.MethodPut, "/api/v1/state/SN-1", "retiring")
	c.call(http.StatusOK, http.MethodDelete, "/api/v1/crypts/SN-1", "")
	if _, err := run(); err == nil || !kept() {
		t.Errorf("a retiring machine: %v; its data are left: %t", err, kept())
	}
}
