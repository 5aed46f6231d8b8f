package conf

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// A key of the configuration is known by the struct fields that hold it: database.dsn, switches[].addr. The walk below is the one
// place that knows how fields become keys; strictness, the environment and the check of the sample all use it.

var textType = reflect.TypeFor[encoding.TextUnmarshaler]()

// section says whether a field's type holds keys of its own.
func section(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(textType)
}

// Keys lists every key of the configuration that is a value, in order: "database.dsn", "switches[].addr".
func Keys() []string { return keysOf(reflect.TypeFor[Config](), "") }

func keysOf(t reflect.Type, prefix string) []string {
	var keys []string
	for f := range t.Fields() {
		key := prefix + f.Tag.Get("koanf")
		switch {
		case section(f.Type):
			keys = append(keys, keysOf(f.Type, key+".")...)
		case f.Type.Kind() == reflect.Slice && section(f.Type.Elem()):
			keys = append(keys, keysOf(f.Type.Elem(), key+"[].")...)
		default:
			keys = append(keys, key)
		}
	}
	return keys
}

// unknown finds the first key of a raw configuration that no field holds, and says which one was probably meant.
func unknown(raw map[string]any) error { return walk(raw, reflect.TypeFor[Config](), "") }

func walk(raw map[string]any, t reflect.Type, path string) error {
	fields := map[string]reflect.Type{}
	for f := range t.Fields() {
		fields[f.Tag.Get("koanf")] = f.Type
	}
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		at := path + name
		field, ok := fields[name]
		if !ok {
			return fmt.Errorf("%s: unknown key; did you mean %s?", at, path+nearest(name, slices.Sorted(maps.Keys(fields))))
		}
		if err := walkValue(raw[name], field, at); err != nil {
			return err
		}
	}
	return nil
}

func walkValue(value any, t reflect.Type, at string) error {
	switch {
	case value == nil:
		return nil
	case section(t):
		m, ok := value.(map[string]any)
		if !ok {
			return fmt.Errorf("%s: holds keys of its own, not a single value", at)
		}
		return walk(m, t, at+".")
	case t.Kind() == reflect.Slice && section(t.Elem()):
		list, ok := value.([]any)
		if !ok {
			return fmt.Errorf("%s: is a list; begin each entry with a dash", at)
		}
		for i, entry := range list {
			if err := walkValue(entry, t.Elem(), fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropNulls removes keys without a value, so that an empty "trunks:" leaves the default instead of zeroing it.
func dropNulls(m map[string]any) {
	for k, v := range m {
		switch v := v.(type) {
		case nil:
			delete(m, k)
		case map[string]any:
			dropNulls(v)
		}
	}
}

// nearest is the name with the fewest changed letters to the one that was written.
func nearest(word string, names []string) string {
	return slices.MinFunc(names, func(a, b string) int { return distance(word, a) - distance(word, b) })
}

// distance counts the letters to insert, delete or replace (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// envName is the environment variable that sets a key: database.dsn is MASKLINE_DATABASE_DSN.
func envName(key string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}
