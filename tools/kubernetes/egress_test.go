package main

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
)

const egress = "internet-egress"

func TestTheNamespaceHasItsPoolOfAddresses(t *testing.T) {
	ns := find[*corev1.Namespace](t, "namespaces.yml", "Namespace/internet-egress")
	if pool := ns.Annotations["coil.cybozu.com/pool"]; pool != egress {
		t.Errorf("pool %q", pool)
	}
}

// TestEgressSurvivesTheLossOfARack checks what unbound and squid have in common.
func TestEgressSurvivesTheLossOfARack(t *testing.T) {
	for _, name := range []string{"unbound", "squid"} {
		file := name + ".yml"
		for _, o := range read(t, file) {
			if o.meta.GetNamespace() != egress {
				t.Errorf("%s is in namespace %q", o.key, o.meta.GetNamespace())
			}
		}
		d := find[*appsv1.Deployment](t, file, "Deployment/internet-egress/"+name)
		spec := d.Spec.Template.Spec
		if *d.Spec.Replicas != 2 || d.Spec.Strategy.Type != appsv1.RollingUpdateDeploymentStrategyType || d.Spec.Strategy.RollingUpdate.MaxUnavailable.IntVal != 1 {
			t.Errorf("%s: %d replicas, strategy %v", name, *d.Spec.Replicas, d.Spec.Strategy)
		}
		var keys []string
		for _, toleration := range spec.Tolerations {
			if toleration.Operator != corev1.TolerationOpExists || toleration.Effect != "" {
				t.Errorf("%s: toleration %v", name, toleration)
			}
			keys = append(keys, toleration.Key)
		}
		if want := []string{"node-role.kubernetes.io/master", "node-role.kubernetes.io/control-plane", "CriticalAddonsOnly", "node.cybozu.io/cluster-not-ready"}; !slices.Equal(keys, want) {
			t.Errorf("%s tolerates %v", name, keys)
		}
		terms := spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
		if len(terms) != 1 || terms[0].TopologyKey != "cke.cybozu.com/rack" || !matches(terms[0].LabelSelector, d.Spec.Template.Labels) {
			t.Errorf("%s: anti-affinity %v", name, terms)
		}
		if sleep := spec.Containers[0].Lifecycle.PreStop.Exec.Command; !slices.Equal(sleep, []string{"sleep", "5"}) {
			t.Errorf("%s: before its stop %v", name, sleep)
		}
		pdb := find[*policyv1.PodDisruptionBudget](t, file, "PodDisruptionBudget/internet-egress/"+name)
		if pdb.Spec.MaxUnavailable.IntVal != 1 || pdb.Spec.MinAvailable != nil {
			t.Errorf("%s: budget %v", name, pdb.Spec)
		}
	}
}

func TestUnboundIsReadOnlyAndNotRoot(t *testing.T) {
	const file = "unbound.yml"
	if token := find[*corev1.ServiceAccount](t, file, "ServiceAccount/internet-egress/unbound").AutomountServiceAccountToken; token == nil || *token {
		t.Error("its pods get a token")
	}
	c := find[*appsv1.Deployment](t, file, "Deployment/internet-egress/unbound").Spec.Template.Spec.Containers
	if len(c) != 2 || c[0].Name != "unbound" || c[1].Name != "exporter" || c[0].Image != values["cke-unbound"] || c[1].Image != values["cke-unbound_exporter"] {
		t.Fatalf("containers %v", c)
	}
	if s := c[0].SecurityContext; *s.RunAsUser != 10000 || !*s.ReadOnlyRootFilesystem {
		t.Errorf("security %v", s)
	}
	if r := c[0].Resources; r.Requests.Memory().String() != "256Mi" || r.Limits.Memory().String() != "1Gi" {
		t.Errorf("resources %v", r)
	}
	if p := c[1].Ports; len(p) != 1 || p[0].ContainerPort != 9167 || !slices.Equal(c[1].Args, []string{"--unbound.ca=", "--unbound.cert="}) {
		t.Errorf("exporter %v, arguments %q", p, c[1].Args)
	}
	ports := map[corev1.Protocol]int32{}
	for _, p := range find[*corev1.Service](t, file, "Service/internet-egress/unbound").Spec.Ports {
		if p.TargetPort.IntVal == 1053 {
			ports[p.Protocol] = p.Port
		}
	}
	if len(ports) != 2 || ports["UDP"] != 53 || ports["TCP"] != 53 {
		t.Errorf("ports %v", ports)
	}
}

func TestSquidIsReachedAtTheNodePortAndResolvesNamesItself(t *testing.T) {
	const file = "squid.yml"
	s := find[*corev1.Service](t, file, "Service/internet-egress/squid").Spec
	if s.Type != corev1.ServiceTypeLoadBalancer || len(s.Ports) != 1 || s.Ports[0].Port != 3128 || s.Ports[0].NodePort != 30128 {
		t.Errorf("service %v", s)
	}
	pod := find[*appsv1.Deployment](t, file, "Deployment/internet-egress/squid").Spec.Template.Spec
	if pod.DNSPolicy != corev1.DNSNone || !slices.Equal(pod.DNSConfig.Nameservers, []string{"127.0.0.1"}) {
		t.Errorf("DNS %s, %v", pod.DNSPolicy, pod.DNSConfig)
	}
	var images []string
	for _, c := range pod.Containers {
		images = append(images, c.Name+" "+c.Image)
	}
	if want := []string{"squid " + values["squid"], "unbound " + values["cke-unbound"], "exporter " + values["cke-unbound_exporter"]}; !slices.Equal(images, want) {
		t.Errorf("containers %q, want %q", images, want)
	}
	if args := pod.Containers[0].Args; !slices.Equal(args, []string{"-f", "/etc/squid-conf/squid.conf"}) {
		t.Errorf("arguments %q", args)
	}
	if added := pod.Containers[1].SecurityContext.Capabilities.Add; !slices.Equal(added, []corev1.Capability{"NET_BIND_SERVICE"}) {
		t.Errorf("capabilities %v", added)
	}
}

func TestTheConfigurationsHaveTheirLines(t *testing.T) {
	resolver := []string{"infra-host-ttl: 60", "msg-cache-size: 256m", "rrset-cache-size: 256m", "prefetch: yes", "rrset-roundrobin: yes", "minimal-responses: yes",
		"log-queries: yes", "log-replies: yes", "control-enable: yes", "control-interface: 127.0.0.1", "control-use-cert: no"}
	for _, tt := range []struct {
		file, name, key string
		lines           []string
	}{
		{"unbound.yml", "unbound", "unbound.conf", append([]string{"port: 1053", "access-control: 10.64.0.0/12 allow", `root-hints: "/etc/unbound/root.hints"`}, resolver...)},
		{"squid.yml", "local-unbound", "unbound.conf", append([]string{"port: 53", "interface: 127.0.0.1"}, resolver...)},
		{"squid.yml", "squid", "squid.conf", []string{"http_port 3128", "acl clients src 10.64.0.0/12", "cache_mem 6 GB", "maximum_object_size_in_memory 100 MB", "forwarded_for delete",
			"shutdown_lifetime 10 seconds", "pid_filename none", "logfile_rotate 0", "access_log stdio:/dev/stdout", "cache_log stdio:/dev/stderr", "http_access allow localhost manager", "http_access deny manager"}},
	} {
		var lines []string
		for line := range strings.Lines(find[*corev1.ConfigMap](t, tt.file, "ConfigMap/internet-egress/"+tt.name).Data[tt.key]) {
			lines = append(lines, strings.TrimSpace(line))
		}
		for _, want := range tt.lines {
			if !slices.Contains(lines, want) {
				t.Errorf("%s of %s has no line %q", tt.key, tt.name, want)
			}
		}
	}
	hints := find[*corev1.ConfigMap](t, "unbound.yml", "ConfigMap/internet-egress/unbound").Data["root.hints"]
	if n, a := strings.Count(hints, " NS "), strings.Count(hints, " A "); n != 13 || a != 13 {
		t.Errorf("%d name servers of the root zone with %d addresses", n, a)
	}
}
