package setup

import (
	"fmt"
	"strings"
)

// Where the configuration says that secrets are.
const (
	inEnv  = "env"
	inFile = "file"
)

// secret is one that the operator has to bring.
type secret struct {
	platform string // "" is the centre
	env      string // the variable's name
	what     string
}

var allSecrets = []secret{
	{"", "CCM_APP_KEY", "the application's key, from the centre's administrator"},
	{"", "CCM_APP_SECRET", "the application's secret, from the centre's administrator"},
	{"slack", "SLACK_BOT_TOKEN", "the bot token (xoxb-…)"},
	{"slack", "SLACK_APP_TOKEN", "the app-level token (xapp-…)"},
	{"discord", "DISCORD_BOT_TOKEN", "the bot's token"},
}

func (s secret) file() string { return "secrets/" + strings.ToLower(s.env) }

// secretsFor are those that these answers need.
func secretsFor(a answers) []secret {
	var list []secret
	for _, s := range allSecrets {
		if s.platform == "" || a.serves(s.platform) {
			list = append(list, s)
		}
	}
	return list
}

// render writes the configuration file. The same answers give the same text.
func render(a answers, secrets string) string {
	var b strings.Builder
	fmt.Fprintf(&b, head, quote(a["listen"]), quote(a["base-url"]), reference("CCM_APP_KEY", secrets), reference("CCM_APP_SECRET", secrets),
		quote(a["channel-id"]), quote(a["locale"]))
	if a.serves("slack") {
		fmt.Fprintf(&b, slackPart, a["slack-name"], reference("SLACK_BOT_TOKEN", secrets), reference("SLACK_APP_TOKEN", secrets),
			setting("api_url", a["slack-api"], "https://slack.com/api/"))
	}
	if a.serves("discord") {
		guilds := `#guilds = ["1100000000000000001"]`
		if beyondDM(a) {
			guilds = "guilds = " + array(a["discord-guilds"])
		}
		fmt.Fprintf(&b, discordPart, a["discord-name"], reference("DISCORD_BOT_TOKEN", secrets), guilds,
			setting("api_url", a["discord-api"], "https://discord.com"))
	}
	b.WriteString(routesHead)
	for _, platform := range []string{"slack", "discord"} {
		if !a.serves(platform) {
			continue
		}
		staff, sample := "", `#staff = ["U0456EFGH"]`
		if platform == "discord" {
			sample = `#staff = ["role:1100000000000000003"]`
		}
		if staff = sample; len(list(a[platform+"-staff"])) > 0 {
			staff = "staff = " + array(a[platform+"-staff"])
		}
		fmt.Fprintf(&b, routePart, quote(a[platform+"-name"]), array(a[platform+"-channels"]), quote(a[platform+"-open"]), staff)
	}
	return b.String()
}

// quote writes a TOML string; Go's form is one for text without control characters.
func quote(text string) string { return fmt.Sprintf("%q", strings.ToValidUTF8(text, "\uFFFD")) }

func array(value string) string {
	var items []string
	for _, item := range list(value) {
		items = append(items, quote(item))
	}
	return "[" + strings.Join(items, ", ") + "]"
}

func reference(env, secrets string) string {
	if secrets == inFile {
		return quote("file:" + secret{env: env}.file())
	}
	return quote("env:" + env)
}

// setting is a line with a value, or the default to be seen.
func setting(key, value, standard string) string {
	if value == "" {
		return fmt.Sprintf("#%s = %q", key, standard)
	}
	return key + " = " + quote(value)
}

const head = `# Configuration of ccbridge, made by "ccbridge init". Change it as you like, then:
#
#   ccbridge check      prints everything that is wrong with it, and calls nothing
#   ccbridge doctor     looks at the outside too, and says what to do
#   ccbridge run
#
# A line like "#key = …" shows a setting with its default, or a sample: take away the # to set it.
# "env:NAME" is the value of an environment variable, "file:PATH" what a file holds; paths are
# relative to the folder of this file. Keep secrets there, not here.

[server]
# Where /healthz, /readyz and /metrics are served.
listen = %s
# "debug", "info", "warn" or "error".
#log_level = "info"

[store]
# Sessions, messages under way and transcripts. On a local disk, for one process.
url = "sqlite:ccbridge.db"
# How long transcripts are kept. 720h are 30 days.
#ledger = "720h"

# The contact centre (CC-Messaging API).
[ccm]
base_url   = %s
app_key    = %s
app_secret = %s
# The configuration id of the web channel that conversations arrive at.
channel_id = %s
# The language the centre answers in.
locale = %s
# A file of certificates (PEM), if the centre's is signed by a private authority.
#ca_file = ""

[limits]
# Sessions that one customer may have open at a time.
#open_per_customer = 3
# A session without a word from either side is warned after this time, then ended.
#idle = "30m"
# Waiting for an agent: after this time the customer is told.
#max_wait = "15m"
`

const slackPart = `
[adapters.%s]
platform = "slack"
# Under "OAuth & Permissions" and "Basic Information" of the app: https://api.slack.com/apps
bot_token = %s
app_token = %s
%s
# The slash commands as the app's manifest names them. In a workspace each name belongs to
# whoever took it first: if one is taken, change it here and print the manifest again.
#commands = { agent = "/agent", end = "/end", session = "/session" }
`

const discordPart = `
[adapters.%s]
platform = "discord"
# From "Bot" in https://discord.com/developers/applications, where "Message Content Intent" must be on.
bot_token = %s
# The servers the bot works in.
%s
%s
#commands = { agent = "agent", end = "end", session = "session" }
`

const routesHead = `
# Which channels are served, and how. The first route that names a channel takes it; a channel
# without a route is left alone.
`

const routePart = `
[[routes]]
adapter = %s
# Ids; "dm" means direct messages to the bot, "*" every channel it is in, but no direct messages.
channels = %s
# What opens a conversation: a "mention" of the bot, or every top-level "message".
open = %s
# Who else may call an agent or end a conversation.
%s
# After the end: "ask" whether to open a new one, "always" open one, or "never".
#reopen = "ask"
`
