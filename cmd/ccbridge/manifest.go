package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"ccbridge/adapters/discord"
	"ccbridge/adapters/slack"
	"ccbridge/cmd/ccbridge/config"
	"ccbridge/cmd/ccbridge/service"
)

// manifestOptions are the command line of `ccbridge manifest`.
type manifestOptions struct {
	platform string // "slack" or "discord"
	path     string // of the configuration
	adapter  string // "": the only one of the platform
	format   string // "": YAML for Slack, text for Discord
	name     string // of the app, as people see it
	clientID string // of the Discord application; "": what the token says
}

// runManifest carries out `ccbridge manifest`. It needs no token: it prints what is needed to get one.
func runManifest(args []string, stdout, stderr io.Writer) error {
	var o manifestOptions
	flags := flag.NewFlagSet("manifest", flag.ContinueOnError)
	flags.StringVar(&o.path, "config", "config.toml", "the configuration `file`")
	flags.StringVar(&o.adapter, "adapter", "", "the `name` of the adapter, if there are several of the platform")
	flags.StringVar(&o.format, "format", "", "yaml or json for Slack, text or json for Discord")
	flags.StringVar(&o.name, "name", "Support", "the `name` of the Slack app and its bot")
	flags.StringVar(&o.clientID, "client-id", "", "the `id` of the Discord application, if no token is there yet")
	words, err := parseWords(flags, args, stdout, stderr)
	if err != nil {
		return err
	}
	if len(words) == 1 {
		o.platform = words[0]
	}
	if err := o.check(); err != nil {
		return misused(stderr, "manifest", err)
	}
	cfg, faults := config.Load(o.path, os.LookupEnv)
	if _, rest := config.Pending(faults); config.Broken(rest) {
		printFaults(stderr, rest)
		return faultyConfig(o.path, rest)
	}
	a, err := o.choose(cfg)
	if err != nil {
		return err
	}
	if a.Slack != nil {
		return o.printSlack(cfg, a, stdout)
	}
	return o.printDiscord(cfg, a, stdout)
}

// formats of each platform, the default first.
var formats = map[string][]string{"slack": {"yaml", "json"}, "discord": {"text", "json"}}

func (o *manifestOptions) check() error {
	known, ok := formats[o.platform]
	if !ok {
		return errors.New("name the platform: slack or discord")
	}
	o.format = cmp.Or(o.format, known[0])
	if o.format != known[0] && o.format != known[1] {
		return fmt.Errorf("-format is %s or %s for %s", known[0], known[1], o.platform)
	}
	return nil
}

// choose finds the adapter that is meant.
func (o *manifestOptions) choose(cfg config.Config) (config.Adapter, error) {
	var names []string
	var found []config.Adapter
	for _, a := range cfg.Adapters {
		if a.Platform != o.platform {
			continue
		}
		names = append(names, a.Name)
		if o.adapter == "" || o.adapter == a.Name {
			found = append(found, a)
		}
	}
	switch {
	case len(names) == 0:
		return config.Adapter{}, fmt.Errorf("%s has no adapter with platform = %q", o.path, o.platform)
	case len(found) == 0:
		return config.Adapter{}, fmt.Errorf("%s has no %s adapter %q; there is %s", o.path, o.platform, o.adapter, strings.Join(names, ", "))
	case len(found) > 1:
		return config.Adapter{}, fmt.Errorf("%s has several %s adapters; choose one with -adapter: %s", o.path, o.platform, strings.Join(names, ", "))
	}
	return found[0], nil
}

func (o *manifestOptions) printSlack(cfg config.Config, a config.Adapter, stdout io.Writer) error {
	c := a.Slack.Commands
	m := slack.ManifestFor(o.name, slack.Commands{Agent: c.Agent, End: c.End}, service.Routes(cfg, a.Name))
	text := m.YAML()
	if o.format == "json" {
		text = m.JSON()
	}
	_, err := stdout.Write(text)
	return err
}

func (o *manifestOptions) printDiscord(cfg config.Config, a config.Adapter, stdout io.Writer) error {
	id := cmp.Or(o.clientID, discord.AppID(a.Discord.BotToken.Reveal()))
	i := discord.Invite(id, service.Routes(cfg, a.Name))
	if o.format == "json" {
		enc := json.NewEncoder(stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(i)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "At https://discord.com/developers/applications, in the application:\n\n")
	for _, s := range i.Settings {
		fmt.Fprintf(&b, "  - %s\n", s)
	}
	fmt.Fprintf(&b, "\nThis link invites the bot to a server, which takes the right Manage Server there:\n\n  %s\n", i.URL)
	if id == "" {
		fmt.Fprintf(&b, "\nPut the Application ID for ID in it, or print it again with -client-id or when the token is there.\n")
	}
	if len(i.Permissions) > 0 {
		fmt.Fprintf(&b, "\nIt asks for: %s.\n", strings.Join(i.Permissions, ", "))
	}
	_, err := io.WriteString(stdout, b.String())
	return err
}
