package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
)

// artifact is a container image in the product's artifact set.
type artifact struct{ Name, Repository, Tag string }

// artifactDeb is a Debian package in the artifact set.
type artifactDeb struct{ Name, Release string }

// osImage is the operating system of the nodes.
type osImage struct{ Channel, Version string }

// artifacts is the content of the product's artifact set.
type artifacts struct {
	images []artifact
	debs   []artifactDeb
	system osImage
}

// readArtifacts returns the artifact set that the Go source in file defines. It does not
// import the product's package, so that this module does not have the product's
// dependencies.
func readArtifacts(file string) (artifacts, error) {
	var all artifacts
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		return all, err
	}
	ast.Inspect(f, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		fields := stringFields(lit)
		switch {
		case fields["Repository"] != "" && fields["Tag"] != "":
			all.images = append(all.images, artifact{fields["Name"], fields["Repository"], fields["Tag"]})
		case fields["Release"] != "":
			all.debs = append(all.debs, artifactDeb{fields["Name"], fields["Release"]})
		case fields["Channel"] != "":
			all.system = osImage{fields["Channel"], fields["Version"]}
		}
		return true
	})
	if len(all.images) == 0 || all.system.Version == "" {
		return all, fmt.Errorf("%s has no artifact set", file)
	}
	return all, nil
}

// stringFields returns those fields of a composite literal whose values are string
// literals.
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
