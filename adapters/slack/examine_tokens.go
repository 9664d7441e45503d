package slack

import (
	"context"
	"strings"

	"github.com/slack-go/slack"

	"ccbridge/adapters/reach"
	"ccbridge/bridge"
)

const (
	meansNothing = "Nothing goes in or out: Slack's customers are not served."
	meansDeaf    = "The bridge hears nothing from Slack: customers are not served."
)

// tokenKinds are the beginnings of Slack's tokens (Slack: token types).
var tokenKinds = []struct{ begin, is string }{
	{"xoxe.xoxb-", "a rotating bot token"},
	{"xoxe.xoxp-", "a configuration token"},
	{"xoxe-", "a refresh token"},
	{"xoxb-", "a bot token"},
	{"xoxp-", "a person's token"},
	{"xoxo-", "a token of an old kind"},
	{"xoxa-", "a token of an old kind"},
	{"xoxs-", "a token of an old kind"},
	{"xoxc-", "a browser's token"},
	{"xapp-", "an app-level token"},
	{"xwfp-", "a workflow's token"},
}

// kindOf tells what a token is by its form, "" for an unknown one.
func kindOf(token string) string {
	for _, k := range tokenKinds {
		if strings.HasPrefix(token, k.begin) {
			return k.is
		}
	}
	return ""
}

func (e *examination) fixBot() string {
	return e.page("OAuth & Permissions", "/oauth") + ": copy the Bot User OAuth Token (xoxb-…) into " + e.key("bot_token") + "."
}

func (e *examination) fixApp() string {
	return e.page("Basic Information", "/general") + ": under App-Level Tokens make one with connections:write, and put it (xapp-…) into " + e.key("app_token") + "."
}

// forms looks at the kinds of the tokens, without asking Slack; false if the bot token is of no use. What is of an
// unknown form may belong to another Slack than slack.com: that decides.
func (e *examination) forms() bool {
	if kind := kindOf(e.a.cfg.AppToken); kind != "" && kind != "an app-level token" {
		e.Fault(checkAppToken, "", "app_token is "+kind+", not an app-level token.", meansDeaf, capital(e.fixApp()))
	}
	switch kind := kindOf(e.a.cfg.BotToken); kind {
	case "", "a bot token":
	case "a rotating bot token":
		e.Warn(checkBotToken, "", "bot_token is a rotating one, which ends twelve hours after it was issued.",
			"Then nothing goes in or out until somebody puts in a new one: the bridge does not renew it.",
			"Rotation cannot be switched off again: make the app anew from the manifest that `ccbridge manifest slack` prints.")
	default:
		e.Fault(checkBotToken, "", "bot_token is "+kind+", not a bot token.", meansNothing, capital(e.fixBot()))
		return false
	}
	return true
}

// capital begins a sentence.
func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// identity asks whose the bot token is (auth.test), and takes from the answer's head the scopes and the time; false if the
// token is of no use.
func (e *examination) identity(ctx context.Context) bool {
	var res *slack.AuthTestResponse
	err, ok := e.ask(ctx, "auth.test", func(ctx context.Context) (err error) {
		res, err = e.api.AuthTestContext(ctx)
		return err
	})
	if !ok {
		return false
	}
	if err == nil && (res.TeamID == "" || res.UserID == "") {
		reach.Fault(&e.Findings, checkReach, "Slack", e.a.cfg.APIURL, e.key("api_url"), meansNothing, reach.Other)
		e.unreachable = true
		return false
	}
	e.OK(checkReach, "", "Slack answers at "+reach.Host(e.a.cfg.APIURL)+".")
	skew, known := e.heard.Skew()
	reach.Clock(&e.Findings, checkClock, "Slack", skew, known)
	if err != nil {
		found, fix := e.refused(errorCode(err))
		e.Fault(checkBotToken, "", found, meansNothing, fix)
		return false
	}
	if res.BotID == "" {
		e.Fault(checkBotToken, "", "bot_token belongs to a person, not to a bot.", "What the bridge posts would seem to be that person's.", capital(e.fixBot()))
		return false
	}
	e.auth = res
	if list, found := e.head("X-OAuth-Scopes"); found {
		e.scopes = make(map[string]bool)
		for _, s := range list {
			e.scopes[s] = true
		}
	}
	if !hasFinding(e.List, checkBotToken) { // else there is more to say of it
		e.OK(checkBotToken, "", "bot_token is valid.")
	}
	e.OK(checkBot, "", "It is the bot @"+res.User+" of the workspace "+res.Team+" ("+res.URL+").")
	return true
}

// refused says what a refusal of the bot token means (Slack: auth.test, errors).
func (e *examination) refused(code string) (found, fix string) {
	switch code {
	case "token_revoked", "account_inactive", "app_uninstalled":
		return "bot_token is no longer valid (" + code + "): the app was uninstalled, or the token taken back.",
			capital(e.page("Install App", "/install-on-team")) + ": Install to Workspace, and put the new token into " + e.key("bot_token") + "."
	case "token_expired":
		return "bot_token has expired: it is a rotating one.",
			"Make the app anew from the manifest that `ccbridge manifest slack` prints, which leaves rotation off, and put its token into " + e.key("bot_token") + "."
	case "invalid_auth", "not_authed":
		return "Slack does not know bot_token (" + code + ").", capital(e.fixBot())
	case "not_allowed_token_type":
		return "bot_token is not a bot token (" + code + ").", capital(e.fixBot())
	case "org_login_required", "team_access_not_granted", "enterprise_is_restricted", "access_denied", "accesslimited", "ekm_access_denied", "two_factor_setup_required":
		return "The workspace or its organisation does not let the bot in (" + code + ").",
			"Ask an owner of the workspace to allow the app (Slack, Settings & administration, Manage apps)."
	}
	return "Slack refuses bot_token (" + code + ").", capital(e.fixBot())
}

// line asks for the address of a socket, as the bridge does with the app token, and opens none: Slack would send events to it.
func (e *examination) line(ctx context.Context, client doer) {
	if hasFinding(e.List, checkAppToken) {
		return
	}
	api := e.a.client(&openOnce{client: client})
	var address string
	err, ok := e.ask(ctx, "apps.connections.open", func(ctx context.Context) (err error) {
		_, address, err = api.StartSocketModeContext(ctx)
		return err
	})
	switch {
	case !ok:
		return
	case err == nil && address != "":
		e.sameApp(ctx)
		return
	}
	switch code := errorCode(err); code {
	case "invalid_auth", "not_authed":
		e.Fault(checkAppToken, "", "Slack does not know app_token ("+code+").", meansDeaf, capital(e.fixApp()))
	case "not_allowed_token_type":
		e.Fault(checkAppToken, "", "app_token is not an app-level token ("+code+").", meansDeaf, capital(e.fixApp()))
	case "missing_scope", "no_permission":
		e.Fault(checkAppToken, "", "app_token lacks the scope connections:write.", meansDeaf, capital(e.fixApp()))
	case "token_revoked", "account_inactive", "app_uninstalled", "token_expired":
		e.Fault(checkAppToken, "", "app_token is no longer valid ("+code+").", meansDeaf, capital(e.fixApp()))
	case "link_disabled":
		e.Fault(checkAppToken, "", "Socket Mode is switched off ("+code+").", meansDeaf, capital(e.page("Socket Mode", "/socket-mode"))+": switch on Enable Socket Mode.")
	default:
		e.Fault(checkAppToken, "", "Slack gives no socket for app_token ("+code+").", meansDeaf,
			capital(e.page("Socket Mode", "/socket-mode"))+": see that Enable Socket Mode is on. "+capital(e.fixApp()))
	}
}

// sameApp makes sure that both tokens are of one app (bots.info): else the sockets would bring another app's events.
func (e *examination) sameApp(ctx context.Context) {
	const good = "app_token is valid: Slack gives a socket for it."
	if e.quick || e.auth == nil || e.app == "" || e.scopes != nil && !e.scopes["users:read"] {
		e.OK(checkAppToken, "", good)
		return
	}
	var bot *slack.Bot
	err, ok := e.ask(ctx, "bots.info", func(ctx context.Context) (err error) {
		bot, err = e.api.GetBotInfoContext(ctx, slack.GetBotInfoParameters{Bot: e.auth.BotID})
		return err
	})
	if ok && err == nil && bot.AppID != "" && bot.AppID != e.app {
		e.Fault(checkAppToken, "", "app_token is of another app ("+e.app+") than bot_token ("+bot.AppID+").", meansDeaf,
			"At https://api.slack.com/apps/"+bot.AppID+"/general (Basic Information): under App-Level Tokens make one with connections:write, and put it (xapp-…) into "+e.key("app_token")+".")
		return
	}
	e.OK(checkAppToken, "", good)
}

// hasFinding says whether something was found of check.
func hasFinding(list []bridge.Finding, check string) bool {
	for _, f := range list {
		if f.Check == check {
			return true
		}
	}
	return false
}
