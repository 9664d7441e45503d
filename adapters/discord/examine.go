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

	"ccbridge/adapters/reach"
	"ccbridge/bridge"
)

var _ bridge.Examiner = (*Adapter)(nil)

// What is looked at (bridge.Finding.Check).
const (
	checkReach      = "discord.reach"
	checkClock      = "discord.clock"
	checkToken      = "discord.token"
	checkContent    = "discord.intent.content"
	checkEndpoint   = "discord.endpoint" // where interactions go
	checkPublic     = "discord.public"   // who may invite the bot
	checkBudget     = "discord.identify" // how often it may still start
	checkShards     = "discord.shards"
	checkGuild      = "discord.guild"       // subject: the guild
	checkTimeout    = "discord.timeout"     // subject: the guild
	checkChannel    = "discord.channel"     // subject: the channel, or "*"
	checkPermission = "discord.permission." // and the permission's key; subject: the channel
	checkTags       = "discord.forum.tags"  // subject: the forum
	checkCommands   = "discord.commands"    // subject: the guild
	checkGlobal     = "discord.commands.global"
	checkStaff      = "discord.staff" // subject: as the route names it
	checkDirect     = "discord.direct"
	checkLimit      = "discord.limit" // subject: what Discord limits just now
)

const (
	examineCall = 10 * time.Second // one call of an examination, at most, with the waiting for limits
	quickGuilds = 3                // so many guilds are looked at in a quick one
	fewStarts   = 50               // of the 1,000 Identify a day
)

const (
	meansNothing = "Nothing goes in or out: Discord's customers are not served."
	portal       = "https://discord.com/developers/applications"
)

// examination is one look at Discord from outside.
type examination struct {
	bridge.Findings
	a      *Adapter
	rest   *rest
	heard  *reach.Recorder
	routes []bridge.Route
	quick  bool

	unreachable bool // told; nothing more is asked
	app         application
	guilds      []*sight
	blind       bool // a guild could not be looked at
}

// application is the bot's own (Discord: GET /applications/@me).
type application struct {
	ID       snowflake `json:"id"`
	Flags    int64     `json:"flags"`
	Endpoint string    `json:"interactions_endpoint_url"`
	Public   bool      `json:"bot_public"`
	Bot      user      `json:"bot"`
}

// Examine looks at everything that routes need of Discord (bridge.Examiner). It does not Identify.
func (a *Adapter) Examine(ctx context.Context, routes []bridge.Route, quick bool) []bridge.Finding {
	e := &examination{Findings: bridge.Findings{Part: a.cfg.Name}, a: a, heard: &reach.Recorder{Next: a.client.Transport}, routes: routes, quick: quick}
	client := *a.client
	client.Transport = e.heard
	e.rest = &rest{client: &client, token: a.rest.token, limits: a.rest.limits}
	defer a.client.CloseIdleConnections()

	if !e.identity(ctx) {
		return e.List
	}
	e.budget(ctx)
	e.visit(ctx)
	e.channels(ctx)
	if quick {
		return e.List
	}
	for _, g := range e.guilds {
		e.commands(ctx, g)
	}
	e.global(ctx)
	e.staff(ctx)
	if e.serves("dm") && !e.unreachable {
		e.OK(checkDirect, "", "Direct messages to the bot are served. Those that would begin a conversation while the bridge is down are found only when that person writes again.")
	}
	return e.List
}

// get asks for one thing. ok: Discord answered; err is then nil or its refusal. The first call without an answer is the last:
// that Discord cannot be reached is one finding, not one for each call.
func (e *examination) get(ctx context.Context, what, url string, out any) (err error, ok bool) {
	if e.unreachable || ctx.Err() != nil {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(ctx, examineCall)
	defer cancel()
	err = e.rest.patientGet(ctx, url, out)
	var ae *apiError
	isAPI := errors.As(err, &ae)
	switch {
	case err == nil:
		return nil, true
	case isAPI && ae.status == http.StatusTooManyRequests, isAPI && ae.held:
		e.Warn(checkLimit, what, "Discord limits the bot just now, so "+what+" could not be looked at.",
			"If it stays, messages come late.", "Look again in a minute. If it stays: something else uses the same token, or made too many wrong calls.")
		return err, false
	case isAPI && ae.status/100 == 4 && ae.retryAfter == 0:
		return err, true
	case isAPI:
		e.Forget(checkReach)
		reach.Trouble(&e.Findings, checkReach, "Discord", ae.status, meansNothing)
	default:
		e.Forget(checkReach)
		reach.Fault(&e.Findings, checkReach, "Discord", e.a.cfg.APIURL, e.key("api_url"), meansNothing, reach.CauseOf(err))
	}
	e.unreachable = true
	return err, false
}

// key names a setting of this adapter in the configuration.
func (e *examination) key(setting string) string {
	return setting + " of [adapters." + e.a.cfg.Name + "]"
}

// page is a page of the application's in the Developer Portal.
func (e *examination) page(path string) string {
	if e.app.ID == 0 {
		return portal
	}
	return portal + "/" + e.app.ID.String() + "/" + path
}

// serves says whether a route names channel.
func (e *examination) serves(channel string) bool {
	return slices.ContainsFunc(e.routes, func(r bridge.Route) bool { return slices.Contains(r.Channels, channel) })
}

// identity asks whose the token is and how the application is set; false if the token is of no use.
func (e *examination) identity(ctx context.Context) bool {
	fix := "At " + portal + " choose the application, Bot, Reset Token, and put what it shows, alone, into " + e.key("bot_token") + "."
	if strings.HasPrefix(e.a.cfg.BotToken, "Bot ") {
		e.Fault(checkToken, "", "bot_token begins with \"Bot \", which is added to it.", meansNothing, "Take \"Bot \" away in "+e.key("bot_token")+".")
		return false
	}
	err, ok := e.get(ctx, "the application", discordgo.EndpointAPI+"applications/@me", &e.app)
	if !ok {
		return false
	}
	if err == nil && (e.app.ID == 0 || e.app.Bot.ID == 0) {
		reach.Fault(&e.Findings, checkReach, "Discord", e.a.cfg.APIURL, e.key("api_url"), meansNothing, reach.Other)
		return false
	}
	e.OK(checkReach, "", "Discord answers at "+reach.Host(e.a.cfg.APIURL)+".")
	skew, known := e.heard.Skew()
	reach.Clock(&e.Findings, checkClock, "Discord", skew, known)
	switch {
	case hasStatus(err, http.StatusUnauthorized):
		e.Fault(checkToken, "", "Discord does not know bot_token (401): it is wrong, or was reset.", meansNothing, fix)
		return false
	case err != nil:
		e.Fault(checkToken, "", "Discord refuses bot_token ("+err.Error()+").", meansNothing, fix)
		return false
	}
	e.OK(checkToken, "", "bot_token is valid: the bot "+e.app.Bot.Username+", application "+e.app.ID.String()+".")
	e.settings()
	return true
}

// Flags of an application (Discord: application resource).
const (
	flagContent        = 1 << 18 // GATEWAY_MESSAGE_CONTENT: a verified application
	flagContentLimited = 1 << 19
)

// settings looks at what is set in the Developer Portal.
func (e *examination) settings() {
	if e.app.Flags&(flagContent|flagContentLimited) != 0 {
		e.OK(checkContent, "", "The intent Message Content is switched on.")
	} else {
		e.Fault(checkContent, "", "The intent Message Content is switched off.", "Discord refuses the bridge's line (4014): customers are not served.",
			"At "+e.page("bot")+": "+settingContent)
	}
	if e.app.Endpoint == "" {
		e.OK(checkEndpoint, "", "Commands and buttons come to the bridge.")
	} else {
		e.Fault(checkEndpoint, "", "The application has an Interactions Endpoint URL: commands and buttons go there, not to the bridge.",
			"Buttons and commands do nothing; only words to the bot are heard.", "At "+e.page("information")+" (General Information): empty Interactions Endpoint URL, and save.")
	}
	if e.app.Public {
		e.OK(checkPublic, "", "Anybody may invite the bot; what is written in servers that the configuration does not name is ignored. To stop it: "+e.page("bot")+", Public Bot.")
	}
}

// budget looks at how often the bridge may still open its line (Discord: GET /gateway/bot).
func (e *examination) budget(ctx context.Context) {
	var answer struct {
		Shards int `json:"shards"`
		Limit  struct {
			Total, Remaining int
			ResetAfter       int64 `json:"reset_after"` // milliseconds
		} `json:"session_start_limit"`
	}
	if err, ok := e.get(ctx, "the gateway", discordgo.EndpointGatewayBot, &answer); !ok || err != nil {
		return
	}
	found := fmt.Sprintf("The bot may still start %d times of %d; the count begins anew in %s.", answer.Limit.Remaining, answer.Limit.Total,
		(time.Duration(answer.Limit.ResetAfter) * time.Millisecond).Round(time.Minute))
	const fix = "Find what starts again and again with this token (the log's \"reconnect\", another program), and stop it. Do not reset the token."
	switch {
	case answer.Limit.Remaining <= 0:
		e.Fault(checkBudget, "", found, "The bridge cannot open its line until then: customers are not served.", fix)
	case answer.Limit.Remaining < fewStarts:
		e.Warn(checkBudget, "", found, "When none is left, customers are not served until then.", fix)
	default:
		e.OK(checkBudget, "", found)
	}
	if answer.Shards > 1 {
		e.Warn(checkShards, "", fmt.Sprintf("Discord advises %d lines (shards), since the bot is in so many servers; the bridge has one.", answer.Shards),
			"From 2,500 servers on Discord refuses a single line, and nobody is served.", "Use an application of its own for the bridge, in the servers it serves only.")
	}
}
