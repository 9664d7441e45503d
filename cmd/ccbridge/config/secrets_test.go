package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretIsHidden(t *testing.T) {
	t.Parallel()
	const token = "xoxb-very-secret"
	secret := NewSecret(token)
	if secret.Reveal() != token || (Secret{}).Reveal() != "" {
		t.Fatal("Reveal does not return the text")
	}
	cfg := Config{Adapters: []Adapter{{Slack: &SlackAdapter{BotToken: secret}}}}
	unexported := struct{ inner SlackAdapter }{SlackAdapter{AppToken: secret}}
	var shown strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{secret, &secret, cfg, *cfg.Adapters[0].Slack, unexported} {
			fmt.Fprintf(&shown, verb+"\n", v)
		}
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&shown, nil), slog.NewJSONHandler(&shown, nil)} {
		slog.New(h).Info("x", "secret", secret, "config", cfg, "adapter", cfg.Adapters[0].Slack)
	}
	if err := json.NewEncoder(&shown).Encode(cfg); err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{token, fmt.Sprintf("%x", token)} {
		if strings.Contains(shown.String(), form) {
			t.Errorf("the secret shows:\n%s", shown.String())
		}
	}
	if !strings.Contains(shown.String(), hiddenSecret) {
		t.Error("no placeholder shows")
	}
}
