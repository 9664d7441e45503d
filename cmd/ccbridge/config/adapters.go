package config

import (
	"regexp"
	"strings"
	"time"
)

var adapterName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func decodeAdapters(parent *section) []Adapter {
	var adapters []Adapter
	for _, name := range sortedKeys(parent.table) {
		if _, ok := parent.table[name].(map[string]any); !ok {
			parent.get(name)
			parent.fault(parent.at(name), "stands under no adapter", "the adapter's name into the header, such as [adapters.acme-slack]")
			continue
		}
		switch {
		case !adapterName.MatchString(name):
			parent.fault(parent.at(name), "is no good name: it becomes part of web addresses", "at most 64 letters, digits, - and _")
		case name == "store", name == "centre":
			parent.fault(parent.at(name), "is the name of another part in /readyz and /metrics", "another name")
		}
		adapters = append(adapters, decodeAdapter(name, parent))
	}
	if len(parent.table) == 0 {
		parent.fault(parent.here(), "no adapter is configured", `[adapters.NAME] with platform = "slack" or "discord"`)
	}
	parent.reportSharedTokens(adapters)
	return adapters
}

func decodeAdapter(name string, parent *section) Adapter {
	table, _ := parent.table[name].(map[string]any)
	own := &section{decoder: parent.decoder, path: keyPath(parent.path, name), table: table}
	parent.get(name)
	a := Adapter{
		Name:     name,
		Platform: own.required("platform", `"slack" or "discord"`, oneOf("slack", "discord")),
	}
	switch a.Platform {
	case "slack":
		a.Slack = decodeSlack(own)
	case "discord":
		a.Discord = decodeDiscord(own)
	default: // which keys it may have is not known, but for the token
		if _, found := own.get("bot_token"); found {
			own.secret("bot_token", "the bot's token")
		}
		return a
	}
	own.sections = append(own.sections, own)
	return a
}

func decodeSlack(s *section) *SlackAdapter {
	const (
		writeBot = `the bot token (xoxb-…, from "OAuth & Permissions"), best as "env:SLACK_BOT_TOKEN"`
		writeApp = `the app-level token (xapp-…, from "Basic Information"), best as "env:SLACK_APP_TOKEN"`
	)
	a := &SlackAdapter{
		APIURL:   s.text("api_url", "https://slack.com/api/", isURL, isSlackAPI),
		BotToken: s.secret("bot_token", writeBot, beginsLike("xoxb-", "xapp-", writeBot)),
		Transport: s.text("transport", "socket",
			notYet("http", `"socket", and app_token`), oneOf("socket", "http")),
		PostGap: s.duration("post_gap", time.Second, 0, time.Minute),
		Commands: decodeCommands(s, Commands{"/agent", "/end", "/session"}, matches(slackCommand,
			problem{text: "is no Slack command", write: `a slash and up to 31 letters without capitals and spaces, such as "/agent"`})),
	}
	if a.APIURL != "" && !strings.HasSuffix(a.APIURL, "/") {
		a.APIURL += "/"
	}
	_, hasAppToken := s.get("app_token")
	if a.Transport == "socket" || hasAppToken {
		a.AppToken = s.secret("app_token", writeApp, beginsLike("xapp-", "xoxb-", writeApp))
	}
	if _, found := s.get("signing_secret"); found && a.Transport == "socket" {
		s.warn(s.at("signing_secret"), `is of no use with transport = "socket"`, "nothing here")
	}
	return a
}

func decodeDiscord(s *section) *DiscordAdapter {
	const writeBot = `the bot's token (from "Bot" in the Developer Portal), best as "env:DISCORD_BOT_TOKEN"`
	noPrefix := func(value string) *problem {
		if strings.HasPrefix(value, "Bot ") {
			return &problem{text: `begins with "Bot "`, write: "the token alone"}
		}
		return nil
	}
	return &DiscordAdapter{
		APIURL:   strings.TrimRight(s.text("api_url", "https://discord.com", isURL, isDiscordHost), "/"),
		BotToken: s.secret("bot_token", writeBot, noPrefix),
		PostGap:  s.duration("post_gap", time.Second, 0, time.Minute),
		Guilds:   values(s.list("guilds", `guilds = ["1100000000000000001"]`, isSnowflake)),
		Commands: decodeCommands(s, Commands{"agent", "end", "session"}, isDiscordCommand),
	}
}

// decodeCommands reads the table "commands", whose names must differ.
func decodeCommands(parent *section, def Commands, valid check) Commands {
	s := parent.child("commands")
	c := Commands{
		Agent:   s.text("agent", def.Agent, valid),
		End:     s.text("end", def.End, valid),
		Session: s.text("session", def.Session, valid),
	}
	if c.End != "" && c.End == c.Agent {
		s.fault(s.at("end"), "is the same command as agent", "another name")
	}
	if c.Session != "" && (c.Session == c.Agent || c.Session == c.End) {
		s.fault(s.at("session"), "is the same command as another", "another name")
	}
	return c
}

// reportSharedTokens finds two adapters that would be the same bot: each message
// would be carried twice, or by either at random.
func (s *section) reportSharedTokens(adapters []Adapter) {
	owner := map[string]string{}
	claim := func(adapter, key string, token Secret) {
		text := token.Reveal()
		if text == "" {
			return
		}
		if first, taken := owner[text]; taken {
			path := keyPath(keyPath(s.path, adapter), key)
			at := place{path, s.lines[path]}
			s.fault(at, "two adapters with one "+key+": "+keyPath(s.path, first)+" has it too", "a token of another app, or only one of the two adapters")
			return
		}
		owner[text] = adapter
	}
	for _, a := range adapters {
		if a.Slack != nil {
			claim(a.Name, "bot_token", a.Slack.BotToken)
			claim(a.Name, "app_token", a.Slack.AppToken)
		}
		if a.Discord != nil {
			claim(a.Name, "bot_token", a.Discord.BotToken)
		}
	}
}

// beginsLike finds the two kinds of Slack tokens swapped: a fault for the other
// kind, a warning for any other form (a simulator may not care).
func beginsLike(prefix, otherPrefix, write string) check {
	return func(value string) *problem {
		switch {
		case strings.HasPrefix(value, otherPrefix):
			return &problem{text: "is the other kind of token (" + otherPrefix + "…)", write: write}
		case !strings.HasPrefix(value, prefix) && !strings.HasPrefix(value, "xoxe."+prefix): // xoxe.: a rotating one
			return &problem{"does not begin with " + prefix, write, true}
		}
		return nil
	}
}

// isSlackAPI warns of Slack's own host without the path of its API.
func isSlackAPI(value string) *problem {
	if value == "https://slack.com" || value == "https://slack.com/" {
		return &problem{"lacks the path of the API", `"https://slack.com/api/"`, true}
	}
	return nil
}

var discordAPIPath = regexp.MustCompile(`/api(/v\d+)?/?$`)

// isDiscordHost warns of the API's own path, which the adapter adds itself.
func isDiscordHost(value string) *problem {
	if discordAPIPath.MatchString(value) {
		return &problem{"ends in the path of the API, which is added to it", "only scheme, host and a proxy's prefix", true}
	}
	return nil
}

var (
	slackCommand   = regexp.MustCompile(`^/[^\s/\p{Lu}]{1,31}$`)
	discordCommand = regexp.MustCompile(`^[-_'\p{L}\p{N}\p{Devanagari}\p{Thai}]{1,32}$`)
)

// isDiscordCommand follows Discord's rule for names of chat input commands.
func isDiscordCommand(value string) *problem {
	if !discordCommand.MatchString(value) || value != strings.ToLower(value) {
		return &problem{text: "is no Discord command", write: `1 to 32 letters, digits, - and _, in lower case and without a slash, such as "agent"`}
	}
	return nil
}
