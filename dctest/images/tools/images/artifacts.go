package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
)

// artifact is an image of the product's artifact set.
type artifact struct{ Name, Repository, Tag string }

// readArtifacts reads the images of the set from its Go source. It is read and
// not imported, so that this module depends on none of the product's.
func readArtifacts(file string) ([]artifact, osImage, error) {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		return nil, osImage{}, err
	}
	var images []artifact
	var system osImage
	ast.Inspect(f, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		fields := stringFields(lit)
		switch {
		case fields["Repository"] != "" && fields["Tag"] != "":
			images = append(images, artifact{fields["Name"], fields["Repository"], fields["Tag"]})
		case fields["Channel"] != "":
			system = osImage{fields["Channel"], fields["Version"]}
		}
		return true
	})
	if len(images) == 0 || system.Version == "" {
		return nil, osImage{}, fmt.Errorf("%s has no artifact set", file)
	}
	return images, system, nil
}

// osImage is the operating system of the nodes.
type osImage struct{ Channel, Version string }

// stringFields returns the fields of a literal that are strings.
func stringFields(lit *ast.CompositeLit) map[string]string {
	fields := map[string]string{}
	for _, e := range lit.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		key, isName := kv.Key.(*ast.Ident)
		value, isText := kv.Value.(*ast.BasicLit)
		if !isName || !isText || value.Kind != token.STRING {
			continue
		}
		if text, err := strconv.Unquote(value.Value); err == nil {
			fields[key.Name] = text
		}
	}
	return fields
}
