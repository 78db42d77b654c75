package cke

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/cybozu-go/neco/internal/packagefault"
)

// Labels of node entries in a template.
const (
	roleLabel   = "cke.cybozu.com/role"
	weightLabel = "cke.cybozu.com/weight"
)

// maxLabel is the maximum length of a label's value in Kubernetes; CKE copies the labels
// of an entry to its nodes.
const maxLabel = 63

// staging is the name of the cluster for which Render calls [protect].
const staging = "stage0"

// Role is a role of worker nodes in a template.
type Role struct {
	Name string
	// Weight is the text in the template; empty: CKE uses 1.
	Weight string
	labels map[string]any
}

// Roles returns the roles of the worker entries in a template, in their order.
func Roles(template []byte) ([]Role, error) {
	_, roles, err := parse(template)
	return roles, err
}

// FindRole returns the first role with this name. The error lists the existing roles.
func FindRole(roles []Role, name string) (Role, error) {
	var names []string
	for _, r := range roles {
		if r.Name == name {
			return r, nil
		}
		names = append(names, r.Name)
	}
	return Role{}, fmt.Errorf("the template has no role %q for workers; its roles are %s", name, cmp.Or(strings.Join(names, ", "), "none"))
}

// CheckWeight returns an error unless CKE accepts w as a weight.
func CheckWeight(w float64) error {
	switch text := weightText(w); {
	case math.IsNaN(w) || math.IsInf(w, 0):
		return fmt.Errorf("weight %v is not a number", w)
	case w < 0.000001:
		return fmt.Errorf("weight %v is not at least 0.000001", w)
	case len(text) > maxLabel:
		return fmt.Errorf("weight %v is too large", w)
	}
	return nil
}

func weightText(w float64) string { return strconv.FormatFloat(w, 'f', 6, 64) }

// Render returns the template of the package for the cluster called name. It sets that
// name, and replaces the weights of the roles in weights by those values. Comments are
// lost.
func Render(template []byte, name string, weights map[string]float64) ([]byte, error) {
	if name == "" {
		return nil, errors.New("the cluster has no name")
	}
	doc, roles, err := parse(template)
	if err != nil {
		return nil, packagefault.OfFile(err)
	}
	doc["name"] = name
	for role, w := range weights {
		r, err := FindRole(roles, role)
		if err == nil {
			err = CheckWeight(w)
		}
		if err != nil {
			return nil, fmt.Errorf("weight of role %s: %w; neco cke weight unset %[1]s removes it", role, err)
		}
		r.labels[weightLabel] = weightText(w)
	}
	if name == staging {
		if err := protect(doc); err != nil {
			return nil, packagefault.OfFile(err)
		}
	}
	return yaml.Marshal(doc)
}

// protect changes the template so that CKE may evict pods without regard to their
// disruption budgets in namespaces whose label development is true.
func protect(doc map[string]any) error {
	reboot, ok := doc["reboot"].(map[string]any)
	if !ok {
		return errors.New("reboot is missing or not an object")
	}
	reboot["protected_namespaces"] = map[string]any{"matchExpressions": []any{
		map[string]any{"key": "development", "operator": "NotIn", "values": []any{"true"}},
	}}
	return nil
}

// parse decodes a template and returns the document with the roles of its worker
// entries. The labels of the roles are parts of the document.
func parse(template []byte) (doc map[string]any, roles []Role, err error) {
	if err := yaml.UnmarshalStrict(template, &doc); err != nil {
		return nil, nil, err
	}
	nodes, ok := doc["nodes"].([]any)
	if !ok {
		return nil, nil, errors.New("nodes is missing or not a list")
	}
	for i, n := range nodes {
		node, ok := n.(map[string]any)
		if !ok {
			return nil, nil, fmt.Errorf("nodes[%d] is not an object", i)
		}
		labels, _ := node["labels"].(map[string]any)
		name, _ := labels[roleLabel].(string)
		if node["control_plane"] == true || name == "" {
			continue
		}
		weight, _ := labels[weightLabel].(string)
		roles = append(roles, Role{name, weight, labels})
	}
	return doc, roles, nil
}
