package slack

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Recorded payloads, with their values emptied, have the shapes that are decoded here.
func TestRecordedShapes(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("CCBRIDGE_SHARED_DATA")
	if dir == "" {
		t.Skip("CCBRIDGE_SHARED_DATA is not set: no recorded payloads")
	}
	read := func(pattern string, into func(name string) any) {
		files, err := filepath.Glob(filepath.Join(dir, "slack-samples", pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no samples in %s: %v", pattern, err)
		}
		for _, name := range files {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(raw, into(filepath.Base(name))); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	read("events/*.json", func(name string) any {
		if strings.HasPrefix(name, "Message") {
			return &struct{ Event message }{}
		}
		return &struct{ Event innerEvent }{}
	})
	read("events/*.json", func(string) any { return &eventPayload{} })
	read("app-backend/slash-commands/*.json", func(string) any { return &command{} })
	read("app-backend/interactive-components/[BM]*.json", func(string) any { return &interaction{} })
}
