package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"text/template"
)

// functions returns the functions that templates may call, in addition to those of Go.
func functions(myURL string, meta map[string]any) template.FuncMap {
	return template.FuncMap{
		"MyURL": func() string { return myURL },
		"Metadata": func(key string) (any, error) {
			value, found := meta[key]
			if !found {
				return nil, fmt.Errorf("no metadata %q", key)
			}
			return value, nil
		},
		"json": func(v any) (string, error) {
			data, err := json.Marshal(v)
			return string(data), err
		},
		"add": func(a, b any) (any, error) { return calculate('+', a, b) },
		"sub": func(a, b any) (any, error) { return calculate('-', a, b) },
		"mul": func(a, b any) (any, error) { return calculate('*', a, b) },
		"div": func(a, b any) (any, error) { return calculate('/', a, b) },
	}
}

// calculate applies the operator op to a and b. The result is an integer if both are
// integers, and a float otherwise.
func calculate(op rune, a, b any) (any, error) {
	x, xInt, xErr := numeric(a)
	y, yInt, yErr := numeric(b)
	if err := errors.Join(xErr, yErr); err != nil {
		return nil, err
	}
	if !xInt.IsValid() || !yInt.IsValid() {
		return apply(op, x, y), nil
	}
	if op == '/' && yInt.Int() == 0 {
		return nil, errors.New("division by zero")
	}
	return apply(op, xInt.Int(), yInt.Int()), nil
}

func apply[T int64 | float64](op rune, a, b T) T {
	switch op {
	case '+':
		return a + b
	case '-':
		return a - b
	case '*':
		return a * b
	}
	return a / b
}

// numeric returns the number v as a float. If v is an integer, it also returns v as an
// int64.
func numeric(v any) (float64, reflect.Value, error) {
	r, float, integer := reflect.ValueOf(v), reflect.TypeFor[float64](), reflect.TypeFor[int64]()
	switch {
	case r.IsValid() && (r.CanInt() || r.CanUint()):
		return r.Convert(float).Float(), r.Convert(integer), nil
	case r.IsValid() && r.CanFloat():
		return r.Float(), reflect.Value{}, nil
	}
	return 0, reflect.Value{}, fmt.Errorf("%v is not a number", v)
}
