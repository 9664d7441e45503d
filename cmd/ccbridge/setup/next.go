package setup

import (
	"fmt"
	"path/filepath"
	"strings"

	"ccbridge/cmd/ccbridge/config"
)

// next says what to do now. unset are the configuration's faults that only say that a secret is not there yet.
func next(o Options, a answers, unset []config.Fault) string {
	var b strings.Builder
	flag := ""
	if o.Path != "config.toml" {
		flag = " -config " + o.Path
	}
	fmt.Fprintf(&b, "\nWritten: %s (only you can read it; no secret is in it).\n\nNext:\n", o.Path)
	step := 0
	say := func(format string, args ...any) {
		step++
		fmt.Fprintf(&b, "\n%d. %s\n", step, strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\n   "))
	}
	if a.serves("slack") {
		say(slackSteps, flag, place(o, "SLACK_BOT_TOKEN"), place(o, "SLACK_APP_TOKEN"))
	}
	if a.serves("discord") {
		say(discordSteps, place(o, "DISCORD_BOT_TOKEN"), flag)
	}
	if len(unset) > 0 {
		say("%s", bring(o, a))
	} else {
		say("All secrets are there already.")
	}
	say("ccbridge doctor%s   says what is still wrong, and how to put it right.", flag)
	say("ccbridge run%s      runs the bridge.", flag)
	return b.String()
}

// place is where a secret goes.
func place(o Options, env string) string {
	if o.Secrets == inFile {
		return filepath.Join(filepath.Dir(o.Path), filepath.FromSlash(secret{env: env}.file()))
	}
	return env
}

// bring tells how to hand over the secrets.
func bring(o Options, a answers) string {
	var lines []string
	for _, s := range secretsFor(a) {
		if o.Secrets == inFile {
			lines = append(lines, fmt.Sprintf("  %-*s   %s", len(place(o, "DISCORD_BOT_TOKEN")), place(o, s.env), s.what))
			continue
		}
		lines = append(lines, fmt.Sprintf("  export %-*s   # %s", len("DISCORD_BOT_TOKEN='…'"), s.env+"='…'", s.what))
	}
	if o.Secrets == inFile {
		return "Write each secret into its file, which is there, empty, and readable by you alone:\n" + strings.Join(lines, "\n")
	}
	return "Set these variables where ccbridge runs (a service manager reads them from a file of mode 600):\n" + strings.Join(lines, "\n")
}

const slackSteps = `Slack: ccbridge manifest slack%s   prints the app's manifest.
At https://api.slack.com/apps: Create New App, From a manifest, choose the workspace, paste it.
"Install App", Install to Workspace: the Bot User OAuth Token (xoxb-…) is %s.
"Basic Information", App-Level Tokens, Generate, scope connections:write: the token (xapp-…) is %s.
In each channel: /invite the bot.`

const discordSteps = `Discord: at https://discord.com/developers/applications: New Application.
"Bot": Reset Token: the token is %s. Switch "Message Content Intent" on.
ccbridge manifest discord%s   prints the link that invites the bot to your server.`
