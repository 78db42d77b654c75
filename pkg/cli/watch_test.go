package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/cli"
)

// program is a neco command that runs within the process of the test.
type program struct {
	lines *bufio.Scanner
	code  chan int
	errs  *bytes.Buffer
}

// start starts a neco command, which runs until it or the test ends.
func start(t *testing.T, env cli.Env, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	r, w := io.Pipe()
	p := &program{bufio.NewScanner(r), make(chan int, 1), &bytes.Buffer{}}
	go func() {
		p.code <- cli.Run(ctx, env, args, strings.NewReader(""), w, p.errs)
		_ = w.Close()
	}()
	return p
}

// until reads lines of the command's output until one matches.
func (p *program) until(t *testing.T, pattern string) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	var seen []string
	for p.lines.Scan() {
		seen = append(seen, p.lines.Text())
		if re.MatchString(p.lines.Text()) {
			return
		}
	}
	t.Fatalf("no line matches %q: %q", pattern, seen)
}

// putStatus writes the status of boot server 0.
func putStatus(t *testing.T, client *clientv3.Client, step, cond int) {
	t.Helper()
	mustPut(t, client, "status/bootservers/0",
		fmt.Sprintf(`{"version":%q,"step":%d,"cond":%d,"started_at":"2024-01-02T15:00:00Z"}`, testVersion, step, cond))
}

func mustPut(t testing.TB, client *clientv3.Client, key, value string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), etcdTimeout)
	defer cancel()
	if _, err := client.Put(ctx, key, value); err != nil {
		t.Fatal(err)
	}
}

func TestWatchFollowsAnUpdateToItsEnd(t *testing.T) {
	cluster := startEtcd(t)
	client := newClient(t, cluster, "/watch/")
	env := cli.System(testVersion)
	env.FS.Root = t.TempDir()
	if err := writeConfig(env.FS.Root, cluster, "/watch/"); err != nil {
		t.Fatal(err)
	}
	mustPut(t, client, "info/bootservers/0", "")
	mustPut(t, client, "presence/0", `{"version":"2024.01.02-3","pid":1,"since":"2024-01-02T15:00:00Z"}`)
	p := start(t, env, "status", "--watch", "--wait")
	p.until(t, `^0 .* idle `)

	mustPut(t, client, "status/current", `{"version":"2024.01.02-3","servers":[0],"started_at":"2024-01-02T15:00:00Z"}`)
	p.until(t, `update 2024.01.02-3 running`)
	putStatus(t, client, 6, 1)
	p.until(t, `boot server 0: step 6/18 serf$`)
	putStatus(t, client, 7, 1)
	p.until(t, `boot server 0: step 7/18 setup-serf-tags$`)
	putStatus(t, client, 18, 3)
	p.until(t, `update 2024.01.02-3 complete`)
	p.until(t, `boot server 0: completed$`)
	if code := <-p.code; code != 0 {
		t.Errorf("exit code %d: %s", code, p.errs)
	}
}

func TestWatchEndsWithoutAnErrorWhenInterrupted(t *testing.T) {
	cluster := startEtcd(t)
	env := cli.System(testVersion)
	env.FS.Root = t.TempDir()
	if err := writeConfig(env.FS.Root, cluster, "/interrupted/"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- cli.Run(ctx, env, []string{"status", "--watch", "-o", "json"}, strings.NewReader(""), w, io.Discard)
	}()
	if line, err := bufio.NewReader(r).ReadString('\n'); err != nil || !strings.Contains(line, `"state":"none"`) {
		t.Fatalf("%q, %v", line, err)
	}
	cancel()
	if got := <-code; got != 0 {
		t.Errorf("exit code %d", got)
	}
}
