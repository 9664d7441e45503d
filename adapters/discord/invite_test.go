package discord

import (
	"strings"
	"testing"

	"ccbridge/bridge"
)

func TestInvite(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		routes []bridge.Route
		want   string
	}{
		{"everything", nil, "permissions=309237713920"},
		{"channels", []bridge.Route{{Channels: []string{"dm", "1100000000000000002"}}}, "permissions=309237713920"},
		{"direct messages only", []bridge.Route{{Channels: []string{"dm"}}}, "permissions=0"},
	} {
		i := Invite("1400000000000000001", c.routes)
		if want := "https://discord.com/oauth2/authorize?client_id=1400000000000000001&scope=bot+applications.commands&" + c.want; i.URL != want {
			t.Errorf("%s: %s, want %s", c.name, i.URL, want)
		}
		if len(i.Permissions) == 0 != strings.HasSuffix(i.URL, "=0") || len(i.Settings) == 0 {
			t.Errorf("%s: permissions %q, settings %q", c.name, i.Permissions, i.Settings)
		}
	}
}
