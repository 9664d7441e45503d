package console

import (
	"testing"

	"ccbridge/bridge"
)

func TestParseLink(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bridge.Link{
		"https://acme.slack.com/archives/C0HELP/p1712345678000100":                                        {Channel: "C0HELP", ID: "1712345678.000100"},
		"https://acme.slack.com/archives/C0HELP/p1712345678000200?thread_ts=1712345678.000100&cid=C0HELP": {Channel: "C0HELP", ID: "1712345678.000200", Root: "1712345678.000100"},
		"https://discord.com/channels/1100/1200/1300":                                                     {Space: "1100", Channel: "1200", ID: "1300"},
		"https://canary.discord.com/channels/@me/1200/1300/":                                              {Channel: "1200", ID: "1300"},
		"https://discord.com/channels/1100/1200":                                                          {Space: "1100", Channel: "1200"},
		" 1712345678.000100 ":                                                                             {ID: "1712345678.000100"},
		"acme:m:C0HELP:1712345678.000100":                                                                 {ID: "acme:m:C0HELP:1712345678.000100"},
	} {
		if got, err := ParseLink(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "two words", "https://acme.slack.com/archives/C0HELP", "https://acme.slack.com/archives/C0HELP/p12",
		"https://acme.slack.com/archives/C0HELP/1712345678000100", "https://acme.slack.com/archives/C0HELP/p1712345678000100?thread_ts=x",
		"https://discord.com/channels/1100", "https://discord.com/channels/x/1200/1300", "https://discord.com/channels/1/2/3/4",
		"https://example.com/", "http://[", "https:///archives/C/p1712345678000100"} {
		if got, err := ParseLink(text); err == nil {
			t.Errorf("%q became %+v", text, got)
		}
	}
}

func FuzzParseLink(f *testing.F) {
	f.Add("https://acme.slack.com/archives/C0HELP/p1712345678000200?thread_ts=1712345678.000100")
	f.Add("https://discord.com/channels/1100/1200/1300")
	f.Fuzz(func(t *testing.T, text string) {
		if l, err := ParseLink(text); err == nil && l.ID == "" && l.Channel == "" {
			t.Errorf("%q names nothing", text)
		}
	})
}
