package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"net/http"
	"sync"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
)

//go:embed schema.graphql
var schemaText string

var schema = sync.OnceValue(func() *ast.Schema {
	return gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphql", Input: schemaText})
})

// graphRequest is the body of a GraphQL request.
type graphRequest struct {
	Query         string         `json:"query"`
	OperationName string         `json:"operationName"`
	Variables     map[string]any `json:"variables"`
}

// graphResponse is the body of a GraphQL response. Data is null after an error, because
// no field of the operations is nullable.
type graphResponse struct {
	Errors gqlerror.List `json:"errors,omitempty"`
	Data   any           `json:"data"`
}

// graphQL responds to a GraphQL request: with 400 if the body is not JSON, with 422 if
// the operation is not valid, and with 200 otherwise.
func (s *server) graphQL(r *http.Request) (int, any, error) {
	data, err := body(r)
	if err != nil {
		return 0, nil, err
	}
	var req graphRequest
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&req); err != nil {
		return 0, nil, fail(http.StatusBadRequest, "graphql: %v", err)
	}
	op, vars, errs := req.operation()
	if len(errs) > 0 {
		return http.StatusUnprocessableEntity, graphResponse{Errors: errs}, nil
	}
	result, err := s.execute(r.Context(), op, vars)
	if err != nil {
		return ok(graphResponse{Errors: gqlerror.List{asGraphError(err)}})
	}
	return ok(graphResponse{Data: result})
}

// operation returns the operation of the request and its variables, after validating
// both.
func (req graphRequest) operation() (*ast.OperationDefinition, map[string]any, gqlerror.List) {
	doc, errs := gqlparser.LoadQueryWithRules(schema(), req.Query, nil)
	if len(errs) > 0 {
		return nil, nil, errs
	}
	op := doc.Operations.ForName(req.OperationName)
	if op == nil {
		return nil, nil, gqlerror.List{gqlerror.Errorf("operation %s not found", req.OperationName)}
	}
	vars, err := validator.VariableValues(schema(), op, req.Variables)
	if err != nil {
		return nil, nil, gqlerror.List{asGraphError(err)}
	}
	return op, vars, nil
}

func asGraphError(err error) *gqlerror.Error {
	var g *gqlerror.Error
	if errors.As(err, &g) {
		return g
	}
	return gqlerror.Wrap(err)
}
