package doctor

import (
	"bytes"
	"context"
	"testing"

	"ccbridge/bridge"
)

// TestCutShort: a part that was not finished says so, beside what it found.
func TestCutShort(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	list := part{"acme", func(ctx context.Context, f *bridge.Findings) {
		f.OK("slack.reach", "", "Slack answers.")
		cancel()
		<-ctx.Done()
	}}.run(ctx)
	if len(list) != 2 || list[1].Check != "acme.deadline" || list[1].Level != bridge.FindingFault || list[1].Part != "acme" {
		t.Errorf("%+v", list)
	}
}

func TestWritePart(t *testing.T) {
	t.Parallel()
	f := bridge.Findings{Part: "acme"}
	f.OK("a", "", "All is well.")
	f.Warn("b", "", "It is slow.", "Customers wait.", "Make it faster.")
	f.Fault("c", "", "It is broken.", "Nobody is served.", "Mend it.")
	var out bytes.Buffer
	if err := WritePart(&out, "acme", f.List); err != nil {
		t.Fatal(err)
	}
	if err := WritePart(&out, "empty", nil); err != nil {
		t.Fatal(err)
	}
	const want = `acme
  ✓ All is well.
  ! It is slow.
      Means: Customers wait.
      Fix:   Make it faster.
  ✗ It is broken.
      Means: Nobody is served.
      Fix:   Mend it.

`
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
	if got, want := NewReport(f.List).Summary(), "1 ✓  1 !  1 ✗   Customers are not served, or not everywhere, until each ✗ is put right."; got != want {
		t.Errorf("%q", got)
	}
}

func TestProxyAddress(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"http://proxy.example:3128": "proxy.example:3128",
		"https://proxy.example":     "proxy.example:443",
		"proxy.example:3128":        "proxy.example:3128",
		"http://u:p@proxy.example/": "proxy.example:80",
		"socks5://[::1]":            "[::1]:1080",
		"gopher://proxy.example":    "",
		"http://":                   "",
		"http://proxy.example:port": "",
		"\x7f":                      "",
	} {
		if got, err := proxyAddress(value); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", value, got, err)
		}
	}
}
