package status_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/cybozu-go/neco/pkg/status"
)

const schemaFile = "../../docs/status.schema.json"

// words lists the values of each string type in the JSON of neco status.
var words = map[reflect.Type][]any{
	reflect.TypeFor[status.Health](): {status.Halted, status.Degraded, status.Updating, status.Healthy},
	reflect.TypeFor[status.State]():  {status.None, status.Running, status.Complete, status.Stopped, status.Unreadable},
	reflect.TypeFor[status.ServerState](): {status.ServerIdle, status.ServerNotBegun, status.ServerRunning, status.ServerWaiting,
		status.ServerStopped, status.ServerAborted, status.ServerCompleted, status.ServerUnknown},
}

// schemaOf returns the JSON Schema of the JSON of a type. Additional fields are
// allowed, because later versions add some.
func schemaOf(t *testing.T, of reflect.Type) map[string]any {
	if values, ok := words[of]; ok {
		return map[string]any{"type": "string", "enum": values}
	}
	switch of.Kind() {
	case reflect.Pointer:
		return schemaOf(t, of.Elem())
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t, of.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t, of.Elem())}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return map[string]any{"type": "integer"}
	case reflect.Struct:
		if of == reflect.TypeFor[time.Time]() {
			return map[string]any{"type": "string", "format": "date-time"}
		}
		return objectOf(t, of)
	}
	t.Fatalf("%s has no schema", of)
	return nil
}

func objectOf(t *testing.T, of reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, f := range reflect.VisibleFields(of) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" || f.Anonymous {
			continue
		}
		properties[name] = schemaOf(t, f.Type)
		if !strings.Contains(options, "omit") {
			required = append(required, name)
		}
	}
	return map[string]any{"type": "object", "properties": properties, "required": required}
}

func TestTheSchemaOfTheStatusIsFresh(t *testing.T) {
	schema := schemaOf(t, reflect.TypeFor[status.View]())
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = "neco status -o json"
	want, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *updateGolden {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("run go test ./pkg/status -update:\n%s", diff)
	}
}

func TestWhatStatusPrintsMatchesTheSchema(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, snap := range views() {
		v := view(snap, *clock(10 * time.Minute))
		v.Judge()
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(decoded(t, data)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"a field is missing": `{"revision":1}`,
		"a word is unknown":  strings.Replace(minimal, `"none"`, `"noon"`, 1),
		"a time is none":     strings.Replace(minimal, "2026-01-01T00:00:00Z", "yesterday", 1),
	} {
		if err := schema.Validate(decoded(t, []byte(text))); err == nil {
			t.Errorf("%s, and it matches", name)
		}
	}
	if err := schema.Validate(decoded(t, []byte(minimal))); err != nil {
		t.Error(err)
	}
}

// minimal is the smallest output of status.
const minimal = `{"revision":1,"at":"2026-01-01T00:00:00Z","health":"healthy","state":"none","last_step":18,"servers":[],"release":{"env":"none"}}`

func decoded(t *testing.T, data []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return v
}
