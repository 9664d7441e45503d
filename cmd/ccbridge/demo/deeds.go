package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"ccbridge/adapters/discord/discordsim"
	"ccbridge/adapters/slack/slacksim"
)

// deed is what a visitor of the page does.
type deed struct {
	Platform string `json:"platform"` // "slack", "discord"
	Thread   string `json:"thread"`   // "" the channel, "forum" a new post there, else a thread
	Text     string `json:"text"`
	Message  string `json:"message"`
	Action   string `json:"action"`
	Visitor  string `json:"visitor"`
	Name     string `json:"name"`
	On       bool   `json:"on"`
}

const (
	forumThread    = "forum"
	slackMaxText   = 40_000 // characters
	discordMaxText = 2000
	titleLength    = 60 // of a forum post made from its first words
)

// errNoDeed: there is no such thing to do.
var errNoDeed = errors.New("there is no such thing to do")

// do carries out a deed. An error is what the platform, or the desk, would tell the person.
func (s *show) do(what string, raw []byte) error {
	var d deed
	if len(raw) > 0 && json.Unmarshal(raw, &d) != nil {
		return errors.New("that cannot be read")
	}
	d.Text = strings.ToValidUTF8(d.Text, "\uFFFD")
	desk := s.centre.Desk()
	switch what {
	case "say":
		return s.say(d)
	case "press":
		return s.press(d)
	case "accept":
		return desk.Accept(d.Visitor, agentName)
	case "answer":
		_, err := desk.Say(d.Visitor, strings.TrimSpace(d.Text))
		return err
	case "finish":
		return desk.End(d.Visitor)
	case "switch":
		return s.injuries.turn(d.Name, d.On)
	case "kill":
		return s.process.kill()
	case "start":
		return s.process.start()
	}
	return errNoDeed
}

// say writes as a customer. A command is used as the platform has it.
func (s *show) say(d deed) error {
	text := strings.TrimSpace(d.Text)
	if text == "" {
		return errors.New("write something first")
	}
	switch d.Platform {
	case platformSlack:
		return s.saySlack(d.Thread, text)
	case platformDiscord:
		return s.sayDiscord(d.Thread, text)
	}
	return errNoDeed
}

func (s *show) saySlack(thread, text string) error {
	if utf8.RuneCountInString(text) > slackMaxText {
		return fmt.Errorf("a message has at most %d characters here", slackMaxText)
	}
	if command, ok := commandIn(text); ok {
		if thread != "" {
			return fmt.Errorf("/%s cannot be used in threads here: write @%s %s, or press the button", command, botName, command)
		}
		i, err := s.slack.Slash(demoSlackUser, demoSlackChannel, "/"+command, "")
		if err == nil {
			s.note(asked{slack: i})
		}
		return err
	}
	_, err := s.slack.Post(slacksim.Post{Channel: demoSlackChannel, User: demoSlackUser, ThreadTS: thread, Text: mention(text, slackBotUser)})
	return err
}

func (s *show) sayDiscord(thread, text string) error {
	if utf8.RuneCountInString(text) > discordMaxText {
		return fmt.Errorf("a message has at most %d characters here", discordMaxText)
	}
	if command, ok := commandIn(text); ok {
		channel := thread
		if thread == "" || thread == forumThread {
			channel = demoTextChannel
		}
		id, err := s.discord.Slash(webDiscordUser, channel, command, nil)
		if err == nil {
			s.note(asked{thread: thread, discord: id})
		}
		return err
	}
	text = mention(text, discordBot)
	var err error
	switch thread {
	case "":
		_, err = s.discord.Post(demoTextChannel, webDiscordUser, text)
	case forumThread:
		title := []rune(strings.Join(strings.Fields(text), " "))
		_, err = s.discord.ForumPost(demoForum, webDiscordUser, string(title[:min(len(title), titleLength)]), text)
	default:
		if _, made := s.discordThread(thread); !made {
			return errors.New("the thread is not there yet: the bridge makes it, as soon as it runs")
		}
		_, err = s.discord.Post(thread, webDiscordUser, text)
	}
	return err
}

func (s *show) discordThread(id string) (t discordsim.Thread, made bool) {
	s.discord.View(func(v *discordsim.View) { t, made = v.Thread(id) })
	return t, made
}

// commandIn reads a command: the whole text is one of those that the bridge registers.
func commandIn(text string) (name string, ok bool) {
	switch name, ok = strings.CutPrefix(strings.ToLower(text), "/"); name {
	case "agent", "end":
		return name, ok
	}
	return "", false
}

// mention makes the bridge's name at the beginning of a text a mention of it, as a client does while one types.
func mention(text, bot string) string {
	for _, name := range []string{"@" + botName, "@bot"} {
		if rest, ok := strings.CutPrefix(text, name); ok && (rest == "" || rest[0] == ' ') {
			return "<@" + bot + ">" + rest
		}
	}
	return text
}

// press presses a button as the customer.
func (s *show) press(d deed) error {
	switch d.Platform {
	case platformSlack:
		i, err := s.slack.Click(demoSlackUser, demoSlackChannel, d.Message, d.Action, "")
		if err == nil {
			s.note(asked{thread: d.Thread, slack: i})
		}
		return err
	case platformDiscord:
		id, err := s.discord.Click(webDiscordUser, d.Message, d.Action)
		if err == nil {
			s.note(asked{thread: d.Thread, discord: id})
		}
		return err
	}
	return errNoDeed
}
