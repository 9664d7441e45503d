package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSocketBeside: a database whose path is too long for a socket has one under a short name, always the same.
func TestSocketBeside(t *testing.T) {
	t.Parallel()
	if got := socketBeside("/var/lib/ccbridge/ccbridge.db"); got != "/var/lib/ccbridge/ccbridge.db.sock" {
		t.Errorf("short: %s", got)
	}
	deep := "/" + strings.Repeat("d", 100) + "/x.db"
	got := socketBeside(deep)
	if len(got) > maxSocketPath && len(os.TempDir()) < 50 || got != socketBeside(deep) || got == socketBeside(deep+"2") || filepath.Dir(filepath.Dir(got)) != filepath.Clean(os.TempDir()) {
		t.Errorf("long: %s", got)
	}
}

// TestAdminPage: the page is off by default, and a weak key to it is refused.
func TestAdminPage(t *testing.T) {
	t.Parallel()
	const hash = "$2b$12$abcdefghijklmnopqrstuuK6HMQk4eTbVZGrEB3VBGTqNKXGpE6gW"
	const open = `switches on the page at /admin, and server.listen is open to the network, where passwords and transcripts pass in clear; write server.listen`
	for name, test := range map[string]struct {
		listen, section string
		on              bool
		want            []string
	}{
		"off":             {"", "", false, nil},
		"empty":           {"", "token = \"\"\npassword_hash = \"\"", false, nil},
		"password":        {"", `password_hash = "` + hash + `"`, true, nil},
		"token":           {"", `token = "12345678901234567890"`, true, nil},
		"short token":     {"", `token = "1234567890123456789"`, false, []string{`27: admin.token: is shorter than 20 characters, so it could be guessed; write a long random one`}},
		"spaced token":    {"", `token = "1234567890 1234567890"`, false, []string{`27: admin.token: contains a space`}},
		"plain password":  {"", `password_hash = "hunter2"`, false, []string{`27: admin.password_hash: is no bcrypt hash with a cost from 10 to 14; write what "ccbridge password" prints`}},
		"cheap hash":      {"", `password_hash = "` + strings.Replace(hash, "12", "09", 1) + `"`, false, []string{`27: admin.password_hash: is no bcrypt hash`}},
		"costly hash":     {"", `password_hash = "` + strings.Replace(hash, "12", "15", 1) + `"`, false, []string{`27: admin.password_hash: is no bcrypt hash`}},
		"open, off":       {":8080", "", false, nil},
		"open":            {":8080", `token = "12345678901234567890"`, true, []string{`27: admin.token: warning: ` + open}},
		"open to network": {"10.0.0.1:8080", `password_hash = "` + hash + `"`, true, []string{`27: admin.password_hash: warning: ` + open}},
		"open, version 6": {"[::]:8080", `password_hash = "` + hash + `"`, true, []string{`27: admin.password_hash: warning: ` + open}},
		"loopback":        {"[::1]:8080", `password_hash = "` + hash + `"`, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := sound + "[admin]\n" + test.section + "\n"
			if test.listen != "" {
				text = strings.Replace(text, "127.0.0.1:0", test.listen, 1)
			}
			cfg, faults := loadText(t, text)
			requireFaults(t, faults, test.want)
			if cfg.Admin.PageOn() != test.on {
				t.Errorf("on: %v", cfg.Admin.PageOn())
			}
		})
	}
}
