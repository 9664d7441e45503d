package demo

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"ccbridge/adapters/slack/slacksim"
)

const (
	demoSlackChannel = "C0HELP"
	demoSlackUser    = "U0ADA"
	slackBotUser     = "U0BRIDGE"
)

func peopleSlack(s *slacksim.Sim) {
	s.AddChannel(slacksim.Channel{ID: demoSlackChannel, Name: "help"})
	s.AddUser(slacksim.User{ID: demoSlackUser, Name: strings.ToLower(customerName), RealName: customerName, DisplayName: customerName})
}

// slackChat is Ada in the channel #help; a thread is the ts of its root.
type slackChat struct{ sim *slacksim.Sim }

func (c *slackChat) name() string { return "Slack" }

func (c *slackChat) ready(ctx context.Context) error {
	return c.sim.Until(ctx, func() bool { return c.sim.Stats().Sockets > 0 })
}

func (c *slackChat) open(text string) (string, error) { return c.post("", text) }

// say waits until the bridge has acknowledged the message, as it will have before a person has typed the next one:
// Slack sends each event over any of the bridge's sockets, and keeps no order between them.
func (c *slackChat) say(ctx context.Context, thread, text string) error {
	if _, err := c.post(thread, text); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	err := c.sim.Until(ctx, func() bool {
		now := c.sim.Stats()
		return now.InFlight+now.Waiting == 0
	})
	if err != nil {
		return fmt.Errorf("wait until the bridge has acknowledged: %w", err)
	}
	return nil
}

func (c *slackChat) post(thread, text string) (string, error) {
	return c.sim.Post(slacksim.Post{Channel: demoSlackChannel, User: demoSlackUser, ThreadTS: thread, Text: text})
}

// command mentions the bot: Slack has no slash commands in threads.
func (c *slackChat) command(ctx context.Context, thread, verb string) (string, error) {
	return "@" + botName + " " + verb, c.say(ctx, thread, "<@"+slackBotUser+"> "+verb)
}

func (c *slackChat) press(b button) error {
	_, err := c.sim.Click(demoSlackUser, demoSlackChannel, b.Message, b.Action, "")
	return err
}

func (c *slackChat) until(ctx context.Context, cond func(func(string) []line) bool) error {
	return c.sim.Until(ctx, func() bool { return cond(c.lines) })
}

func (c *slackChat) lines(thread string) []line {
	messages := c.sim.Thread(demoSlackChannel, thread)
	for _, m := range c.sim.Ephemerals(demoSlackUser) {
		if m.ThreadTS == thread {
			messages = append(messages, m)
		}
	}
	slices.SortStableFunc(messages, func(a, b slacksim.Message) int { return cmp.Compare(a.TS, b.TS) })
	var seen []line
	for _, m := range messages {
		if m.User != demoSlackUser {
			seen = append(seen, line{ID: m.TS, Who: cmp.Or(m.Username, botName), Text: m.Plain(), Buttons: slackButtons(m), Private: m.For != ""})
		}
	}
	return seen
}

// slackButtons finds the buttons among a message's blocks.
func slackButtons(m slacksim.Message) []button {
	type element struct {
		Type     string
		ActionID string `json:"action_id"`
		Text     struct{ Text string }
	}
	var blocks []struct{ Elements []element }
	if json.Unmarshal(m.Blocks, &blocks) != nil {
		return nil // rich text of other shapes has no buttons
	}
	var found []button
	for _, b := range blocks {
		for _, e := range b.Elements {
			if e.Type == "button" {
				found = append(found, button{Message: m.TS, Action: e.ActionID, Label: e.Text.Text})
			}
		}
	}
	return found
}
