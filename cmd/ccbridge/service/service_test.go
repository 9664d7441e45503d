package service

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"ccbridge/cmd/ccbridge/config"
)

// TestStoppedWhileStarting: a signal that comes before the bridge is at work is no error.
func TestStoppedWhileStarting(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	cfg := config.Config{Server: config.Server{Listen: "127.0.0.1:0"}, Store: config.Store{Path: filepath.Join(dir, "x.db")},
		CCM: config.CCM{BaseURL: "http://127.0.0.1:1", AuthURL: "http://127.0.0.1:1"}, Admin: config.Admin{Socket: filepath.Join(dir, "s")}}
	var log bytes.Buffer
	if err := RunLogged(ctx, cfg, nil, &log, nil); err != nil || !strings.Contains(log.String(), `"msg":"stopped"`) {
		t.Errorf("%v, and in the log %s", err, log.String())
	}
}
