package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// pods is the pod template of an object.
type pods struct {
	key       string
	namespace string
	selector  *metav1.LabelSelector // nil for jobs
	template  corev1.PodTemplateSpec
}

func podsOf(all []object) []pods {
	var list []pods
	for _, o := range all {
		p := pods{key: o.key, namespace: o.meta.GetNamespace()}
		switch v := o.value.(type) {
		case *appsv1.Deployment:
			p.selector, p.template = v.Spec.Selector, v.Spec.Template
		case *appsv1.DaemonSet:
			p.selector, p.template = v.Spec.Selector, v.Spec.Template
		case *batchv1.Job:
			p.template = v.Spec.Template
		case *batchv1.CronJob:
			p.template = v.Spec.JobTemplate.Spec.Template
		default:
			continue
		}
		list = append(list, p)
	}
	return list
}

func matches(s *metav1.LabelSelector, l map[string]string) bool {
	selector, err := metav1.LabelSelectorAsSelector(s)
	return err == nil && !selector.Empty() && selector.Matches(labels.Set(l))
}

// problems returns contradictions between the objects of one data centre.
func problems(all []object) []string {
	var list []string
	keys := map[string]bool{}
	for _, o := range all {
		keys[o.key] = true
	}
	need := func(ok bool, format string, args ...any) {
		if !ok {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	templates := podsOf(all)
	for _, p := range templates {
		need(p.selector == nil || matches(p.selector, p.template.Labels), "%s: the selector does not match its template", p.key)
		for _, ref := range references(p) {
			need(keys[ref], "%s: no %s", p.key, ref)
		}
		for _, c := range slices.Concat(p.template.Spec.InitContainers, p.template.Spec.Containers) {
			_, tag, _ := strings.Cut(c.Image, ":")
			need(tag != "", "%s: container %s has image %q", p.key, c.Name, c.Image)
			for _, m := range c.VolumeMounts {
				need(slices.ContainsFunc(p.template.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name }), "%s: container %s: no volume %s", p.key, c.Name, m.Name)
			}
		}
	}
	for _, o := range all {
		switch v := o.value.(type) {
		case *policyv1.PodDisruptionBudget:
			n := 0
			for _, p := range templates {
				if p.namespace == v.Namespace && matches(v.Spec.Selector, p.template.Labels) {
					n++
				}
			}
			need(n == 1, "%s: the selector matches %d templates", o.key, n)
		case *corev1.Service:
			list = append(list, serviceProblems(v, templates)...)
		case *rbacv1.ClusterRoleBinding:
			need(keys["ClusterRole/"+v.RoleRef.Name], "%s: no role %s", o.key, v.RoleRef.Name)
			for _, s := range v.Subjects {
				need(keys[s.Kind+"/"+s.Namespace+"/"+s.Name], "%s: no subject %s", o.key, s.Name)
			}
		case *rbacv1.RoleBinding:
			need(keys["Role/"+v.Namespace+"/"+v.RoleRef.Name], "%s: no role %s", o.key, v.RoleRef.Name)
		}
	}
	return list
}

// references returns the keys of the objects that p refers to and that must be in the
// files. Secrets of Hubble are made in the cluster.
func references(p pods) []string {
	var refs []string
	add := func(kind, name string) { refs = append(refs, kind+"/"+p.namespace+"/"+name) }
	if name := p.template.Spec.ServiceAccountName; name != "" {
		add("ServiceAccount", name)
	}
	for _, v := range p.template.Spec.Volumes {
		if v.ConfigMap != nil && (v.ConfigMap.Optional == nil || !*v.ConfigMap.Optional) {
			add("ConfigMap", v.ConfigMap.Name)
		}
		if v.Secret != nil && (v.Secret.Optional == nil || !*v.Secret.Optional) {
			add("Secret", v.Secret.SecretName)
		}
	}
	for _, c := range slices.Concat(p.template.Spec.InitContainers, p.template.Spec.Containers) {
		for _, e := range c.Env {
			if e.ValueFrom == nil || e.ValueFrom.ConfigMapKeyRef == nil {
				continue
			}
			if r := e.ValueFrom.ConfigMapKeyRef; r.Optional == nil || !*r.Optional {
				add("ConfigMap", r.Name)
			}
		}
	}
	return refs
}

// serviceProblems checks that a Service selects one template, and that a container there
// has each port. Ports of Hubble are not declared by Cilium's chart.
func serviceProblems(s *corev1.Service, templates []pods) []string {
	var list []string
	n := 0
	for _, p := range templates {
		if p.namespace != s.Namespace || !matches(&metav1.LabelSelector{MatchLabels: s.Spec.Selector}, p.template.Labels) {
			continue
		}
		n++
		for _, port := range s.Spec.Ports {
			if s.Name != "hubble-peer" && !hasPort(p.template.Spec, port) {
				list = append(list, fmt.Sprintf("Service/%s: no port %s of %s", s.Name, port.TargetPort.String(), p.key))
			}
		}
	}
	if n != 1 {
		list = append(list, fmt.Sprintf("Service/%s: the selector matches %d templates", s.Name, n))
	}
	return list
}

func hasPort(spec corev1.PodSpec, port corev1.ServicePort) bool {
	for _, c := range spec.Containers {
		for _, p := range c.Ports {
			same := p.Name == port.TargetPort.StrVal
			if port.TargetPort.Type == intstr.Int {
				same = p.ContainerPort == port.TargetPort.IntVal
			}
			if same && cmp.Or(p.Protocol, corev1.ProtocolTCP) == cmp.Or(port.Protocol, corev1.ProtocolTCP) {
				return true
			}
		}
	}
	return false
}

// dataCentre returns the objects of the files of an environment.
func dataCentre(t *testing.T, cilium string) []object {
	t.Helper()
	var all []object
	for _, file := range []string{"namespaces.yml", cilium, "coil.yaml", "unbound.yml", "squid.yml"} {
		all = append(all, read(t, file)...)
	}
	return all
}

func TestTheObjectsFitTogether(t *testing.T) {
	for _, cilium := range []string{"cilium.yaml", "cilium-pre.yaml"} {
		all := dataCentre(t, cilium)
		for _, p := range problems(all) {
			t.Errorf("with %s: %s", cilium, p)
		}
		keys := map[string]bool{"Namespace/kube-system": true}
		for _, o := range all {
			if keys[o.key] {
				t.Errorf("%s exists twice", o.key)
			}
			keys[o.key] = true
		}
		for _, o := range all {
			if ns := o.meta.GetNamespace(); ns != "" && !keys["Namespace/"+ns] {
				t.Errorf("%s: no namespace %s", o.key, ns)
			}
		}
	}
}
