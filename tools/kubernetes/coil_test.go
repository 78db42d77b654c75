package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1beta1 "k8s.io/api/policy/v1beta1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

const coilFile = "coil.yaml"

func TestCoilHasItsKinds(t *testing.T) {
	kinds := map[string]int{}
	for _, o := range read(t, coilFile) {
		kind, _, _ := strings.Cut(o.key, "/")
		kinds[kind]++
		if o.meta.GetLabels()["app.kubernetes.io/name"] != "coil" {
			t.Errorf("%s has labels %v", o.key, o.meta.GetLabels())
		}
		if ns := o.meta.GetNamespace(); ns != "" && ns != "kube-system" {
			t.Errorf("%s is in namespace %s", o.key, ns)
		}
	}
	want := map[string]int{
		"CustomResourceDefinition": 4, "ClusterRole": 12, "ClusterRoleBinding": 8, "PodSecurityPolicy": 4, "ServiceAccount": 3, "Role": 1, "RoleBinding": 1,
		"ConfigMap": 1, "Secret": 1, "Service": 1, "Deployment": 1, "DaemonSet": 1, "MutatingWebhookConfiguration": 1, "ValidatingWebhookConfiguration": 1,
	}
	if !maps.Equal(kinds, want) {
		t.Errorf("%v, want %v", kinds, want)
	}
}

func TestCoilsDefinitions(t *testing.T) {
	for plural, want := range map[string]struct {
		kind, scope string
		columns     []string
		status      bool
	}{
		"addressblocks": {"AddressBlock", "Cluster", []string{"Node", "Pool", "IPv4", "IPv6"}, false},
		"addresspools":  {"AddressPool", "Cluster", []string{"BlockSize Bits"}, false},
		"blockrequests": {"BlockRequest", "Cluster", nil, true},
		"egresses":      {"Egress", "Namespaced", nil, true},
	} {
		crd := find[*apiextensionsv1.CustomResourceDefinition](t, coilFile, "CustomResourceDefinition/"+plural+".coil.cybozu.com")
		v := crd.Spec.Versions[0]
		var columns []string
		for _, c := range v.AdditionalPrinterColumns {
			columns = append(columns, c.Name)
		}
		if crd.Spec.Names.Kind != want.kind || string(crd.Spec.Scope) != want.scope || len(crd.Spec.Versions) != 1 || v.Name != "v2" || !v.Served || !v.Storage ||
			!slices.Equal(columns, want.columns) || v.Subresources.Status != nil != want.status {
			t.Errorf("%s: %v, %v", plural, crd.Spec.Names, v)
		}
	}
	spec := find[*apiextensionsv1.CustomResourceDefinition](t, coilFile, "CustomResourceDefinition/egresses.coil.cybozu.com").Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
	pod := spec.Properties["template"].Properties["spec"]
	if len(pod.Properties) != 35 || !slices.Equal(pod.Required, []string{"containers"}) || !slices.Equal(spec.Required, []string{"destinations"}) {
		t.Errorf("a pod has %d fields and requires %v; an egress requires %v", len(pod.Properties), pod.Required, spec.Required)
	}
}

// rule is a rule of a role on one line.
func rule(r rbacv1.PolicyRule) string {
	return strings.Join(r.APIGroups, ",") + " " + strings.Join(r.Resources, ",") + strings.Join(r.ResourceNames, ",") + " " + strings.Join(r.Verbs, ",")
}

func TestCoilsRoles(t *testing.T) {
	for name, want := range map[string][]string{
		"coil-controller": {
			" nodes get,list", " pods get,list,watch", " serviceaccounts,services create,get,list,patch,update,watch", "apps deployments create,get,list,patch,update,watch",
			"coil.cybozu.com addressblocks get,list,watch,create,update,patch,delete", "coil.cybozu.com addresspools,blockrequests,egresses get,list,watch",
			"coil.cybozu.com blockrequests/status,egresses/status get,patch,update", "rbac.authorization.k8s.io clusterrolebindings get,list,patch,update,watch",
		},
		"coil-egress": {" pods get,list,watch"},
		"coil-router": {" nodes list", "coil.cybozu.com addressblocks get,list,watch"},
		"coild": {
			" namespaces,services get,list,watch", " nodes,pods get", "coil.cybozu.com egresses get,list,watch", "coil.cybozu.com addressblocks delete,get,list,patch,update",
			"coil.cybozu.com blockrequests create,delete,get,list,watch", "coil.cybozu.com blockrequests/status get",
		},
		"psp-coil-controller":       {"policy podsecuritypoliciescoil-controller,coil-egress use"},
		"psp-coild":                 {"policy podsecuritypoliciescoild use"},
		"coilv2-egress-viewer-role": {"coil.cybozu.com egresses get,list,watch", "coil.cybozu.com egresses/status get"},
	} {
		var rules []string
		for _, r := range find[*rbacv1.ClusterRole](t, coilFile, "ClusterRole/"+name).Rules {
			rules = append(rules, rule(r))
		}
		if !slices.Equal(rules, want) {
			t.Errorf("%s: %q", name, rules)
		}
	}
}

// TestTheControllerWritesTheSubjectsOfEgressPods: subjects in the file would replace them.
func TestTheControllerWritesTheSubjectsOfEgressPods(t *testing.T) {
	for _, o := range read(t, coilFile) {
		b, ok := o.value.(*rbacv1.ClusterRoleBinding)
		if ok && strings.HasSuffix(b.Name, "coil-egress") != (b.Subjects == nil) {
			t.Errorf("%s has subjects %v", b.Name, b.Subjects)
		}
	}
}

func TestCoilsPolicies(t *testing.T) {
	for name, want := range map[string]struct {
		privileged, network, pid bool
		paths                    int
	}{
		"coil-controller": {false, true, false, 0}, "coil-egress": {true, false, false, 1}, "coil-router": {false, true, false, 0}, "coild": {true, true, true, 4},
	} {
		s := find[*policyv1beta1.PodSecurityPolicy](t, coilFile, "PodSecurityPolicy/"+name).Spec
		hostPaths := slices.Contains(s.Volumes, policyv1beta1.HostPath)
		if s.Privileged != want.privileged || s.HostNetwork != want.network || s.HostPID != want.pid || len(s.AllowedHostPaths) != want.paths || hostPaths != (want.paths > 0) || !s.ReadOnlyRootFilesystem {
			t.Errorf("%s: %v", name, s)
		}
	}
}

func TestCoilsPods(t *testing.T) {
	d := find[*appsv1.Deployment](t, coilFile, "Deployment/kube-system/coil-controller").Spec
	if p := d.Template.Spec; *d.Replicas != 2 || !p.HostNetwork || p.PriorityClassName != "system-cluster-critical" || *p.TerminationGracePeriodSeconds != 10 ||
		p.Tolerations[3] != (corev1.Toleration{Key: "node.cybozu.io/cluster-not-ready", Operator: "Exists", Effect: "NoExecute"}) {
		t.Errorf("controller %v", d)
	}
	s := find[*appsv1.DaemonSet](t, coilFile, "DaemonSet/kube-system/coild").Spec
	if p := s.Template.Spec; s.UpdateStrategy.RollingUpdate.MaxUnavailable.StrVal != "35%" || !p.HostNetwork || !p.HostPID || p.PriorityClassName != "system-node-critical" || *p.TerminationGracePeriodSeconds != 1 ||
		!slices.Equal(p.Containers[0].Args, []string{"--compat-calico"}) || p.InitContainers[0].Name != "coil-installer" {
		t.Errorf("coild %v", s)
	}
	for _, c := range []corev1.Container{d.Template.Spec.Containers[0], s.Template.Spec.Containers[0], s.Template.Spec.InitContainers[0]} {
		if c.Image != values["coil"] {
			t.Errorf("%s has image %s", c.Name, c.Image)
		}
	}
	conf := find[*corev1.ConfigMap](t, coilFile, "ConfigMap/kube-system/coil-config").Data["cni_netconf"]
	at := 0
	for _, plugin := range []string{"generic-veth", `"coil"`, "/run/coild.sock", "portmap", "cilium-cni"} {
		i := strings.Index(conf[at:], plugin)
		if i < 0 {
			t.Fatalf("no %s in order in %s", plugin, conf)
		}
		at += i
	}
}

func TestCKEIssuesTheCertificateOfCoilsWebhooks(t *testing.T) {
	secret := find[*corev1.Secret](t, coilFile, "Secret/kube-system/coilv2-webhook-server-cert")
	if secret.Annotations["cke.cybozu.com/issue-cert"] != "coilv2-webhook-service" || secret.Type != "" || secret.Data != nil {
		t.Errorf("%v", secret)
	}
	m := find[*admissionv1.MutatingWebhookConfiguration](t, coilFile, "MutatingWebhookConfiguration/coilv2-mutating-webhook-configuration")
	v := find[*admissionv1.ValidatingWebhookConfiguration](t, coilFile, "ValidatingWebhookConfiguration/coilv2-validating-webhook-configuration")
	var names, paths []string
	for _, w := range m.Webhooks {
		names, paths = append(names, w.Name), append(paths, *w.ClientConfig.Service.Path)
	}
	for _, w := range v.Webhooks {
		names, paths = append(names, w.Name), append(paths, *w.ClientConfig.Service.Path)
	}
	if want := []string{"maddresspool.kb.io", "megress.kb.io", "vaddresspool.kb.io", "vegress.kb.io"}; !slices.Equal(names, want) {
		t.Errorf("webhooks %q", names)
	}
	if want := []string{"/mutate-coil-cybozu-com-v2-addresspool", "/mutate-coil-cybozu-com-v2-egress", "/validate-coil-cybozu-com-v2-addresspool", "/validate-coil-cybozu-com-v2-egress"}; !slices.Equal(paths, want) {
		t.Errorf("paths %q", paths)
	}
	if m.Annotations["cke.cybozu.com/inject-cacert"] != "true" || v.Annotations["cke.cybozu.com/inject-cacert"] != "true" {
		t.Error("CKE does not add its CA certificate")
	}
}
