package demo

import "fmt"

// demoSettings are what differs between the demo in one process and the simulators alone.
type demoSettings struct {
	Listen   string
	Database string
	Server   string // further lines of [server]
	Limits   string // lines of [limits]
	Adapter  string // further lines of each adapter
}

var (
	// quickSettings keep a reader from waiting; everything else is as by default.
	quickSettings = demoSettings{
		Listen:   "127.0.0.1:0",
		Database: "bridge.db",
		Limits:   "look_gap = \"200ms\"\ncall_timeout = \"1s\"\n",
		Adapter:  "post_gap = \"0s\"\n",
	}
	// webSettings are those too, with a log that tells each step.
	webSettings = demoSettings{
		Listen:   "127.0.0.1:0",
		Database: "bridge.db",
		Server:   "log_level = \"debug\"\nshutdown_timeout = \"3s\"\n",
		Limits:   quickSettings.Limits + "open_per_customer = 25\n",
		Adapter:  quickSettings.Adapter,
	}
	// plainSettings are the defaults.
	plainSettings = demoSettings{Listen: "127.0.0.1:7800", Database: "ccbridge-demo.db"}
)

// demoConfig is a complete configuration file for the simulators.
func demoConfig(s *sims, set demoSettings) string {
	limits := ""
	if set.Limits != "" {
		limits = "\n[limits]\n" + set.Limits
	}
	return fmt.Sprintf(`[server]
listen = %q
%s
[store]
url = "sqlite:%s"

[ccm]
base_url   = %q
app_key    = %q
app_secret = %q
channel_id = %q
%s
[adapters.demo-slack]
platform  = "slack"
api_url   = %q
bot_token = "xoxb-sim"
app_token = "xapp-sim"
%s
[adapters.demo-discord]
platform  = "discord"
api_url   = %q
bot_token = "sim-bot-token"
guilds    = [%q]
%s
[[routes]]
adapter  = "demo-slack"
channels = [%q, "dm"]
open     = "message"

[[routes]]
adapter  = "demo-discord"
channels = [%q, %q, "dm"]
open     = "message"
`, set.Listen, set.Server, set.Database, s.centre.URL(), s.centre.AppKey(), s.centre.AppSecret(), s.centre.ChannelID(), limits,
		s.slack.URL(), set.Adapter, s.discord.URL(), demoGuild, set.Adapter, demoSlackChannel, demoTextChannel, demoForum)
}
