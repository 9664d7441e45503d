package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"ccbridge/adapters/discord/discordsim"
	"ccbridge/adapters/slack/slacksim"
	"ccbridge/ccm/ccmsim"
)

// TestFromEmptyFolder runs scripts that have Slack, Discord and the centre around them, and people at each. The bridge is
// the real program; nothing is there but what its own commands make.
func TestFromEmptyFolder(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/outside",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			o := &outside{threads: map[string]string{}}
			e.Values[outsideKey{}] = o
			return o.start(e)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await":    await,
			"install":  command(1, (*outside).install),
			"invite":   command(2, (*outside).invite),
			"customer": command(2, (*outside).customer),
			"reads":    command(2, (*outside).reads),
			"agent":    command(2, (*outside).agent),
			"rules":    command(0, (*outside).rules),
		},
	})
}

type outsideKey struct{}

// outside is everything around the bridge.
type outside struct {
	centre  *ccmsim.Sim
	slack   *slacksim.Sim
	discord *discordsim.Sim
	threads map[string]string // the newest, by platform
	visitor string            // whom the agent serves
}

// command makes a method of outside a command of the scripts, with so many arguments.
func command(n int, do func(*outside, *testscript.TestScript, []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != n {
			ts.Fatalf("%d arguments, want %d", len(args), n)
		}
		if err := do(ts.Value(outsideKey{}).(*outside), ts, args); err != nil {
			ts.Fatalf("%v", err)
		}
	}
}

// start opens the platforms, with channels and people but without the bot, and the centre.
func (o *outside) start(e *testscript.Env) (err error) {
	if o.slack, err = slacksim.Start(slacksim.Config{NoLimits: true, BotName: "support"}); err != nil {
		return err
	}
	e.Defer(o.slack.Close)
	if o.discord, err = discordsim.Start(discordsim.Config{NoLimits: true}); err != nil {
		return err
	}
	e.Defer(o.discord.Close)
	if o.centre, err = ccmsim.Start(ccmsim.Config{Switches: ccmsim.Switches{PollWait: 200 * time.Millisecond}}); err != nil {
		return err
	}
	e.Defer(o.centre.Close)
	o.slack.SetScopes()
	o.slack.AddUser(slacksim.User{ID: ada, Name: "ada", RealName: "Ada", DisplayName: "Ada"})
	o.slack.AddChannel(slacksim.Channel{ID: helpChannel, Name: "help"})
	o.discord.AddGuild(guildID)
	o.discord.AddChannel(guildID, guildChannel, discordsim.Text)
	o.discord.AddUser(discordsim.User{ID: eve, Name: "eve", GlobalName: "Eve"})
	e.Setenv("SLACK", o.slack.URL())
	e.Setenv("DISCORD", o.discord.URL())
	e.Setenv("CENTRE", o.centre.URL())
	e.Setenv("CHANNEL", o.centre.ChannelID())
	return errors.Join(o.slack.KickBot(helpChannel), o.discord.SetPermissions(guildChannel, 0), o.discord.KickBot(guildID))
}

// install FILE makes the Slack app as a manifest in JSON says.
func (o *outside) install(ts *testscript.TestScript, args []string) error {
	return o.slack.ApplyManifest([]byte(ts.ReadFile(args[0])))
}

var permissionsOf = regexp.MustCompile(`https://discord\.com/oauth2/authorize\?client_id=(\d+)&scope=bot\+applications\.commands&permissions=(\d+)`)

// invite slack CHANNEL, invite discord FILE: lets the bot in, by the link in what was printed.
func (o *outside) invite(ts *testscript.TestScript, args []string) error {
	if args[0] == "slack" {
		return o.slack.JoinBot(args[1])
	}
	link := permissionsOf.FindStringSubmatch(ts.ReadFile(args[1]))
	if link == nil || link[1] != "1400000000000000001" {
		return fmt.Errorf("no link for this application in %s", args[1])
	}
	bits, err := strconv.ParseInt(link[2], 10, 64)
	if err != nil {
		return err
	}
	o.discord.AddGuild(guildID)
	return o.discord.SetPermissions(guildChannel, bits)
}

// customer PLATFORM TEXT writes: the first time into the channel, then into the thread.
func (o *outside) customer(_ *testscript.TestScript, args []string) (err error) {
	platform, text := args[0], args[1]
	thread, begun := o.threads[platform]
	var id string
	switch {
	case platform == "slack":
		id, err = o.slack.Post(slacksim.Post{Channel: helpChannel, User: ada, ThreadTS: thread, Text: text})
	case begun:
		id, err = o.discord.Post(thread, eve, text)
	default:
		id, err = o.discord.Post(guildChannel, eve, text)
	}
	if !begun {
		o.threads[platform] = id
	}
	return err
}

// reads PLATFORM PATTERN waits until the customer reads it in the thread.
func (o *outside) reads(_ *testscript.TestScript, args []string) error {
	platform, pattern := args[0], regexp.MustCompile(args[1])
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var all []string
	match := func(texts []string) bool { all = texts; return pattern.MatchString(strings.Join(texts, "\n")) }
	var err error
	if platform == "slack" {
		err = o.slack.Until(ctx, func() bool {
			var texts []string
			for _, m := range o.slack.Thread(helpChannel, o.threads[platform]) {
				texts = append(texts, m.Username+": "+m.Plain())
			}
			return match(texts)
		})
	} else {
		err = o.discord.Until(ctx, func(v *discordsim.View) bool {
			var texts []string
			for _, m := range v.Messages(o.threads[platform]) {
				texts = append(texts, m.Content)
			}
			return match(texts)
		})
	}
	if err != nil {
		return fmt.Errorf("waiting for %q: %w; there is %q", pattern, err, all)
	}
	return nil
}

// agent accept NICKNAME, agent says TEXT, agent reads TEXT.
func (o *outside) agent(_ *testscript.TestScript, args []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	switch do, text := args[0], args[1]; do {
	case "accept":
		err := o.centre.Until(ctx, func(v ccmsim.View) bool {
			for _, id := range v.Waiting() {
				o.visitor = id
			}
			return len(v.Waiting()) > 0
		})
		if err != nil {
			return fmt.Errorf("waiting for a customer: %w; there is %+v", err, o.centre.Sessions())
		}
		return o.centre.Desk().Accept(o.visitor, text)
	case "says":
		_, err := o.centre.Desk().Say(o.visitor, text)
		return err
	case "reads":
		return o.centre.Until(ctx, func(v ccmsim.View) bool {
			return strings.Contains(strings.Join(v.Session(o.visitor).ToAgent, "\n"), text)
		})
	default:
		return fmt.Errorf("an agent does not %q", do)
	}
}

// rules fails if the bridge broke a rule of the outside.
func (o *outside) rules(*testscript.TestScript, []string) error {
	if broken := append(append(o.slack.Violations(), o.discord.Violations()...), o.centre.Violations()...); len(broken) > 0 {
		return fmt.Errorf("broken: %q", broken)
	}
	return nil
}
