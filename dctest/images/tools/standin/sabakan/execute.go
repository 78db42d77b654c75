package main

import (
	"context"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// object is a value of a GraphQL type, with all its fields.
type object map[string]any

// resolver returns the value of a field of the GraphQL types Query or Mutation.
type resolver func(ctx context.Context, args map[string]any) (any, error)

// execute resolves the fields of an operation in order, up to the first error.
// Introspection is not supported.
func (s *server) execute(ctx context.Context, op *ast.OperationDefinition, vars map[string]any) (any, error) {
	resolvers := map[string]resolver{
		"machine":         s.graphMachine,
		"searchMachines":  s.graphSearch,
		"setMachineState": s.graphSetState,
	}
	result := object{}
	for _, f := range selected(op.SelectionSet, vars) {
		if f.Name == "__typename" {
			result[f.Alias] = f.ObjectDefinition.Name
			continue
		}
		resolve, found := resolvers[f.Name]
		if !found {
			return nil, gqlerror.ErrorPathf(ast.Path{ast.PathName(f.Alias)}, "%s is not supported", f.Name)
		}
		value, err := resolve(ctx, f.ArgumentMap(vars))
		if err != nil {
			g := asGraphError(err)
			g.Path = ast.Path{ast.PathName(f.Alias)}
			return nil, g
		}
		result[f.Alias] = project(value, f.SelectionSet, vars)
	}
	return result, nil
}

// project returns the selected fields of value.
func project(value any, set ast.SelectionSet, vars map[string]any) any {
	switch v := value.(type) {
	case []object:
		if v == nil {
			return nil
		}
		all := []any{}
		for _, o := range v {
			all = append(all, project(o, set, vars))
		}
		return all
	case object:
		result := object{}
		for _, f := range selected(set, vars) {
			if f.Name == "__typename" {
				result[f.Alias] = f.ObjectDefinition.Name
				continue
			}
			result[f.Alias] = project(v[f.Name], f.SelectionSet, vars)
		}
		return result
	}
	return value
}

// selected returns the fields in a selection set, with those of its fragments. Fields
// that have the same name in the response become one field with all their selections.
func selected(set ast.SelectionSet, vars map[string]any) []*ast.Field {
	var fields []*ast.Field
	index := map[string]int{}
	add := func(f *ast.Field) {
		i, found := index[f.Alias]
		if !found {
			index[f.Alias] = len(fields)
			copied := *f
			fields = append(fields, &copied)
			return
		}
		fields[i].SelectionSet = append(append(ast.SelectionSet{}, fields[i].SelectionSet...), f.SelectionSet...)
	}
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if included(s.Directives, vars) {
				add(s)
			}
		case *ast.InlineFragment:
			if included(s.Directives, vars) {
				each(selected(s.SelectionSet, vars), add)
			}
		case *ast.FragmentSpread:
			if included(s.Directives, vars) {
				each(selected(s.Definition.SelectionSet, vars), add)
			}
		}
	}
	return fields
}

func each(fields []*ast.Field, f func(*ast.Field)) {
	for _, field := range fields {
		f(field)
	}
}

// included reports whether a selection is kept according to its directives skip and
// include.
func included(all ast.DirectiveList, vars map[string]any) bool {
	for name, want := range map[string]bool{"skip": false, "include": true} {
		if d := all.ForName(name); d != nil && d.ArgumentMap(vars)["if"] != want {
			return false
		}
	}
	return true
}
