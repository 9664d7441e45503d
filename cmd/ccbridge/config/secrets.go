package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// maxReferencedFile bounds what a "file:PATH" value may hold, in bytes.
const maxReferencedFile = 64 << 10

// Secret is a token or key that must not be printed: every way of formatting,
// logging or marshalling it shows a placeholder. The text sits behind a pointer
// because fmt ignores String methods in unexported fields, but prints only the
// address of a nested pointer. The zero Secret is empty.
type Secret struct{ text *string }

const hiddenSecret = "(secret)"

// NewSecret hides text.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text itself, for the one call that needs it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// String returns a placeholder.
func (s Secret) String() string { return hiddenSecret }

// GoString returns a placeholder, for %#v.
func (s Secret) GoString() string { return hiddenSecret }

// LogValue returns a placeholder, for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hiddenSecret) }

// MarshalText returns a placeholder, for JSON and other encodings.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hiddenSecret), nil }

// reference resolves the values "env:NAME" and "file:PATH".
type reference struct {
	dir string                      // the folder of the configuration file
	env func(string) (string, bool) // as os.LookupEnv
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// resolve returns what raw stands for: itself, if it is no reference.
func (r reference) resolve(raw string) (string, *problem) {
	if name, ok := strings.CutPrefix(raw, "env:"); ok {
		return r.fromEnv(name)
	}
	if path, ok := strings.CutPrefix(raw, "file:"); ok {
		return r.fromFile(path)
	}
	return raw, nil
}

// isReference reports whether a raw value says where its text is, in a form that can be right.
func isReference(raw any) bool {
	text, _ := raw.(string)
	name, isEnv := strings.CutPrefix(text, "env:")
	return isEnv && envName.MatchString(name) || strings.HasPrefix(text, "file:") && text != "file:"
}

func (r reference) fromEnv(name string) (string, *problem) {
	if !envName.MatchString(name) {
		return "", &problem{text: "env: is not followed by the name of an environment variable", write: `"env:NAME"`}
	}
	value, ok := r.env(name)
	if !ok {
		return "", &problem{text: "environment variable " + name + " is not set", write: "the variable into the environment of ccbridge, or another value here"}
	}
	return value, nil
}

func (r reference) fromFile(path string) (string, *problem) {
	const write = `"file:PATH" with a small text file that ccbridge may read, relative to the folder of this configuration`
	if path == "" {
		return "", &problem{text: "file: is not followed by a path", write: write}
	}
	text, err := readFile(r.path(path), maxReferencedFile)
	if err != nil {
		return "", &problem{text: fmt.Sprintf("file %q cannot be used: %s", path, err), write: write}
	}
	return strings.TrimRight(text, "\r\n"), nil
}

// path makes a path of the configuration absolute or relative to the working folder.
func (r reference) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(r.dir, p)
}

// readFile reads a regular file of at most limit bytes. A pipe or device is
// refused: reading it could block for ever.
func readFile(path string, limit int64) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", reason(err)
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("it is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return "", reason(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return "", reason(err)
	}
	if int64(len(data)) > limit {
		return "", fmt.Errorf("it is larger than %d KiB", limit>>10)
	}
	return string(data), nil
}

// reason strips operation and path from a file error: the fault's line names the file already.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// secret returns the required secret at key. A literal one in a file that others
// can read is warned of.
func (s *section) secret(key, write string, checks ...check) Secret {
	secret := NewSecret(s.mandatory(key, write, append(checks, hasNoSpace)))
	s.warnExposed(key, secret)
	return secret
}

// optionalSecret is secret for one that may be missing or empty.
func (s *section) optionalSecret(key string, checks ...check) Secret {
	var secret Secret
	if value := s.optional(key, "", append(checks, hasNoSpace)); value != "" {
		secret = NewSecret(value)
	}
	s.warnExposed(key, secret)
	return secret
}

// warnExposed warns of a literal secret in a file that others can read, and notes the key.
func (s *section) warnExposed(key string, secret Secret) {
	if raw, ok := s.table[key].(string); ok && raw != "" && secret.Reveal() == raw && s.exposed {
		s.warn(s.at(key), "stands in a file that others can read", `"env:NAME" or "file:PATH", or take the rights away (chmod 600)`)
	}
	s.noteSecret(key, secret)
}
