package cke

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/packagefault"
	"github.com/cybozu-go/neco/pkg/host"
)

// Templates reads and replaces the template that CKE has stored.
type Templates interface {
	// Template returns the template, or ErrNotFound if there is none.
	Template(ctx context.Context) ([]byte, error)
	SetTemplate(ctx context.Context, template []byte) error
}

// TemplateFile returns the path of the template for an environment.
func TemplateFile(env string) string {
	if env == neco.ProdEnv {
		return neco.CKETemplateFile
	}
	return neco.CKETemplateFilePre
}

// ReadRoles returns the roles of the template for env on the host whose file system is fs.
func ReadRoles(fs host.FS, env string) ([]Role, error) {
	file := TemplateFile(env)
	data, err := fs.Read(file)
	if err != nil {
		return nil, err
	}
	roles, err := Roles(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return roles, nil
}

// Desired returns the template for env on the host whose file system is fs, with the name
// of this cluster and with weights.
func Desired(fs host.FS, env string, weights map[string]float64) ([]byte, error) {
	name, err := fs.Read(neco.ClusterFile)
	if err != nil {
		return nil, err
	}
	file := TemplateFile(env)
	data, err := fs.Read(file)
	if err != nil {
		return nil, packagefault.OfFile(err)
	}
	rendered, err := Render(data, strings.TrimSpace(string(name)), weights)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return rendered, nil
}

// Update sets the template unless CKE has an equal one, and reports whether it set it.
func Update(ctx context.Context, t Templates, template []byte) (changed bool, err error) {
	stored, err := t.Template(ctx)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return false, err
	}
	if err == nil && equal(stored, template) {
		return false, nil
	}
	if err := t.SetTemplate(ctx, template); err != nil {
		return false, err
	}
	return true, nil
}

// equal reports whether two templates have the same meaning. CKE prints every field of
// its template, with zero values for fields that were not set.
func equal(a, b []byte) bool {
	var x, y any
	if yaml.Unmarshal(a, &x) != nil || yaml.Unmarshal(b, &y) != nil {
		return false
	}
	return reflect.DeepEqual(withoutZero(x), withoutZero(y))
}

// withoutZero returns v without fields that have their zero value. It keeps the fields
// in the configuration of Kubernetes' programs, where the default of a field may differ
// from false.
func withoutZero(v any) any {
	object, ok := v.(map[string]any)
	if !ok {
		if list, ok := v.([]any); ok {
			kept := make([]any, len(list))
			for i := range list {
				kept[i] = withoutZero(list[i])
			}
			return kept
		}
		return v
	}
	kept := map[string]any{}
	for key, field := range object {
		if key != "config" {
			field = withoutZero(field)
		}
		if !isZero(field) {
			kept[key] = field
		}
	}
	return kept
}

func isZero(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	case string:
		return v == ""
	}
	return v == nil || v == false || v == float64(0)
}
