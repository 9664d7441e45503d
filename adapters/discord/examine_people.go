package discord

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/bwmarrin/discordgo"
)

// commands compares a guild's commands with those that the bridge registers at its start.
func (e *examination) commands(ctx context.Context, g *sight) {
	var have []slashCommand
	err, ok := e.get(ctx, "the commands of the server "+g.id.String(), discordgo.EndpointApplicationGuildCommands(e.app.ID.String(), g.id.String()), &have)
	id := g.id.String()
	switch {
	case !ok:
		return
	case hasStatus(err, http.StatusForbidden):
		e.Warn(checkCommands, id, "The bot may not have commands in the server "+g.name+": it was invited without applications.commands.",
			"There are no commands there; buttons and words to the bot still work.", "Invite it again, it stays where it is: "+Invite(e.app.ID.String(), e.routes).URL)
		return
	case err != nil:
		e.Warn(checkCommands, id, "The commands of the server "+g.name+" cannot be looked at ("+err.Error()+").", "They may be missing.", "Look again.")
		return
	}
	var faults []string
	for _, want := range e.a.commandList() {
		i := slices.IndexFunc(have, func(c slashCommand) bool { return c.Name == want.Name && max(c.Type, 1) == want.Type })
		switch {
		case i < 0:
			faults = append(faults, "/"+want.Name+" is missing")
		case !sameCommand(have[i], want):
			faults = append(faults, "/"+want.Name+" is not as the bridge registers it")
		}
	}
	for _, c := range have {
		if !slices.ContainsFunc(e.a.commandList(), func(w slashCommand) bool { return w.Name == c.Name && w.Type == max(c.Type, 1) }) {
			faults = append(faults, c.Name+" is not the bridge's")
		}
	}
	if len(faults) == 0 {
		e.OK(checkCommands, id, "The commands of the server "+g.name+" are as configured.")
		return
	}
	e.Warn(checkCommands, id, "Commands of the server "+g.name+": "+strings.Join(faults, ", ")+".", "Until the bridge starts, people there do not have the commands that are configured.",
		"Start the bridge: it sets them all. If it runs, see its log for \"commands not registered\".")
}

// global looks for commands that people would see twice, for the bridge registers its own in each guild.
func (e *examination) global(ctx context.Context) {
	var have []slashCommand
	if err, ok := e.get(ctx, "the global commands", discordgo.EndpointApplicationGlobalCommands(e.app.ID.String()), &have); !ok || err != nil {
		return
	}
	var twice []string
	for _, c := range have {
		if slices.ContainsFunc(e.a.commandList(), func(w slashCommand) bool { return w.Name == c.Name && w.Type == max(c.Type, 1) }) {
			twice = append(twice, "/"+c.Name)
		}
	}
	if len(twice) == 0 {
		e.OK(checkGlobal, "", "No global command of the application is in the way.")
		return
	}
	e.Warn(checkGlobal, "", "The application also has global commands of the same name: "+strings.Join(twice, ", ")+".", "People see them twice.",
		"Take the global ones away: curl -X PUT -H \"Authorization: Bot $DISCORD_BOT_TOKEN\" -H 'Content-Type: application/json' -d '[]' "+
			discordgo.EndpointApplicationGlobalCommands(e.app.ID.String()))
}

// staff looks for the people and roles that routes name.
func (e *examination) staff(ctx context.Context) {
	var done []string
	for _, r := range e.routes {
		for _, who := range r.Staff {
			if slices.Contains(done, who) || len(e.guilds) == 0 {
				continue
			}
			done = append(done, who)
			if role, isRole := strings.CutPrefix(who, "role:"); isRole {
				e.role(who, role)
			} else {
				e.person(ctx, who)
			}
		}
	}
}

const meansNoStaff = "Whoever is meant cannot call an agent or end a conversation in others' threads."

func (e *examination) role(who, text string) {
	id, err := parseSnowflake(text)
	known := err == nil && slices.ContainsFunc(e.guilds, func(g *sight) bool { _, found := g.roles[id]; return found })
	switch {
	case known:
		e.OK(checkStaff, who, "The role "+text+" of the staff is there.")
	case !e.blind:
		e.Warn(checkStaff, who, "No configured server has the staff's role "+text+".", meansNoStaff,
			"Developer Mode on, Server Settings, Roles, right click on the role, Copy Role ID, and put \"role:ID\" into staff of the route; or take it out.")
	}
}

func (e *examination) person(ctx context.Context, who string) {
	const fix = "Developer Mode on, right click on the person, Copy User ID, and put it into staff of the route; or take it out."
	id, err := parseSnowflake(who)
	if err != nil {
		e.Warn(checkStaff, who, "The staff's id "+who+" is none.", meansNoStaff, fix)
		return
	}
	for _, g := range e.guilds {
		err, ok := e.get(ctx, "the staff", endpointMember(g.id, id), nil)
		switch {
		case !ok:
			return
		case err == nil:
			e.OK(checkStaff, who, "The person "+who+" of the staff is in the server "+g.name+".")
			return
		}
	}
	if !e.blind {
		e.Warn(checkStaff, who, "Nobody with the staff's id "+who+" is in a configured server.", meansNoStaff, fix)
	}
}
