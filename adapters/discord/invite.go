package discord

import (
	"net/url"
	"strconv"

	"ccbridge/bridge"
)

// Invitation is how a bot is let into its servers, and what is switched on for it, for one configuration.
type Invitation struct {
	// URL asks whoever opens it into which server the bot shall go (Discord: OAuth2, bot authorization flow).
	URL string `json:"url"`
	// Permissions are those the link asks for, by their names in Discord's settings.
	Permissions []string `json:"permissions"`
	// Settings are to be made in the Developer Portal, one sentence each.
	Settings []string `json:"settings"`
}

// noID stands where the application's id has to be put in.
const noID = "ID"

// Invite is the invitation of an application that serves routes, all of them of this adapter. Without routes it serves
// everything that routes can name. Without appID the link has "ID" in its place.
func Invite(appID string, routes []bridge.Route) Invitation {
	if appID == "" {
		appID = noID
	}
	i := Invitation{Settings: []string{
		"General Information: the Application ID is what stands for client_id in the link.",
		"Bot, Token: \"Reset Token\" shows the token once; it is bot_token in the configuration.",
		settingContent,
		"General Information, Interactions Endpoint URL: leave it empty, or commands and buttons go there instead of to the bridge.",
		"Bot, Public Bot: switch it off, so that nobody else can invite the bot.",
	}}
	var bits int64
	if servesChannels(routes) {
		for _, p := range permissionsFor(dutyText) { // a forum needs none beside these
			bits |= p.bit
			i.Permissions = append(i.Permissions, p.name)
		}
	}
	i.URL = inviteURL(appID, bits)
	return i
}

// settingContent is how the intent is switched on. Direct messages would be shown without it, but the bridge asks for it
// always, and Discord refuses the line to who asks for what is off (4014).
const settingContent = "Bot, Privileged Gateway Intents: switch on \"Message Content Intent\"."

func inviteURL(appID string, bits int64) string {
	return "https://discord.com/oauth2/authorize?client_id=" + url.QueryEscape(appID) + "&scope=bot+applications.commands&permissions=" +
		strconv.FormatInt(bits, 10)
}
