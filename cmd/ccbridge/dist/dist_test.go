package dist_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// read gives a file of this folder, or of another by its relative path.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tool runs a program that is not everywhere; without it the test ends here, as far as it came.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not here", name)
	}
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// buildVariables are what a release may set in package build.
func buildVariables(t *testing.T) []string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^var (version, commit, date) string$`).FindStringSubmatch(read(t, "../build/build.go"))
	if found == nil {
		t.Fatal("package build has no such variables any more")
	}
	return strings.Split(found[1], ", ")
}

// setsBuild checks that a recipe sets the variables of package build, and no others.
func setsBuild(t *testing.T, name, recipe string) {
	t.Helper()
	var set []string
	for _, m := range regexp.MustCompile(`-X ccbridge/cmd/ccbridge/build\.(\w+)=\S`).FindAllStringSubmatch(recipe, -1) {
		set = append(set, m[1])
	}
	if want := buildVariables(t); !slices.Equal(set, want) || strings.Count(recipe, "-X ") != len(want) {
		t.Errorf("%s sets %q of package build, want %q", name, set, want)
	}
}

// TestContainer: the image holds the static binary and certificates only, runs as a numeric user, and asks the binary
// for its health; what it copies and names exists.
func TestContainer(t *testing.T) {
	t.Parallel()
	text := read(t, "container/Containerfile")
	setsBuild(t, "Containerfile", text)
	lines := strings.Split(strings.ReplaceAll(text, "\\\n", " "), "\n")
	last := map[string]string{}
	known := []string{"ARG", "FROM", "WORKDIR", "COPY", "RUN", "LABEL", "VOLUME", "USER", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
	for _, line := range lines {
		word, rest, _ := strings.Cut(line, " ")
		if word == "" || strings.HasPrefix(word, "#") {
			continue
		}
		if !slices.Contains(known, word) {
			t.Errorf("no instruction: %s", line)
		}
		last[word] = rest
	}
	for word, want := range map[string]string{
		"FROM": `scratch`, "USER": `65532:65532`, "ENTRYPOINT": `["/ccbridge"]`, "VOLUME": `["/var/lib/ccbridge"]`,
		"CMD": `["run", "-config", "/etc/ccbridge/config.toml"]`,
	} {
		if last[word] != want {
			t.Errorf("%s is %s, want %s", word, last[word], want)
		}
	}
	for _, want := range []string{`CMD ["/ccbridge", "health", "-config", "/etc/ccbridge/config.toml"]`, "CGO_ENABLED=0", "-trimpath", "--chown=65532:65532"} {
		if !strings.Contains(text, want) {
			t.Errorf("the Containerfile has no %s", want)
		}
	}
	minor := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../../../go.mod"))[1]
	if !strings.Contains(text, "golang:"+minor+"-") {
		t.Errorf("the builder is not of Go %s, which go.mod asks for", minor)
	}
	ignored := read(t, "../../../.dockerignore")
	for _, want := range []string{".git", "**/*.db", "**/config.toml", "**/secrets"} {
		if !slices.Contains(strings.Split(ignored, "\n"), want) {
			t.Errorf(".dockerignore lets %s into the build", want)
		}
	}
	compose := read(t, "container/compose.yaml")
	for _, want := range []string{"read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", `user: "65532:65532"`, "/var/lib/ccbridge", "/etc/ccbridge/config.toml:ro"} {
		if !strings.Contains(compose, want) {
			t.Errorf("compose.yaml has no %s", want)
		}
	}
}

// maxExposure is what `systemd-analyze security` may say at most, in tenths: the service needs the network.
const maxExposure = "15"

// TestUnit: the unit starts the program as OPERATING.md says, and is as closed as it can be.
func TestUnit(t *testing.T) {
	t.Parallel()
	text := read(t, "systemd/ccbridge.service")
	for _, want := range []string{
		"ExecStart=/usr/local/bin/ccbridge run -config /etc/ccbridge/config.toml", "ExecReload=/bin/kill -HUP $MAINPID", "Restart=always",
		"DynamicUser=yes", "StateDirectory=ccbridge", "WorkingDirectory=/var/lib/ccbridge", "LoadCredential=secret:/etc/ccbridge/secrets",
		"ProtectSystem=strict", "NoNewPrivileges=yes", "SystemCallFilter=@system-service",
	} {
		if !slices.Contains(strings.Split(text, "\n"), want) {
			t.Errorf("the unit has no line %s", want)
		}
	}
	// Its program is not installed here: the check is of a copy that starts another one.
	unit := filepath.Join(t.TempDir(), "ccbridge.service")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(unit, []byte(strings.Replace(text, "/usr/local/bin/ccbridge ", self+" ", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := tool(t, "systemd-analyze", "verify", "--man=no", unit); strings.Contains(out, "ccbridge.service:") {
		t.Errorf("systemd-analyze verify:\n%s", out)
	}
	tool(t, "systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold="+maxExposure, unit)
}

// TestRelease: the recipe names what exists, sets what package build has, and every package can be built for each target.
func TestRelease(t *testing.T) {
	t.Parallel()
	text := read(t, "../../../.goreleaser.yaml")
	setsBuild(t, ".goreleaser.yaml", text)
	for _, want := range []string{"version: 2", "main: ./cmd/ccbridge", "env: [CGO_ENABLED=0]", "-trimpath", `mod_timestamp: "{{ .CommitTimestamp }}"`, "algorithm: sha256", "sboms:"} {
		if !strings.Contains(text, want) {
			t.Errorf("the recipe has no %s", want)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^ +- src: (\S+)$`).FindAllStringSubmatch(text, -1) {
		if found, err := filepath.Glob(filepath.Join("../../..", m[1])); err != nil || len(found) == 0 {
			t.Errorf("the recipe packs %s, which does not exist", m[1])
		}
	}
	list := func(key string) []string {
		m := regexp.MustCompile(`(?m)^ +` + key + `: \[(.*)\]$`).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("the recipe names no %s", key)
		}
		return strings.Split(m[1], ", ")
	}
	for _, system := range list("goos") {
		for _, machine := range list("goarch") {
			// Building takes minutes: this finds packages that have no files for a target.
			cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if .Error}}{{.ImportPath}}: {{.Error}}{{end}}", "./cmd/ccbridge")
			cmd.Dir = "../../.."
			cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+machine, "CGO_ENABLED=0")
			if out, err := cmd.CombinedOutput(); err != nil || len(strings.TrimSpace(string(out))) > 0 {
				t.Errorf("%s/%s: %v\n%s", system, machine, err, out)
			}
		}
	}
}
