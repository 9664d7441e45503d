package config

import (
	"strings"
	"time"
)

// Setting is one key that the program reads, and the value that is in force, for people to look at.
type Setting struct {
	Key string `json:"key"` // path, such as "routes[0].channels"
	// Value is what holds, defaults filled in, as it would be written in the file without quotes; of secrets a placeholder.
	Value string `json:"value"`
	// From is the reference the value came from ("env:NAME", "file:PATH"), or "".
	From string `json:"from,omitempty"`
	// Line is where the key stands in the file; 0: it does not, and the default holds.
	Line int `json:"line,omitempty"`
}

// note records the value in force of a key.
func (s *section) note(key, value string) {
	set := Setting{Key: keyPath(s.path, key), Value: value}
	if raw, found := s.table[key]; found {
		set.Line = s.at(key).line
		if isReference(raw) {
			set.From, _ = raw.(string)
		}
	}
	s.settings = append(s.settings, set)
}

// noteSecret records that a secret is in force, or that none is.
func (s *section) noteSecret(key string, secret Secret) {
	s.hidden[keyPath(s.path, key)] = secret
	if secret.Reveal() == "" {
		s.note(key, "")
		return
	}
	s.note(key, hiddenSecret)
}

// follows records the value in force of a key whose default follows from others.
func (s *section) follows(key, value string) {
	path := keyPath(s.path, key)
	for i := range s.settings {
		if s.settings[i].Key == path {
			s.settings[i].Value = value
		}
	}
}

// shortDuration is d as people write it: "30m", not "30m0s".
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
