package discord

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"
)

// registerPause is the time between two tries to register commands.
const registerPause = time.Minute

// commandName is a command's configured name as Discord wants it: lower case, no slash.
func commandName(name, standard string) string {
	if name = strings.ToLower(strings.TrimPrefix(name, "/")); name == "" {
		return standard
	}
	return name
}

// slashCommand is a command as it is registered, and as Discord lists it.
type slashCommand struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Type        int    `json:"type"`
	Options     []any  `json:"options,omitempty"`
}

// commandList is what each guild shall have.
func (a *Adapter) commandList() []slashCommand {
	return []slashCommand{
		{Name: a.commands.agent, Description: "Talk to a human", Type: 1},
		{Name: a.commands.end, Description: "End the conversation", Type: 1},
	}
}

// sameCommand reports whether what Discord lists is what the bridge wants.
func sameCommand(have, want slashCommand) bool {
	return have.Name == want.Name && have.Description == want.Description && max(have.Type, 1) == want.Type && len(have.Options) == 0
}

// registerSoon has the commands looked after; it never blocks.
func (a *Adapter) registerSoon() {
	select {
	case a.register <- struct{}{}:
	default:
	}
}

// keepCommands registers the commands in every configured guild once the application's id is known, until ctx ends.
func (a *Adapter) keepCommands(ctx context.Context) {
	done := make(map[snowflake]bool)
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.register:
		}
		for !a.registerAll(ctx, done) {
			if sleep(ctx, registerPause) != nil {
				return
			}
		}
	}
}

// registerAll sees to the guilds not yet done; false if it is worth another try.
func (a *Adapter) registerAll(ctx context.Context, done map[snowflake]bool) bool {
	app := a.dir.appID()
	if app == 0 {
		return true // READY will come and ask again
	}
	all := true
	for _, g := range a.guilds {
		if done[g] || ctx.Err() != nil {
			continue
		}
		err := a.registerCommands(ctx, app, g)
		var ae *apiError
		switch {
		case err == nil:
			done[g] = true
		case errors.As(err, &ae) && ae.retryAfter == 0 && ae.status/100 == 4:
			a.log.Warn("commands not registered", "guild", g, "error", err) // GUILD_CREATE will ask again
		default:
			all = false
		}
	}
	return all
}

// registerCommands overwrites the guild's commands if they differ (Discord: bulk overwrite guild application commands).
func (a *Adapter) registerCommands(ctx context.Context, app, guild snowflake) error {
	url := discordgo.EndpointApplicationGuildCommands(app.String(), guild.String())
	var have []slashCommand
	if err := a.rest.patientGet(ctx, url, &have); err != nil {
		return fmt.Errorf("commands of guild %s: %w", guild, err)
	}
	want := a.commandList()
	byName := func(x, y slashCommand) int { return strings.Compare(x.Name, y.Name) }
	slices.SortFunc(have, byName)
	slices.SortFunc(want, byName)
	if slices.EqualFunc(have, want, sameCommand) {
		return nil
	}
	if err := a.rest.call(ctx, request{method: http.MethodPut, url: url, body: want}, nil); err != nil {
		return fmt.Errorf("commands of guild %s: %w", guild, err)
	}
	return nil
}
