package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"ccbridge/adapters/discord/discordsim"
	"ccbridge/ccm/ccmsim"
)

const (
	mallory = "1100000000000000202" // a bystander
	warden  = "1100000000000000203" // has the role of the staff
	staffID = "1100000000000000301" // that role
	botID   = "1400000000000000001"
	botPing = "<@" + botID + ">" // the bot is addressed
)

// dtalk is one thread or direct-message channel in Discord and its newest session at the centre.
type dtalk struct {
	*world
	place   string
	visitor string
}

// discordWorld is a world whose guild has two people more, one of them staff.
func discordWorld(t *testing.T, opts ...option) *world {
	t.Helper()
	w := newWorld(t, opts...)
	w.discord.AddUser(discordsim.User{ID: mallory, Name: "mallory", GlobalName: "Mallory"})
	w.discord.AddUser(discordsim.User{ID: warden, Name: "warden", GlobalName: "Warden", Roles: []string{staffID}})
	route := "[[routes]]\nadapter = \"guild\"\n"
	w.config = strings.Replace(w.config, route, route+"staff = [\"role:"+staffID+"\"]\n", 1)
	return w
}

// untilDiscord waits for a condition that the simulator may be asked about.
func (w *world) untilDiscord(ctx context.Context, cond func() bool) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// runDiscord starts the bridge and waits until it has caught up with Discord.
func (w *world) runDiscord() {
	w.t.Helper()
	const line = `"caught up" adapter=guild`
	before := strings.Count(w.log.String(), line)
	w.start()
	w.loggedAgain(line, before)
}

// writeAs posts as anybody.
func (w *world) writeAs(user, channel, text string, extra ...discordsim.Extra) (id string) {
	w.t.Helper()
	id, err := w.discord.Post(channel, user, text, extra...)
	must(w.t, err)
	return id
}

// openDiscord begins a conversation in the text channel with a robot that echoes.
func (w *world) openDiscord(text string) *dtalk {
	w.t.Helper()
	k := &dtalk{world: w, place: w.write(guildChannel, text)}
	k.reads(lineWelcome)
	k.reads(text)
	k.visitor = w.visitorOf(text)
	return k
}

func (k *dtalk) say(text string) (id string) { k.t.Helper(); return k.write(k.place, text) }

// reads waits until the bot shows a text.
func (k *dtalk) reads(text string) { k.t.Helper(); k.readsTimes(text, 1) }

func (k *dtalk) readsTimes(text string, times int) {
	k.t.Helper()
	k.until(k.untilDiscord, fmt.Sprintf("%d times %.200q in the thread", times, text), func() bool { return k.count(text) >= times },
		func() string { return fmt.Sprintf("%.2000q", k.contents()) })
}

// count is how often the bot shows a text to all.
func (k *dtalk) count(text string) (n int) {
	for _, m := range k.fromBot() {
		if m.Content == text {
			n++
		}
	}
	return n
}

// fromBot lists what the bot wrote for all to see.
func (k *dtalk) fromBot() (list []discordsim.Message) {
	for _, m := range k.discord.Messages(k.place) {
		if m.Author == botID && m.EphemeralTo == "" && m.Type == 0 {
			list = append(list, m)
		}
	}
	return list
}

func (k *dtalk) contents() (list []string) {
	for _, m := range k.discord.Messages(k.place) {
		list = append(list, m.Content)
	}
	return list
}

// shows wants exactly these posts of the bot; left out is what talk.shows leaves out.
func (k *dtalk) shows(want ...string) {
	k.t.Helper()
	var got []string
	for _, m := range k.fromBot() {
		switch m.Content {
		case lineWelcome, lineQueued, lineQueuing, lineConnected:
		default:
			got = append(got, m.Content)
		}
	}
	if !slices.Equal(got, want) {
		k.t.Errorf("the thread shows %.1500q, want %.1500q", got, want)
	}
}

func (k *dtalk) session() ccmsim.Session { return k.centre.Session(k.visitor) }

func (k *dtalk) robotHas(want ...string) {
	k.t.Helper()
	k.atCentre(fmt.Sprintf("%d texts with the robot", len(want)), func(v ccmsim.View) bool { return len(v.Session(k.visitor).ToRobot) >= len(want) })
	if got := k.session().ToRobot; !slices.Equal(got, want) {
		k.t.Errorf("the robot got %.900q, want %.900q", got, want)
	}
}

func (k *dtalk) agentHas(want ...string) {
	k.t.Helper()
	k.atCentre(fmt.Sprintf("%d texts with the agent", len(want)), func(v ccmsim.View) bool { return len(v.Session(k.visitor).ToAgent) >= len(want) })
	if got := k.session().ToAgent; !slices.Equal(got, want) {
		k.t.Errorf("the agent got %.900q, want %.900q", got, want)
	}
}

// waits until the session is in the queue.
func (k *dtalk) waits() {
	k.t.Helper()
	k.atCentre("the queue", func(v ccmsim.View) bool { return slices.Contains(v.Waiting(), k.visitor) })
}

// agent brings Grace in.
func (k *dtalk) agent() {
	k.t.Helper()
	k.say(botPing + " agent")
	k.waits()
	must(k.t, k.centre.Desk().Accept(k.visitor, "Grace"))
}

func (k *dtalk) agentSays(text string) { k.t.Helper(); say(k.t, k.world, k.visitor, text) }

// over waits until the session is over at the centre.
func (k *dtalk) over() {
	k.t.Helper()
	k.atCentre("the end", func(v ccmsim.View) bool { return v.Session(k.visitor).State == ccmsim.StateEnded })
}

// finish ends the conversation as the customer does and waits for the last line.
func (k *dtalk) finish() {
	k.t.Helper()
	k.say(botPing + " end")
	k.over()
	k.reads(lineEnded)
}

// press clicks the newest button whose id begins with prefix, and wants a private answer that is no longer thinking.
func (k *dtalk) press(user, prefix, answer string) {
	k.t.Helper()
	var message, id string
	k.until(k.untilDiscord, "button "+prefix, func() bool {
		message = ""
		for _, m := range k.discord.Messages(k.place) {
			for _, b := range m.Buttons {
				if strings.HasPrefix(b.CustomID, prefix) {
					message, id = m.ID, b.CustomID
				}
			}
		}
		return message != ""
	}, func() string { return fmt.Sprintf("%q", k.contents()) })
	i, err := k.discord.Click(user, message, id)
	must(k.t, err)
	k.answered(i, answer)
}

// command uses a slash command and wants a private answer that is no longer thinking.
func (w *world) command(user, channel, name, answer string) (interaction string) {
	w.t.Helper()
	i := w.slashDiscord(user, channel, name)
	w.answered(i, answer)
	return i
}

// slashDiscord uses a slash command; it comes again until the bot has registered it.
func (w *world) slashDiscord(user, channel, name string) (interaction string) {
	w.t.Helper()
	w.until(w.untilDiscord, "the command "+name, func() bool {
		var names []string
		w.discord.View(func(v *discordsim.View) { names = v.Commands(guildID) })
		return slices.Contains(names, name)
	}, func() string { return "none" })
	i, err := w.discord.Slash(user, channel, name, nil)
	must(w.t, err)
	return i
}

// answered waits for the final, private answer to an interaction.
func (w *world) answered(interaction, text string) {
	w.t.Helper()
	var i discordsim.Interaction
	w.until(w.untilDiscord, fmt.Sprintf("the private answer %q", text), func() bool {
		i, _ = w.discord.Interaction(interaction)
		return i.Failed || !i.Loading && len(i.Answers) > 0
	}, func() string { return fmt.Sprintf("%+v", i) })
	if i.Failed || !i.Acknowledged || !i.Deferred || !i.Ephemeral {
		w.t.Errorf("the interaction ended as %+v", i)
	}
	if len(i.Answers) != 1 || i.Answers[0].Content != text || i.Answers[0].EphemeralTo == "" {
		w.t.Errorf("the answers are %+v, want %q", i.Answers, text)
	}
}

// elsewhereClean wants nothing of the bot outside the given places.
func (w *world) elsewhereClean(places ...string) {
	w.t.Helper()
	all := map[string]bool{guildChannel: true, guildForum: true, w.discord.OpenDM(mallory): true}
	w.discord.View(func(v *discordsim.View) {
		for _, parent := range []string{guildChannel, guildForum} {
			for _, t := range v.Threads(parent) {
				all[t.ID] = true
			}
		}
	})
	for place := range maps.Keys(all) {
		for _, m := range w.discord.Messages(place) {
			if m.Author == botID && m.Type == 0 && m.EphemeralTo == "" && !slices.Contains(places, place) {
				w.t.Errorf("in %s stands %q", place, m.Content)
			}
		}
	}
}

// dumpTable is what the dump tells of one table.
func (w *world) dumpTable(name string) string {
	var lines []string
	for line := range strings.Lines(w.dump()) {
		if strings.HasPrefix(line, name+":") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}
