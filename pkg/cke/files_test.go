package cke_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// template is what CKE accepts as a template, field by field.
type template struct {
	Name              string   `json:"name"`
	Nodes             []node   `json:"nodes"`
	TaintControlPlane bool     `json:"taint_control_plane"`
	ServiceSubnet     string   `json:"service_subnet"`
	DNSServers        []string `json:"dns_servers"`
	DNSService        string   `json:"dns_service"`
	Reboot            struct {
		Command             []string `json:"command"`
		EvictionTimeout     *int     `json:"eviction_timeout_seconds"`
		CommandTimeout      *int     `json:"command_timeout_seconds"`
		ProtectedNamespaces *struct {
			MatchLabels      map[string]string `json:"matchLabels"`
			MatchExpressions []struct {
				Key      string   `json:"key"`
				Operator string   `json:"operator"`
				Values   []string `json:"values"`
			} `json:"matchExpressions"`
		} `json:"protected_namespaces"`
	} `json:"reboot"`
	Options options `json:"options"`
}

type node struct {
	Address      string            `json:"address"`
	Hostname     string            `json:"hostname"`
	User         string            `json:"user"`
	ControlPlane bool              `json:"control_plane"`
	Annotations  map[string]string `json:"annotations"`
	Labels       map[string]string `json:"labels"`
	Taints       []taint           `json:"taints"`
}

type taint struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Effect string `json:"effect"`
}

type common struct {
	ExtraArgs  []string `json:"extra_args"`
	ExtraBinds []struct {
		Source       string `json:"source"`
		Destination  string `json:"destination"`
		ReadOnly     bool   `json:"read_only"`
		Propagation  string `json:"propagation"`
		SELinuxLabel string `json:"selinux_label"`
	} `json:"extra_binds"`
	ExtraEnv map[string]string `json:"extra_env"`
}

type options struct {
	Etcd struct {
		common
		VolumeName string `json:"volume_name"`
	} `json:"etcd"`
	EtcdRivers common `json:"etcd-rivers"`
	Rivers     common `json:"rivers"`
	KubeAPI    struct {
		common
		AuditLogEnabled bool   `json:"audit_log_enabled"`
		AuditLogPolicy  string `json:"audit_log_policy"`
		AuditLogPath    string `json:"audit_log_path"`
	} `json:"kube-api"`
	KubeControllerManager common `json:"kube-controller-manager"`
	KubeScheduler         struct {
		common
		Config map[string]any `json:"config"`
	} `json:"kube-scheduler"`
	KubeProxy struct {
		common
		Disable bool           `json:"disable"`
		Config  map[string]any `json:"config"`
	} `json:"kube-proxy"`
	Kubelet struct {
		common
		BootTaints  []taint `json:"boot_taints"`
		CNIConfFile struct {
			Name    string `json:"name"`
			Content string `json:"content"`
		} `json:"cni_conf_file"`
		CRIEndpoint string         `json:"cri_endpoint"`
		Config      map[string]any `json:"config"`
	} `json:"kubelet"`
}

// problems returns the reasons for which CKE would refuse t.
func (t template) problems() error {
	errs := []error{t.nodeProblems()}
	need := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	need(t.Name != "", "no name")
	_, err := netip.ParsePrefix(t.ServiceSubnet)
	need(err == nil, "service_subnet: %v", err)
	need(strings.Count(t.DNSService, "/") == 1, "dns_service %q", t.DNSService)
	need(t.Reboot.EvictionTimeout == nil || *t.Reboot.EvictionTimeout > 0, "eviction timeout")
	o := t.Options
	for _, c := range []common{o.Etcd.common, o.EtcdRivers, o.Rivers, o.KubeAPI.common, o.KubeControllerManager, o.KubeScheduler.common, o.KubeProxy.common, o.Kubelet.common} {
		for _, arg := range c.ExtraArgs {
			need(strings.HasPrefix(arg, "--") && strings.Contains(arg, "="), "argument %q", arg)
		}
		for _, b := range c.ExtraBinds {
			need(strings.HasPrefix(b.Source, "/") && strings.HasPrefix(b.Destination, "/"), "bind %v", b)
		}
	}
	var policy struct {
		APIVersion string           `json:"apiVersion"`
		Kind       string           `json:"kind"`
		OmitStages []string         `json:"omitStages"`
		Rules      []map[string]any `json:"rules"`
	}
	err = yaml.UnmarshalStrict([]byte(o.KubeAPI.AuditLogPolicy), &policy)
	need(err == nil && policy.APIVersion == "audit.k8s.io/v1" && policy.Kind == "Policy" && len(policy.Rules) > 0, "audit policy: %v", err)
	for _, c := range []struct {
		config              map[string]any
		apiVersion, kindOfC string
	}{
		{o.KubeScheduler.Config, "kubescheduler.config.k8s.io/v1beta1", "KubeSchedulerConfiguration"},
		{o.KubeProxy.Config, "kubeproxy.config.k8s.io/v1alpha1", "KubeProxyConfiguration"},
		{o.Kubelet.Config, "kubelet.config.k8s.io/v1beta1", "KubeletConfiguration"},
	} {
		need(c.config["apiVersion"] == c.apiVersion && c.config["kind"] == c.kindOfC, "%v %v, want %s %s", c.config["apiVersion"], c.config["kind"], c.apiVersion, c.kindOfC)
	}
	need(slices.Contains([]any{"userspace", "iptables", "ipvs"}, o.KubeProxy.Config["mode"]), "proxy mode %v", o.KubeProxy.Config["mode"])
	return errors.Join(errs...)
}

func (t template) nodeProblems() error {
	var errs []error
	control, roles := 0, map[string]bool{}
	for i, n := range t.Nodes {
		if n.Address != "" || n.User == "" {
			errs = append(errs, fmt.Errorf("nodes[%d]: address %q, user %q", i, n.Address, n.User))
		}
		for _, taint := range n.Taints {
			if !slices.Contains([]string{"NoSchedule", "PreferNoSchedule", "NoExecute"}, taint.Effect) {
				errs = append(errs, fmt.Errorf("nodes[%d]: effect %q", i, taint.Effect))
			}
		}
		if n.ControlPlane {
			control++
			continue
		}
		role := n.Labels["cke.cybozu.com/role"]
		if role == "" || roles[role] {
			errs = append(errs, fmt.Errorf("nodes[%d]: role %q is missing or there twice", i, role))
		}
		roles[role] = true
		if w, err := strconv.ParseFloat(n.Labels["cke.cybozu.com/weight"], 64); err != nil || w <= 0 {
			errs = append(errs, fmt.Errorf("nodes[%d]: weight: %v", i, err))
		}
	}
	if len(t.Nodes) < 2 || control != 1 {
		errs = append(errs, fmt.Errorf("%d nodes, %d for the control plane", len(t.Nodes), control))
	}
	return errors.Join(errs...)
}

const etc = "../../etc/"

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(etc + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func decode(t *testing.T, data []byte) template {
	t.Helper()
	var v template
	if err := yaml.UnmarshalStrict(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestCKEAcceptsTheTemplates(t *testing.T) {
	for _, name := range []string{"cke-template.yml", "cke-template-pre.yml"} {
		text := string(read(t, name))
		for _, variant := range []string{text, strings.ReplaceAll(text, "#GCPONLY ", "")} {
			if err := decode(t, []byte(variant)).problems(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestATemplateThatCKERefusesIsFound(t *testing.T) {
	text := string(read(t, "cke-template.yml"))
	for _, change := range [][2]string{
		{"control_plane: true", "control_plane: false"},
		{"cke.cybozu.com/role: ss", "cke.cybozu.com/role: cs"},
		{`weight: "10"`, `weight: "0"`},
		{"v1beta1\n      kind: KubeletConfiguration", "v1\n      kind: KubeletConfiguration"},
		{"kind: Policy", "kind: [Policy"},
		{"mode: ipvs", "mode: ebpf"},
	} {
		changed := strings.Replace(text, change[0], change[1], 1)
		if changed == text || decode(t, []byte(changed)).problems() == nil {
			t.Errorf("%q is not found", change[1])
		}
	}
}

func TestTheTemplatesDifferInKubeProxy(t *testing.T) {
	prod, pre := decode(t, read(t, "cke-template.yml")), decode(t, read(t, "cke-template-pre.yml"))
	if prod.Options.KubeProxy.Disable || !pre.Options.KubeProxy.Disable {
		t.Errorf("kube-proxy is disabled: %t in prod, %t elsewhere", prod.Options.KubeProxy.Disable, pre.Options.KubeProxy.Disable)
	}
	pre.Options.KubeProxy.Disable = false
	if !reflect.DeepEqual(prod, pre) {
		t.Error("the templates differ in another field, too")
	}
}

func TestALineForSlowDisksIsAnArgumentOfEtcd(t *testing.T) {
	text := string(read(t, "cke-template.yml"))
	usual, slow := decode(t, []byte(text)), decode(t, []byte(strings.ReplaceAll(text, "#GCPONLY ", "")))
	if n := len(slow.Options.Etcd.ExtraArgs) - len(usual.Options.Etcd.ExtraArgs); n != 2 {
		t.Errorf("%d more arguments", n)
	}
}

// TestThePackageContainsTheTemplates where the programs read them: debian/build copies etc to
// neco.NecoDataDir.
func TestThePackageContainsTheTemplates(t *testing.T) {
	for _, name := range []string{"cke-template.yml", "cke-template-pre.yml"} {
		if _, err := os.Stat("../../etc/" + name); err != nil {
			t.Error(err)
		}
	}
}
