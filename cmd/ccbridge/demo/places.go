package demo

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ccbridge/adapters/discord/discordsim"
	"ccbridge/adapters/slack/slacksim"
)

// placeView is a platform as the page shows it: what its customer sees.
type placeView struct {
	Customer string       `json:"customer"`
	Threads  []threadView `json:"threads"` // in the order in which they were begun
	// Loose are lines in the channel itself that begin no thread: private answers to a command.
	Loose []messageView `json:"loose"`
}

// threadView is a thread: its first message, and what followed.
type threadView struct {
	ID       string        `json:"id"`
	No       int           `json:"no"`   // from 1, in the order of the place
	Name     string        `json:"name"` // as the platform shows it; "" where threads have none
	Forum    bool          `json:"forum,omitempty"`
	Messages []messageView `json:"messages"`
}

// messageView is a message.
type messageView struct {
	ID  string `json:"id"`
	Who string `json:"who"`
	// Speaker is whose words the bridge says with, where the platform shows that within the text.
	Speaker string       `json:"speaker,omitempty"`
	Mine    bool         `json:"mine,omitempty"` // the customer's own
	Text    string       `json:"text"`
	At      time.Time    `json:"at"`
	Buttons []buttonView `json:"buttons,omitempty"`
	Private bool         `json:"private,omitempty"` // only the customer sees it
	Loading bool         `json:"loading,omitempty"`
	Failed  bool         `json:"failed,omitempty"` // the platform's own word that the bridge did not answer
}

// buttonView is a button under a message.
type buttonView struct {
	Action string `json:"action"`
	Label  string `json:"label"`
	Main   bool   `json:"main,omitempty"`
}

const (
	shownThreads  = 30
	shownMessages = 120  // of a thread
	shownText     = 4000 // characters of a message
)

// clipText bounds what the page has to show.
func clipText(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if r := []rune(text); len(r) > shownText {
		return string(r[:shownText]) + "… (" + strconv.Itoa(len(r)) + " characters)"
	}
	return text
}

// tail is the newest n of a list.
func tail[T any](list []T, n int) []T { return list[max(0, len(list)-n):] }

func tsTime(ts string) time.Time {
	seconds, _ := strconv.ParseFloat(ts, 64)
	return time.UnixMilli(int64(seconds * 1000))
}

var slackLink = regexp.MustCompile(`<(https?://[^|>]*)(?:\|[^>]*)?>`)

// slackText is a message's text as Slack shows it.
func slackText(m slacksim.Message) string {
	m.Text = strings.ReplaceAll(m.Text, "<@"+slackBotUser+">", "@"+botName)
	m.Text = slackLink.ReplaceAllString(m.Text, "$1")
	return m.Plain()
}

// slackPlace is #help as Ada sees it.
func slackPlace(sim *slacksim.Sim) placeView {
	messages := append(sim.All(demoSlackChannel), sim.Ephemerals(demoSlackUser)...)
	slices.SortStableFunc(messages, func(a, b slacksim.Message) int { return cmp.Compare(a.TS, b.TS) })
	place := placeView{Customer: customerName, Threads: []threadView{}, Loose: []messageView{}}
	index := map[string]int{}
	for _, m := range messages {
		v := messageView{ID: m.TS, Mine: m.User == demoSlackUser, Text: slackText(m), At: tsTime(m.TS), Private: m.For != ""}
		v.Who = cmp.Or(m.Username, botName)
		if v.Mine {
			v.Who = customerName
		}
		for _, b := range slackButtons(m) {
			v.Buttons = append(v.Buttons, buttonView{Action: b.Action, Label: b.Label, Main: strings.HasPrefix(b.Action, "ccb:agent")})
		}
		at, known := index[m.ThreadTS]
		switch {
		case known && m.ThreadTS != "":
			place.Threads[at].Messages = append(place.Threads[at].Messages, v)
		case v.Mine && m.ThreadTS == "" && !v.Private:
			index[m.TS] = len(place.Threads)
			place.Threads = append(place.Threads, threadView{ID: m.TS, Messages: []messageView{v}})
		default:
			place.Loose = append(place.Loose, v)
		}
	}
	return place
}

// webDiscordUser is who writes on Discord's side of the page: another person than on Slack's.
const (
	webDiscordUser = "1100000000000000005"
	webDiscordName = "Ben"
)

var discordEpoch = time.UnixMilli(1420070400000)

func snowflakeTime(id string) time.Time {
	n, _ := strconv.ParseUint(id, 10, 64)
	return discordEpoch.Add(time.Duration(n>>22) * time.Millisecond)
}

// discordMessage is a message as Ben sees it.
func discordMessage(m discordsim.Message, bot string) messageView {
	v := messageView{ID: m.ID, Mine: m.Author == webDiscordUser, At: snowflakeTime(m.ID), Private: m.EphemeralTo != "", Loading: m.Loading}
	if v.Mine {
		v.Who, v.Text = webDiscordName, strings.ReplaceAll(m.Content, "<@"+bot+">", "@"+botName)
		return v
	}
	v.Who = botName
	if v.Speaker, v.Text = discordSpeaker(m.Content); v.Speaker == botName {
		v.Speaker = ""
	}
	for _, b := range m.Buttons {
		if !b.Disabled {
			v.Buttons = append(v.Buttons, buttonView{Action: b.CustomID, Label: b.Label, Main: b.Style == 1})
		}
	}
	return v
}

// shown says whether Discord shows a message at all: not those that only tell that something happened.
func shown(m discordsim.Message) bool { return m.Loading || m.Content != "" }

// discordPlace is the text channel and the forum as Ben sees them.
func discordPlace(sim *discordsim.Sim) placeView {
	place := placeView{Customer: webDiscordName, Threads: []threadView{}, Loose: []messageView{}}
	sim.View(func(v *discordsim.View) {
		for _, m := range v.Messages(demoTextChannel) {
			switch {
			case m.Author == webDiscordUser:
				t, _ := v.Thread(m.ID)
				place.Threads = append(place.Threads, discordThread(v, t, m.ID, []messageView{discordMessage(m, discordBot)}))
			case shown(m):
				place.Loose = append(place.Loose, discordMessage(m, discordBot))
			}
		}
		for _, t := range v.Threads(demoForum) {
			thread := discordThread(v, t, t.ID, nil)
			thread.Forum = true
			place.Threads = append(place.Threads, thread)
		}
	})
	slices.SortStableFunc(place.Threads, func(a, b threadView) int { return cmp.Compare(a.ID, b.ID) })
	return place
}

func discordThread(v *discordsim.View, t discordsim.Thread, id string, messages []messageView) threadView {
	for _, m := range v.Messages(id) {
		if shown(m) {
			messages = append(messages, discordMessage(m, discordBot))
		}
	}
	return threadView{ID: id, Name: t.Name, Messages: messages}
}

// bounded leaves the newest of a place, and no text too long.
func (p placeView) bounded() placeView {
	for i := range p.Threads {
		p.Threads[i].No = i + 1
	}
	p.Threads = slices.Clone(tail(p.Threads, shownThreads))
	p.Loose = clipped(tail(p.Loose, shownMessages))
	for i, t := range p.Threads {
		first := t.Messages[:min(1, len(t.Messages))]
		p.Threads[i].Name = clipText(t.Name)
		p.Threads[i].Messages = clipped(append(slices.Clone(first), tail(t.Messages[len(first):], shownMessages)...))
	}
	return p
}

func clipped(messages []messageView) []messageView {
	messages = slices.Clone(messages)
	for i := range messages {
		messages[i].Text = clipText(messages[i].Text)
	}
	return messages
}
