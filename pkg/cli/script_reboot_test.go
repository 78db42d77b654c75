package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/serf/client"
	"github.com/rogpeppe/go-internal/testscript"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// ckePrefix returns the prefix of the keys of the script's CKE.
func ckePrefix(ts *testscript.TestScript) string {
	return "/" + ts.Value("prefix").(string) + "cke/"
}

// rebootEntry is an entry of the reboot queue of CKE's stand-in.
type rebootEntry struct {
	Index  string   `json:"index"`
	Nodes  []string `json:"nodes"`
	Status string   `json:"status"`
}

// reboots imitates CKE at its reboot queue. reboots begin SERIAL... waits until the queue has one
// entry, with these machines, and begins with it; reboots end restarts them as CKE does, by neco
// reboot-and-wait, and removes the entry. reboots empty checks that there is none.
func reboots(ts *testscript.TestScript, etcd *clientv3.Client, args []string) {
	prefix := strings.TrimPrefix(ckePrefix(ts), "/") + "reboots/data/" // the client adds the slash
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	read := func() (all []rebootEntry, keys []string) {
		res, err := etcd.Get(ctx, prefix, clientv3.WithPrefix())
		ts.Check(err)
		for _, kv := range res.Kvs {
			var e rebootEntry
			ts.Check(json.Unmarshal(kv.Value, &e))
			all, keys = append(all, e), append(keys, string(kv.Key))
		}
		return all, keys
	}
	write := func(key string, e rebootEntry) {
		data, err := json.Marshal(e)
		ts.Check(err)
		_, err = etcd.Put(ctx, key, string(data))
		ts.Check(err)
	}
	switch args[0] {
	case "begin":
		all, keys := read()
		for len(all) == 0 {
			time.Sleep(50 * time.Millisecond)
			all, keys = read()
		}
		var want []string
		for _, serial := range args[1:] {
			want = append(want, address(ts, serial))
		}
		if len(all) != 1 || !slices.Equal(all[0].Nodes, want) {
			ts.Fatalf("the queue has %+v, want one entry with %s", all, want)
		}
		all[0].Status = "rebooting"
		write(keys[0], all[0])
	case "end":
		all, keys := read()
		for _, a := range all[0].Nodes {
			ts.Check(ts.Exec("neco", "--root", ts.Getenv("ROOT"), "reboot-and-wait", "--yes", a))
		}
		_, err := etcd.Delete(ctx, keys[0])
		ts.Check(err)
	case "empty":
		if all, _ := read(); len(all) > 0 {
			ts.Fatalf("the queue has %+v", all)
		}
	default:
		ts.Fatalf("usage: reboots begin SERIAL...|end|empty")
	}
}

func address(ts *testscript.TestScript, serial string) string {
	for _, m := range membersOf(ts, serial) {
		return m.Addr.String()
	}
	ts.Fatalf("serf has no member %s", serial)
	return ""
}

func membersOf(ts *testscript.TestScript, serial string) []client.Member {
	c, err := client.NewRPCClient(ts.Getenv("SERF"))
	ts.Check(err)
	defer c.Close()
	all, err := c.MembersFiltered(map[string]string{"serial": serial}, "", "")
	ts.Check(err)
	return all
}

// boots N SERIAL... checks that the power of each of these machines has changed N times.
func boots(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	want := time.Date(2026, 12, 1, n, 0, 0, 0, time.UTC).Format(time.DateTime)
	for _, serial := range args[1:] {
		for _, m := range membersOf(ts, serial) {
			if m.Tags["uptime"] != want {
				ts.Fatalf("%s has the boot %s, want %s", serial, m.Tags["uptime"], want)
			}
		}
	}
}

// eventually FILE waits until there is such a key below the script's prefix.
func eventually(ts *testscript.TestScript, etcd *clientv3.Client, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	key := ts.Value("prefix").(string) + args[0]
	for {
		res, err := etcd.Get(ctx, key, clientv3.WithPrefix(), clientv3.WithCountOnly())
		ts.Check(err)
		if res.Count > 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// revoke PREFIX revokes the leases of the keys below a prefix, as if etcd had not heard of their
// owners for long.
func revoke(ts *testscript.TestScript, etcd *clientv3.Client, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), etcdTimeout)
	defer cancel()
	res, err := etcd.Get(ctx, ts.Value("prefix").(string)+args[0], clientv3.WithPrefix())
	ts.Check(err)
	for _, kv := range res.Kvs {
		_, err := etcd.Revoke(ctx, clientv3.LeaseID(kv.Lease))
		ts.Check(err)
	}
}

// closedWindow returns hours of the day that do not contain now.
func closedWindow(now time.Time) string {
	return fmt.Sprintf("%s-%s", now.Add(2*time.Hour).Format("15:04"), now.Add(3*time.Hour).Format("15:04"))
}
