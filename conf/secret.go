package conf

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
)

// Secret is a setting that must not be shown. In the file it stands as it is, or as env:NAME or file:PATH, which say where to read
// it. It prints as stars, whatever prints it.
type Secret struct{ text string }

const (
	fromEnv  = "env:"
	fromFile = "file:"
)

// NewSecret makes a secret of its text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal gives the secret's text, as it stands or from where it points: the environment, or a file without its last line break.
func (s Secret) Reveal() (string, error) {
	if name, ok := strings.CutPrefix(s.text, fromEnv); ok {
		v, set := os.LookupEnv(name)
		if !set || v == "" {
			return "", fmt.Errorf("environment variable %s is not set", name)
		}
		return v, nil
	}
	if path, ok := strings.CutPrefix(s.text, fromFile); ok {
		b, err := os.ReadFile(path) //nolint:gosec // the operator names the file
		if err != nil {
			return "", fmt.Errorf("read secret: %w", err)
		}
		return strings.TrimRight(string(b), "\r\n"), nil
	}
	return s.text, nil
}

// IsZero says that nothing is set.
func (s Secret) IsZero() bool { return s.text == "" }

func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return "***"
}

// Format makes every verb print stars.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue hides the secret in logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the secret in JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a secret as it stands in the configuration.
func (s *Secret) UnmarshalText(b []byte) error {
	s.text = string(b)
	return nil
}
