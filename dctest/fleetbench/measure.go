package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/sabakantest"
	"github.com/cybozu-go/neco/dctest/sandbox/etcd"
	"github.com/cybozu-go/neco/pkg/fleet"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
	"github.com/cybozu-go/neco/pkg/storage"
)

const (
	// machineType is the type of all machines in the configuration of the package.
	machineType = "r640-cs-2"
	// inRack is the number of machines in a rack.
	inRack = 28
	// plan is where sabakan takes addresses from.
	plan = `{"max-nodes-in-rack": 28, "node-ipv4-pool": "127.64.0.0/14", "node-ipv4-range-size": 6, "node-ipv4-range-mask": 26,
		"node-ip-per-node": 3, "node-index-offset": 3, "node-gateway-offset": 1, "bmc-ipv4-pool": "127.96.0.0/14", "bmc-ipv4-offset": "0.0.1.0",
		"bmc-ipv4-range-size": 5, "bmc-ipv4-range-mask": 14, "bmc-ipv4-gateway-offset": 1}`
	// atOnce is how many machines are registered in one request.
	atOnce = 500
	// prefix is that of Neco's keys in etcd.
	prefix = "/neco/"
	// aim is how long a round should take: the time in which a machine must answer, and five
	// seconds. maxMemory is the limit of the resident memory in bytes.
	aim       = fleet.Timeout + 5*time.Second
	maxMemory = 200 << 20
	// roundLimit is how long a round may take until the measurement fails: other work on the machine
	// may be the reason.
	roundLimit = 10 * aim
)

// options are the flags.
type options struct{ machines, rounds int }

func serialOf(i int) string { return fmt.Sprintf("M%06d", i) }

func numberOf(serial string) (int, error) { return strconv.Atoi(strings.TrimPrefix(serial, "M")) }

// measure makes a fleet, runs sabakan-state-setter, and reports to w.
func measure(ctx context.Context, o options, w io.Writer) error {
	dir, err := os.MkdirTemp("", "fleetbench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := bench{options: o, dir: dir, w: w}
	defer b.close()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	return b.run(ctx)
}

// bench is a measurement.
type bench struct {
	options
	dir     string
	w       io.Writer
	store   *storage.Storage
	sabakan *sabakan.Client
	url     string
	serf    string
	fleet   *exec.Cmd
	// closers end what the measurement has started, the last one first.
	closers []func()
}

func (b *bench) close() {
	for i := range b.closers {
		b.closers[len(b.closers)-1-i]()
	}
}

// prepare starts etcd, sabakan with all machines, and the fleet.
func (b *bench) prepare(ctx context.Context) error {
	cluster, err := etcd.Start(ctx, etcd.Options{Dir: filepath.Join(b.dir, "etcd"), Members: 1, NoFsync: true})
	if err != nil {
		return err
	}
	b.closers = append(b.closers, cluster.Close)
	c, err := cluster.Client(prefix)
	if err != nil {
		return err
	}
	b.closers = append(b.closers, func() { _ = c.Close() })
	b.store = storage.New(c)
	if err := b.store.Register(ctx, 0); err != nil {
		return err
	}
	endpoints := ""
	for _, e := range cluster.Endpoints() {
		endpoints += "- http://" + e + "\n"
	}
	files := map[string]string{neco.RackFile: "0\n", "/etc/hostname": "boot-0\n", neco.NecoConfFile: "prefix: " + prefix + "\nendpoints:\n" + endpoints}
	for name, text := range files {
		path := filepath.Join(b.dir, "root", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	dir := filepath.Join(b.dir, "sabakan")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	url, stop, err := sabakantest.Launch(ctx, dir)
	if err != nil {
		return err
	}
	b.closers = append(b.closers, stop)
	b.url, b.sabakan = url, sabakan.New(url)
	b.closers = append(b.closers, b.sabakan.Close)
	if err := b.register(ctx); err != nil {
		return err
	}
	return b.startFleet(ctx)
}

// register registers all machines. Those that hang have been healthy.
func (b *bench) register(ctx context.Context) error {
	if err := b.sabakan.PutIPAM(ctx, []byte(plan)); err != nil {
		return err
	}
	for first := 0; first < b.machines; first += atOnce {
		var specs []sabakan.Spec
		for i := first; i < min(first+atOnce, b.machines); i++ {
			specs = append(specs, sabakan.Spec{
				Serial: serialOf(i), Rack: i / inRack, Role: "cs", Labels: map[string]string{statesetter.TypeLabel: machineType},
				Retires: time.Now().AddDate(5, 0, 0), BMC: sabakan.BMC{Type: "iDRAC"},
			})
		}
		if err := b.sabakan.CreateMachines(ctx, specs); err != nil {
			return err
		}
	}
	for i := range b.machines {
		if conductOf(i) == hanging {
			if err := b.sabakan.SetState(ctx, serialOf(i), sabakan.Healthy); err != nil {
				return err
			}
		}
	}
	return nil
}

// startFleet starts the machines, and waits until they can be observed.
func (b *bench) startFleet(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	b.fleet = exec.CommandContext(ctx, self, fleetCommand, b.url)
	b.fleet.Stderr = os.Stderr
	b.fleet.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := b.fleet.StdoutPipe()
	if err != nil {
		return err
	}
	if err := b.fleet.Start(); err != nil {
		return err
	}
	b.closers = append(b.closers, func() {
		_ = b.fleet.Process.Kill()
		_ = b.fleet.Wait()
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	var r ready
	if err == nil {
		err = json.Unmarshal(line, &r)
	}
	b.serf = r.Serf
	if err != nil {
		return fmt.Errorf("the fleet has not started: %w", err)
	}
	return nil
}

// run runs sabakan-state-setter for the first round and for the others, and judges.
func (b *bench) run(ctx context.Context) error {
	binary := filepath.Join(b.dir, "sabakan-state-setter")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/cybozu-go/neco/cmd/sabakan-state-setter").CombinedOutput(); err != nil {
		return fmt.Errorf("build sabakan-state-setter: %w: %s", err, out)
	}
	var log bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, "--root", filepath.Join(b.dir, "root"), "--config-file", "etc/sabakan-state-setter.yml", "--sabakan-url", b.url, "--serf-address", b.serf, "--interval", "1s")
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() {
		_ = cmd.Process.Kill()
		<-ended
		ended <- nil
	}()
	fmt.Fprintf(b.w, "%d machines: one of 20 answers after %s, one of 100 does not answer; the aim of a round is %s, that of the memory %d MiB\n", b.machines, slowness, aim, maxMemory>>20)
	var before usage
	for round := 0; round <= b.rounds; round++ {
		at, err := b.await(ctx, before.at)
		if err != nil {
			return errors.Join(err, fmt.Errorf("sabakan-state-setter: %s", last(log.Bytes())))
		}
		now := usage{at: at, own: cpuOf(cmd.Process.Pid), fleet: cpuOf(b.fleet.Process.Pid), memory: peakOf(cmd.Process.Pid)}
		if round > 0 {
			fmt.Fprintf(b.w, "round %d: %.1f s; processor: sabakan-state-setter %.1f s, the fleet %.1f s; peak memory %d MiB\n", round,
				now.at.Sub(before.at).Seconds(), (now.own - before.own).Seconds(), (now.fleet - before.fleet).Seconds(), now.memory>>20)
		}
		before = now
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := <-ended; err != nil {
		return fmt.Errorf("sabakan-state-setter: %w: %s", err, last(log.Bytes()))
	}
	ended <- nil
	if before.memory > maxMemory {
		return fmt.Errorf("the peak memory is %d MiB, more than %d", before.memory>>20, maxMemory>>20)
	}
	return b.check(ctx)
}

// await blocks until a round later than the one at before has been decided, and returns its time.
func (b *bench) await(ctx context.Context, before time.Time) (time.Time, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, roundLimit, fmt.Errorf("no round within %s", roundLimit))
	defer cancel()
	var at time.Time
	err := retry.Until(ctx, func() error {
		m, err := b.memory(ctx)
		if at = m.At; err == nil && !at.After(before) {
			err = errors.New("no further round")
		}
		return err
	})
	return at, err
}

func (b *bench) memory(ctx context.Context) (statesetter.Memory, error) {
	f, err := b.store.Fleet(ctx)
	if err != nil {
		return statesetter.Memory{}, err
	}
	return fleet.Recall(f)
}

// check checks the result: all machines that answer are healthy, and those that hang are known to
// be bad.
func (b *bench) check(ctx context.Context) error {
	f, err := b.store.Fleet(ctx)
	if err != nil {
		return err
	}
	m, err := fleet.Recall(f)
	if err != nil {
		return err
	}
	all, err := b.sabakan.Search(ctx, sabakan.Params{}, nil)
	if err != nil {
		return err
	}
	var wrong []string
	for _, machine := range all {
		i, err := numberOf(machine.Spec.Serial)
		if err != nil {
			return err
		}
		bad := m.Bad[machine.Spec.Serial].State
		if want := conductOf(i) == hanging; machine.Status.State != sabakan.Healthy || want != (bad == sabakan.Unhealthy) {
			wrong = append(wrong, fmt.Sprintf("%s is %s, bad: %q", machine.Spec.Serial, machine.Status.State, bad))
		}
	}
	if len(all) != b.machines || len(wrong) > 0 {
		return fmt.Errorf("%d of %d machines are wrong: %s", len(wrong), len(all), strings.Join(wrong[:min(len(wrong), 10)], "; "))
	}
	fmt.Fprintf(b.w, "all machines that answer are healthy; the %d that hang are bad since the first round\n", len(m.Bad))
	return nil
}
