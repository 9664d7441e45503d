package demo

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"ccbridge/adapters/discord/discordsim"
)

const (
	demoGuild       = "1100000000000000001"
	demoTextChannel = "1100000000000000002"
	demoForum       = "1100000000000000003"
	demoDiscordUser = "1100000000000000004"
	discordBot      = "1400000000000000001" // the simulator's application
)

func peopleDiscord(s *discordsim.Sim) {
	s.AddGuild(demoGuild)
	s.AddChannel(demoGuild, demoTextChannel, discordsim.Text)
	s.AddChannel(demoGuild, demoForum, discordsim.Forum)
	s.AddUser(discordsim.User{ID: demoDiscordUser, Name: strings.ToLower(customerName), GlobalName: customerName})
}

// discordChat is Ada in a text channel, where the bridge makes a thread from her message: its id is the message's.
type discordChat struct{ sim *discordsim.Sim }

func (c *discordChat) name() string { return "Discord" }

func (c *discordChat) ready(ctx context.Context) error {
	return c.sim.Until(ctx, func(v *discordsim.View) bool {
		return v.Gateway().Identified > 0 && slices.Contains(append(v.Commands(demoGuild), v.Commands("")...), "agent")
	})
}

func (c *discordChat) open(text string) (string, error) {
	return c.sim.Post(demoTextChannel, demoDiscordUser, text)
}

func (c *discordChat) say(ctx context.Context, thread, text string) error {
	if err := c.threadThere(ctx, thread); err != nil {
		return err
	}
	_, err := c.sim.Post(thread, demoDiscordUser, text)
	return err
}

// threadThere waits until the bridge has made the thread.
func (c *discordChat) threadThere(ctx context.Context, thread string) error {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	err := c.sim.Until(ctx, func(v *discordsim.View) bool {
		_, there := v.Thread(thread)
		return there
	})
	if err != nil {
		return fmt.Errorf("wait for the thread: %w", err)
	}
	return nil
}

func (c *discordChat) command(ctx context.Context, thread, verb string) (string, error) {
	if err := c.threadThere(ctx, thread); err != nil {
		return "", err
	}
	_, err := c.sim.Slash(demoDiscordUser, thread, verb, nil)
	return "/" + verb, err
}

func (c *discordChat) press(b button) error {
	_, err := c.sim.Click(demoDiscordUser, b.Message, b.Action)
	return err
}

func (c *discordChat) until(ctx context.Context, cond func(func(string) []line) bool) error {
	return c.sim.Until(ctx, func(v *discordsim.View) bool {
		return cond(func(thread string) []line { return discordLines(v.Messages(thread)) })
	})
}

func (c *discordChat) lines(thread string) []line { return discordLines(c.sim.Messages(thread)) }

var (
	boldName   = regexp.MustCompile(`^\*\*(.+?):\*\* `)
	backslash  = regexp.MustCompile(`\\([[:punct:]])`)
	unescapeMD = func(s string) string { return backslash.ReplaceAllString(s, "$1") }
)

// discordLines shows messages as Discord does: markdown's backslashes do their work unseen, and a bold name in front
// says who speaks.
func discordLines(messages []discordsim.Message) []line {
	var seen []line
	for _, m := range messages {
		if m.Author == demoDiscordUser || m.Loading || m.Content == "" {
			continue
		}
		l := line{ID: m.ID, Private: m.EphemeralTo != ""}
		l.Who, l.Text = discordSpeaker(m.Content)
		for _, b := range m.Buttons {
			if !b.Disabled {
				l.Buttons = append(l.Buttons, button{Message: m.ID, Action: b.CustomID, Label: b.Label})
			}
		}
		seen = append(seen, l)
	}
	return seen
}

// discordSpeaker tells who speaks in a message of the bridge's, and what they say.
func discordSpeaker(content string) (who, text string) {
	who = botName
	if name := boldName.FindStringSubmatch(content); name != nil {
		who, content = unescapeMD(name[1]), content[len(name[0]):]
	}
	return who, unescapeMD(content)
}
