package discordsim

import (
	"strconv"
	"time"
)

// route is one route of the API.
type route struct {
	pattern string
	open    bool // no bot token: gateway address, and what an interaction token authorizes
	limit   limit
	do      handlerFunc
}

// limit is the bucket of a route: calls per duration, per value of the path parameter major. Community numbers, since
// Discord documents none; clients must read the headers.
type limit struct {
	calls int
	per   time.Duration
	major string
}

func (s *Sim) routes() []route {
	perChannel := limit{5, 5 * time.Second, "channel"}
	reading := limit{5, time.Second, "channel"}
	loose := limit{50, time.Second, ""}
	perToken := limit{5, 2 * time.Second, "token"}
	return []route{
		{"GET /gateway", true, loose, s.getGateway},
		{"GET /gateway/bot", false, loose, s.getGatewayBot},
		{"GET /users/@me", false, loose, s.getMe},
		{"GET /users/{user}", false, loose, s.getUser},
		{"GET /applications/@me", false, loose, s.getApplication},
		{"GET /oauth2/applications/@me", false, loose, s.getApplication},
		{"POST /users/@me/channels", false, loose, s.createDM},
		{"GET /guilds/{guild}", false, loose, s.getGuild},
		{"GET /guilds/{guild}/channels", false, loose, s.getGuildChannels},
		{"GET /guilds/{guild}/members/{user}", false, loose, s.getMember},
		{"GET /guilds/{guild}/threads/active", false, loose, s.getActiveThreads},

		{"GET /channels/{channel}", false, reading, s.getChannel},
		{"PATCH /channels/{channel}", false, perChannel, s.patchChannel},
		{"DELETE /channels/{channel}", false, perChannel, s.deleteChannel},
		{"POST /channels/{channel}/typing", false, perChannel, s.typing},
		{"POST /channels/{channel}/threads", false, perChannel, s.createThread},
		{"POST /channels/{channel}/messages/{message}/threads", false, perChannel, s.createThreadFrom},
		{"GET /channels/{channel}/threads/archived/public", false, reading, s.getArchivedThreads},
		{"PUT /channels/{channel}/thread-members/@me", false, perChannel, s.joinThread},

		{"GET /channels/{channel}/messages", false, reading, s.getMessages},
		{"POST /channels/{channel}/messages", false, perChannel, s.createMessage},
		{"GET /channels/{channel}/messages/{message}", false, reading, s.getMessage},
		{"PATCH /channels/{channel}/messages/{message}", false, perChannel, s.patchMessage},
		{"DELETE /channels/{channel}/messages/{message}", false, reading, s.deleteMessage},
		{"PUT /channels/{channel}/messages/{message}/reactions/{emoji}/@me", false, limit{1, 250 * time.Millisecond, "channel"}, s.addReaction},
		{"DELETE /channels/{channel}/messages/{message}/reactions/{emoji}/@me", false, limit{1, 250 * time.Millisecond, "channel"}, s.removeReaction},

		{"GET /applications/{app}/commands", false, loose, s.getCommands},
		{"PUT /applications/{app}/commands", false, loose, s.putCommands},
		{"GET /applications/{app}/guilds/{guild}/commands", false, loose, s.getCommands},
		{"PUT /applications/{app}/guilds/{guild}/commands", false, loose, s.putCommands},

		{"POST /interactions/{interaction}/{token}/callback", true, perToken, s.callback},
		{"GET /webhooks/{app}/{token}/messages/{answer}", true, perToken, s.getAnswer},
		{"PATCH /webhooks/{app}/{token}/messages/{answer}", true, perToken, s.patchAnswer},
		{"DELETE /webhooks/{app}/{token}/messages/{answer}", true, perToken, s.deleteAnswer},
		{"POST /webhooks/{app}/{token}", true, perToken, s.followUp},
	}
}

func (s *Sim) getGateway(*call) (int, any, *apiError) {
	return 200, object{"url": s.gatewayURL()}, nil
}

func (s *Sim) getGatewayBot(*call) (int, any, *apiError) {
	g := &s.gateway
	return 200, object{"url": s.gatewayURL(), "shards": 1, "session_start_limit": object{
		"total": s.cfg.IdentifyTotal, "remaining": max(0, s.cfg.IdentifyTotal-g.identifies.within(s.now())),
		"reset_after": int((24 * time.Hour).Milliseconds()), "max_concurrency": 1,
	}}, nil
}

func (s *Sim) getMe(*call) (int, any, *apiError) {
	b := s.bot
	return 200, object{
		"id": b.ID, "username": b.Username, "discriminator": b.Discriminator, "global_name": nil, "avatar": nil,
		"bot": true, "public_flags": 0, "flags": 0, "mfa_enabled": false, "locale": "en-US",
		"verified": true, "email": nil,
	}, nil
}

func (s *Sim) getUser(c *call) (int, any, *apiError) {
	u := s.users[c.PathValue("user")]
	if u == nil {
		return 0, nil, errUnknownUser
	}
	return 200, *u, nil
}

func (s *Sim) getApplication(*call) (int, any, *apiError) {
	const content, contentLimited = 1 << 18, 1 << 19 // GATEWAY_MESSAGE_CONTENT, _LIMITED
	flags := contentLimited
	switch {
	case s.cfg.NoMessageContent:
		flags = 0
	case s.cfg.Verified:
		flags = content
	}
	owner := user{ID: "1400000000000000000", Username: "owner", Discriminator: "0"}
	return 200, object{
		"id": s.cfg.AppID, "name": s.bot.Username, "icon": nil, "description": "", "type": nil, "verify_key": "00",
		"flags": flags, "flags_new": strconv.Itoa(flags), "redirect_uris": []string{}, "interactions_endpoint_url": orNil(s.cfg.InteractionsURL),
		"role_connections_verification_url": nil, "owner": owner, "team": nil,
		"approximate_guild_count": len(s.guilds), "approximate_user_install_count": 0,
		"approximate_user_authorization_count": 0, "explicit_content_filter": 0,
		"eligible_oauth2_scopes": []string{}, "bot": *s.bot, "bot_public": s.cfg.Public, "bot_require_code_grant": false,
	}, nil
}
