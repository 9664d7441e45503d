package discord

import "testing"

func TestAppID(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]string{
		"MTQwMDAwMDAwMDAwMDAwMDAwMQ.Gxxxxx.abc":   "1400000000000000001",
		"MTQwMDAwMDAwMDAwMDAwMDAwMQ==.Gxxxxx.abc": "1400000000000000001",
		"MTQwMDAwMDAwMDAwMDAwMDAwMQ":              "", // no token at all
		"sim-bot-token":                           "",
		"c2VjcmV0.Gxxxxx.abc":                     "", // it is "secret"
		"LTE.G.a":                                 "", // it is -1
		"":                                        "",
	} {
		if got := AppID(token); got != want {
			t.Errorf("AppID(%q) is %q, want %q", token, got, want)
		}
	}
}
