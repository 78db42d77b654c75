package main

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/pkg/cke/userresource"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

const (
	prod = "cilium.yaml"
	pre  = "cilium-pre.yaml"
)

func ciliumConfig(t *testing.T, file string) map[string]string {
	t.Helper()
	return find[*corev1.ConfigMap](t, file, "ConfigMap/kube-system/cilium-config").Data
}

func TestCiliumIsChainedOnCoil(t *testing.T) {
	for _, file := range []string{prod, pre} {
		data := ciliumConfig(t, file)
		for key, want := range map[string]string{
			"cni-chaining-mode": "generic-veth", "custom-cni-conf": "true", "devices": "eth+ eno1+ eno2+", "tunnel": "disabled",
			"enable-ipv4-masquerade": "false", "enable-identity-mark": "false", "enable-policy": "default", "policy-audit-mode": "false",
		} {
			if data[key] != want {
				t.Errorf("%s: %s is %q, want %q", file, key, data[key], want)
			}
		}
		var metrics []string
		for _, m := range strings.Fields(data["hubble-metrics"]) {
			name, _, _ := strings.Cut(m, ":")
			metrics = append(metrics, name)
		}
		if want := []string{"dns", "drop", "tcp", "flow", "icmp", "http"}; !slices.Equal(metrics, want) {
			t.Errorf("%s: metrics %q", file, metrics)
		}
	}
}

// TestOnlyThePreManifestReplacesKubeProxy compares the keys in which the two manifests
// differ.
func TestOnlyThePreManifestReplacesKubeProxy(t *testing.T) {
	data, other := ciliumConfig(t, pre), ciliumConfig(t, prod)
	differ := map[string]string{}
	for key, v := range data {
		if old, ok := other[key]; !ok || old != v {
			differ[key] = v
		}
		delete(other, key)
	}
	want := map[string]string{
		"bgp-announce-lb-ip": "true", "bpf-lb-acceleration": "disabled", "bpf-lb-algorithm": "maglev", "bpf-lb-mode": "dsr", "bpf-lb-maglev-hash-seed": "3HCx6JennjWtot2U",
		"bpf-lb-sock-hostns-only": "true", "direct-routing-device": "e+", "enable-external-ips": "true", "enable-host-legacy-routing": "true", "enable-host-port": "true",
		"enable-host-reachable-services": "true", "enable-node-port": "true", "kube-proxy-replacement": "partial", "kube-proxy-replacement-healthz-bind-address": "",
	}
	if !maps.Equal(differ, want) || len(other) > 0 {
		t.Errorf("differ in %v; only in prod: %v", differ, other)
	}
	if v := ciliumConfig(t, prod)["kube-proxy-replacement"]; v != "disabled" {
		t.Errorf("prod replaces kube-proxy: %s", v)
	}
}

func TestCiliumReachesTheAPIServerWithoutKubeProxy(t *testing.T) {
	for file, want := range map[string]bool{prod: false, pre: true} {
		d := find[*appsv1.DaemonSet](t, file, "DaemonSet/kube-system/cilium").Spec.Template.Spec
		o := find[*appsv1.Deployment](t, file, "Deployment/kube-system/cilium-operator").Spec.Template.Spec
		for _, c := range []corev1.Container{d.Containers[0], o.Containers[0]} {
			env := map[string]string{}
			for _, e := range c.Env {
				env[e.Name] = e.Value
			}
			if env["KUBERNETES_SERVICE_HOST"] == "127.0.0.1" != want || env["KUBERNETES_SERVICE_PORT"] == "16443" != want {
				t.Errorf("%s: %s has %v", file, c.Name, env)
			}
		}
	}
}

func TestCiliumsReplicasAndAdditions(t *testing.T) {
	for _, file := range []string{prod, pre} {
		for name, want := range map[string]int32{"cilium-operator": 2, "hubble-relay": 1} {
			if n := *find[*appsv1.Deployment](t, file, "Deployment/kube-system/"+name).Spec.Replicas; n != want {
				t.Errorf("%s: %d replicas of %s", file, n, name)
			}
		}
		if n := find[*policyv1.PodDisruptionBudget](t, file, "PodDisruptionBudget/kube-system/cilium-operator").Spec.MaxUnavailable.IntVal; n != 1 {
			t.Errorf("%s: %d may be unavailable", file, n)
		}
		for name, n := range map[string]int{"aggregate-cilium-netpol-admin-edit": 3, "aggregate-cilium-view": 17} {
			r := find[*rbacv1.ClusterRole](t, file, "ClusterRole/"+name)
			if len(r.Rules) != 1 || len(r.Rules[0].Resources) != n || len(r.Labels) != 2 {
				t.Errorf("%s: %s has %v, %v", file, name, r.Labels, r.Rules)
			}
		}
	}
}

// bgp is a BGP configuration of Cilium.
type bgp struct {
	Peers []struct {
		Address string `json:"peer-address"`
		ASN     int    `json:"peer-asn"`
		MyASN   int    `json:"my-asn"`
	} `json:"peers"`
	Pools []struct {
		Name       string   `json:"name"`
		Protocol   string   `json:"protocol"`
		AutoAssign *bool    `json:"auto-assign"`
		Addresses  []string `json:"addresses"`
	} `json:"address-pools"`
}

func TestCiliumAnnouncesTheAddressesThatAreSet(t *testing.T) {
	text, err := os.ReadFile(etc + pre)
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string]string{"default": "lbAddressDefault", "bastion": "lbAddressBastion", "internet": "lbAddressInternet"}
	for _, set := range [][]string{{"default", "bastion", "internet"}, {"bastion"}, {}} {
		v := map[string]string{"lbAddressDefault": "", "lbAddressBastion": "", "lbAddressInternet": ""}
		for _, pool := range set {
			v[blocks[pool]] = values[blocks[pool]]
		}
		rendered, err := userresource.Render(pre, text, v)
		if err != nil {
			t.Fatal(err)
		}
		all, err := decode(rendered)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(all, func(o object) bool { return o.key == "ConfigMap/kube-system/bgp-config" })
		var got bgp
		if err := yaml.UnmarshalStrict([]byte(all[i].value.(*corev1.ConfigMap).Data["config.yaml"]), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Peers) != 1 || got.Peers[0].Address != "127.0.0.1" || got.Peers[0].ASN != 64699 || got.Peers[0].MyASN != 64698 {
			t.Errorf("peers %v", got.Peers)
		}
		var pools []string
		for _, p := range got.Pools {
			pools = append(pools, p.Name)
			if p.Protocol != "bgp" || len(p.Addresses) != 1 || p.Addresses[0] != v[blocks[p.Name]] || (p.AutoAssign == nil) != (p.Name == "default") {
				t.Errorf("pool %v", p)
			}
		}
		if !slices.Equal(pools, set) {
			t.Errorf("pools %q, want %q", pools, set)
		}
	}
}
