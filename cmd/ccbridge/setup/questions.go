package setup

import (
	"fmt"
	"strings"
	"unicode"
)

// question is one thing that init must know.
type question struct {
	name     string // of the flag
	ask      string // what is asked, and the flag's help
	hint     string // where to find it
	standard string // what no answer means
	sample   string // stands in a draft while there is no answer
	required bool
	flagOnly bool                 // not asked: few need another than the standard
	when     func(answers) bool   // nil: always
	unless   string               // what to do with the flag where when says no
	check    func(string) string  // beside the configuration's own checks; "": all is well
	key      func(answers) string // the beginning of the configuration's keys that hold it; nil: it has none
}

const writeIDs = "separated by commas"

var questions = []question{
	{name: "base-url", ask: "The address of your contact centre", required: true, sample: "https://centre.example",
		hint: "without /apiaccess and what follows it, such as https://service.besclouds.com", key: at("ccm.base_url")},
	{name: "channel-id", ask: "The configuration id of the centre's web channel", required: true, sample: "1",
		hint: "the centre shows it in its list of channels; its administrator knows it", key: at("ccm.channel_id")},
	{name: "locale", ask: "The language the centre answers in", standard: "en", sample: "en",
		hint: `a bare code such as "en" or "zh"`, key: at("ccm.locale")},
	{name: "listen", ask: "Where /healthz, /readyz and /metrics are served", standard: "127.0.0.1:8080", sample: "127.0.0.1:8080",
		flagOnly: true, key: at("server.listen")},
	{name: "platforms", ask: "Which platforms to serve", required: true,
		hint: "slack, discord or both", check: platformsProblem},

	{name: "slack-name", ask: "A name for the Slack adapter", standard: "slack", sample: "slack", hint: "yours to choose; logs and metrics show it",
		when: has("slack"), unless: noPlatform("slack"), check: nameProblem, key: inAdapter("slack", "")},
	{name: "slack-channels", ask: "Slack channels to serve, " + writeIDs, required: true, sample: "C0123ABCD", when: has("slack"), unless: noPlatform("slack"),
		hint: `ids (C…, at the bottom of a channel's details); "dm": direct messages; "*": every channel the bot is in`,
		key:  inRoute("slack", "channels")},
	{name: "slack-open", ask: "What opens a conversation in Slack: a mention of the bot, or every top-level message", standard: "mention", sample: "mention",
		hint: "mention or message", when: has("slack"), unless: noPlatform("slack"), key: inRoute("slack", "open")},
	{name: "slack-staff", ask: "Slack users who may call an agent or end in others' conversations, " + writeIDs, when: has("slack"), unless: noPlatform("slack"),
		hint: "user ids (U…, from the person's profile: Copy member ID)", key: inRoute("slack", "staff")},
	{name: "slack-api", ask: "The address of Slack's API, if it is another", when: has("slack"), unless: noPlatform("slack"), flagOnly: true,
		key: inAdapter("slack", "api_url")},

	{name: "discord-name", ask: "A name for the Discord adapter", standard: "discord", sample: "discord", hint: "yours to choose; logs and metrics show it",
		when: has("discord"), unless: noPlatform("discord"), check: nameProblem, key: inAdapter("discord", "")},
	{name: "discord-channels", ask: "Discord channels to serve, " + writeIDs, required: true, sample: "dm", when: has("discord"), unless: noPlatform("discord"),
		hint: `ids (Developer Mode on, right click on the channel, Copy Channel ID); "dm": direct messages; "*": every channel of the servers`,
		key:  inRoute("discord", "channels")},
	{name: "discord-guilds", ask: "Discord servers the bot works in, " + writeIDs, required: true, sample: "1100000000000000001",
		when: beyondDM, unless: `is not needed: only direct messages are served, or no Discord`,
		hint: "ids (Developer Mode on, right click on the server, Copy Server ID)", key: inAdapter("discord", "guilds")},
	{name: "discord-open", ask: "What opens a conversation in Discord: a mention of the bot, or every top-level message", standard: "mention", sample: "mention",
		hint: "mention or message", when: has("discord"), unless: noPlatform("discord"), key: inRoute("discord", "open")},
	{name: "discord-staff", ask: "Discord users who may call an agent or end in others' conversations, " + writeIDs, when: has("discord"),
		unless: noPlatform("discord"), hint: `user ids, or "role:ID"`, key: inRoute("discord", "staff")},
	{name: "discord-api", ask: "The address of Discord, if it is another", when: has("discord"), unless: noPlatform("discord"), flagOnly: true,
		key: inAdapter("discord", "api_url")},
}

func at(key string) func(answers) string { return func(answers) string { return key } }

func inAdapter(platform, key string) func(answers) string {
	return func(a answers) string {
		path := "adapters." + a[platform+"-name"]
		if key != "" {
			path += "." + key
		}
		return path
	}
}

// inRoute: Slack's route comes first where there are both.
func inRoute(platform, key string) func(answers) string {
	return func(a answers) string {
		n := 0
		if platform == "discord" && a.serves("slack") {
			n = 1
		}
		return fmt.Sprintf("routes[%d].%s", n, key)
	}
}

func has(platform string) func(answers) bool {
	return func(a answers) bool { return a.serves(platform) }
}

func noPlatform(platform string) string {
	return "-platforms does not name " + platform
}

// beyondDM: servers are named where more than direct messages is served.
func beyondDM(a answers) bool {
	if !a.serves("discord") {
		return false
	}
	for _, channel := range list(a["discord-channels"]) {
		if channel != "dm" {
			return true
		}
	}
	return false
}

func (a answers) serves(platform string) bool {
	for _, p := range platforms(a["platforms"]) {
		if p == platform {
			return true
		}
	}
	return false
}

// platforms are those that an answer names.
func platforms(value string) []string {
	if strings.TrimSpace(value) == "both" {
		return []string{"slack", "discord"}
	}
	return list(value)
}

func platformsProblem(value string) string {
	for _, p := range platforms(value) {
		if p != "slack" && p != "discord" {
			return `is neither slack nor discord; write "slack", "discord" or "both"`
		}
	}
	if len(list(value)) == 0 {
		return "an answer is needed here"
	}
	return ""
}

// nameProblem keeps a name from being read as a path of keys; the configuration's own check does the rest.
func nameProblem(value string) string {
	if strings.ContainsFunc(value, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_' || r > unicode.MaxASCII
	}) {
		return "is no good name; write letters, digits, - and _"
	}
	return ""
}

// list splits an answer of several.
func list(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
}

func notPrintable(r rune) bool {
	return r == unicode.ReplacementChar || r != '\t' && unicode.IsControl(r)
}
