package conf

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"

	"maskline/models"
)

// EnvPrefix begins the environment variables that set keys.
const EnvPrefix = "MASKLINE_"

// Load reads the configuration: the defaults, then the file at path ("" is none), then the environment, then settings of the form
// KEY=VALUE from the command line. What comes later wins. An unknown key is an error. The result is validated.
func Load(path string, environ, settings []string) (Config, error) {
	cfg, err := Read(path, environ, settings)
	if err != nil {
		return Config{}, err
	}
	return cfg, named(path, cfg.Validate())
}

// Read is Load without validation, for clients that need a part of the configuration and may not see its secrets.
func Read(path string, environ, settings []string) (Config, error) {
	k := koanf.New(".")
	if path != "" {
		if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return Config{}, fmt.Errorf("configuration %s does not exist; copy conf/maskline.yaml there", path)
			}
			return Config{}, fmt.Errorf("read %s: %w", path, err)
		}
	}
	cfg, err := finish(k, environ, settings)
	return cfg, named(path, err)
}

// Parse is Load of a text.
func Parse(text []byte, environ, settings []string) (Config, error) {
	k := koanf.New(".")
	if err := k.Load(rawbytes.Provider(text), yaml.Parser()); err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	cfg, err := finish(k, environ, settings)
	if err == nil {
		err = cfg.Validate()
	}
	return cfg, named("", err)
}

// named says which configuration an error is about.
func named(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case path == "":
		return fmt.Errorf("configuration: %w", err)
	}
	return fmt.Errorf("configuration %s: %w", path, err)
}

func finish(k *koanf.Koanf, environ, settings []string) (Config, error) {
	if err := unknown(k.Raw()); err != nil {
		return Config{}, err
	}
	if err := loadEnv(k, environ); err != nil {
		return Config{}, err
	}
	if err := loadSettings(k, settings); err != nil {
		return Config{}, err
	}
	raw := k.Raw()
	dropNulls(raw)
	cfg := Default()
	if err := decode(raw, &cfg); err != nil {
		return Config{}, err
	}
	return cfg, nil
}

// scalars are the keys that one value can set; lists of sections, and maps, are written in the file only.
func scalars() []string {
	return slices.DeleteFunc(Keys(), func(k string) bool {
		return strings.Contains(k, "[]") || k == "call.refusals" || k == "delivery.service_types"
	})
}

// loadEnv takes MASKLINE_… variables. One that begins like a section but names no key of it is an error, as in the file; others,
// such as MASKLINE_TOKEN, belong to somebody else.
func loadEnv(k *koanf.Koanf, environ []string) error {
	byName, sections := map[string]string{}, map[string]bool{}
	for _, key := range scalars() {
		byName[envName(key)] = key
		if head, _, dotted := strings.Cut(key, "."); dotted {
			sections[envName(head)+"_"] = true
		}
	}
	// A variable that a secret points to is no setting, whatever its name.
	pointed := map[string]bool{}
	for _, v := range k.All() {
		markPointed(v, pointed)
	}
	var wrong error
	err := k.Load(env.Provider(".", env.Opt{
		Prefix:      EnvPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			if key, ok := byName[name]; ok {
				return key, value
			}
			for s := range sections {
				if strings.HasPrefix(name, s) && !pointed[name] && wrong == nil {
					wrong = fmt.Errorf("environment variable %s: sets no key; did you mean %s?", name, nearest(name, slices.Sorted(keysIn(byName))))
				}
			}
			return "", nil
		},
	}), nil)
	if wrong != nil {
		return wrong
	}
	return err
}

func keysIn(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// markPointed notes the environment variables that values of the form env:NAME point to.
func markPointed(v any, pointed map[string]bool) {
	switch v := v.(type) {
	case string:
		if name, ok := strings.CutPrefix(v, fromEnv); ok {
			pointed[name] = true
		}
	case []any:
		for _, e := range v {
			markPointed(e, pointed)
		}
	case map[string]any:
		for _, e := range v {
			markPointed(e, pointed)
		}
	}
}

// loadSettings takes KEY=VALUE from the command line.
func loadSettings(k *koanf.Koanf, settings []string) error {
	known := scalars()
	for _, s := range settings {
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("setting %q is not of the form KEY=VALUE, such as log.level=debug", s)
		}
		if !slices.Contains(known, key) {
			return fmt.Errorf("%s: unknown key; did you mean %s?", key, nearest(key, known))
		}
		if err := k.Set(key, value); err != nil {
			return fmt.Errorf("set %s: %w", key, err)
		}
	}
	return nil
}

func decode(raw map[string]any, cfg *Config) error {
	d, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result: cfg, TagName: "koanf", ErrorUnused: true, ZeroFields: true, WeaklyTypedInput: true,
		MatchName: func(mapKey, fieldName string) bool { return mapKey == fieldName },
		DecodeHook: mapstructure.ComposeDecodeHookFunc(
			prefixHook, durationHook, amountHook, listHook, mapstructure.TextUnmarshallerHookFunc(),
		),
	})
	if err != nil {
		return fmt.Errorf("make decoder: %w", err)
	}
	if err := d.Decode(raw); err != nil {
		return fmt.Errorf("wrong type: %s", strings.Join(strings.Fields(err.Error()), " "))
	}
	return nil
}

// prefixHook reads an address prefix, and a bare address as the prefix of itself.
func prefixHook(_, to reflect.Type, value any) (any, error) {
	s, ok := value.(string)
	if !ok || to != reflect.TypeFor[netip.Prefix]() {
		return value, nil
	}
	return models.ParsePrefix(s)
}

// durationHook reads 90s, 15m, 1h30m.
func durationHook(_, to reflect.Type, value any) (any, error) {
	s, ok := value.(string)
	if !ok || to != reflect.TypeFor[time.Duration]() {
		return value, nil
	}
	d, err := time.ParseDuration(strings.TrimSpace(s))
	if err != nil {
		return nil, fmt.Errorf("%q is no duration such as 90s or 15m", s)
	}
	return d, nil
}

// listHook makes a list of a value with commas, as the environment gives it; "" is the empty list.
func listHook(_, to reflect.Type, value any) (any, error) {
	s, ok := value.(string)
	switch {
	case !ok || to.Kind() != reflect.Slice:
		return value, nil
	case s == "":
		return []string{}, nil
	}
	return strings.Split(s, ","), nil
}
