package slacksim

import "strings"

// authTest is Slack's auth.test.
func (s *Sim) authTest(args) (answer, *refusal) {
	ans := answer{"url": s.base + "/", "team": "Simulated Team", "user": s.cfg.BotName, "team_id": s.cfg.TeamID, "user_id": s.cfg.BotUser,
		"bot_id": s.cfg.BotID, "is_enterprise_install": false}
	if s.cfg.UserToken {
		delete(ans, "bot_id")
	}
	return ans, nil
}

// botsInfo is Slack's bots.info; the workspace has one bot.
func (s *Sim) botsInfo(a args) (answer, *refusal) {
	if id := a["bot"]; id != "" && id != s.cfg.BotID {
		return nil, refuse("bot_not_found")
	}
	return answer{"bot": answer{"id": s.cfg.BotID, "deleted": false, "name": s.cfg.BotName, "updated": 1_700_000_000, "app_id": s.cfg.AppID,
		"user_id": s.cfg.BotUser, "icons": answer{"image_36": "https://a.slack-edge.com/36.png", "image_48": "https://a.slack-edge.com/48.png",
			"image_72": "https://a.slack-edge.com/72.png"}}}, nil
}

// usersInfo is Slack's users.info.
func (s *Sim) usersInfo(a args) (answer, *refusal) {
	u := s.users[a["user"]]
	if u == nil {
		return nil, refuse("user_not_found")
	}
	profile := answer{"real_name": u.RealName, "real_name_normalized": u.RealName, "display_name": u.DisplayName,
		"display_name_normalized": u.DisplayName, "title": "", "phone": "", "skype": "", "status_text": "", "status_emoji": "",
		"status_expiration": 0, "avatar_hash": "", "image_24": "https://a.slack-edge.com/24.png", "image_72": "https://a.slack-edge.com/72.png",
		"team": s.cfg.TeamID}
	return answer{"user": answer{"id": u.ID, "team_id": s.cfg.TeamID, "name": u.Name, "real_name": u.RealName, "deleted": u.Deleted, "color": "9f69e7",
		"tz": "Europe/London", "tz_label": "Greenwich Mean Time", "tz_offset": 0, "profile": profile, "is_admin": false, "is_owner": false,
		"is_primary_owner": false, "is_restricted": false, "is_ultra_restricted": false, "is_bot": u.Bot, "is_app_user": false,
		"is_email_confirmed": true, "updated": 1_700_000_000}}, nil
}

// conversationsOpen is Slack's conversations.open, for direct messages with one person.
func (s *Sim) conversationsOpen(a args) (answer, *refusal) {
	var ch *channel
	made := false
	switch {
	case a["channel"] != "":
		if ch = s.channels[a["channel"]]; ch == nil || ch.kind != "im" {
			return nil, refuse("channel_not_found")
		}
	case a["users"] == "":
		return nil, refuse("users_list_not_supplied")
	case strings.Contains(a["users"], ","):
		return nil, refuse("not_enough_users") // group direct messages are not simulated
	case s.users[a["users"]] == nil:
		return nil, refuse("user_not_found")
	default:
		ch, made = s.openDM(a["users"])
	}
	obj := answer{"id": ch.id}
	if a.flag("return_im") {
		obj = s.channelObject(ch)
		obj["is_open"] = true
		delete(obj, "is_user_deleted")
	}
	ans := answer{"channel": obj}
	if !made {
		ans["no_op"], ans["already_open"] = true, true
	}
	return ans, nil
}

// reactionsAdd is Slack's reactions.add.
func (s *Sim) reactionsAdd(a args) (answer, *refusal) {
	ch, bad := s.target(a["channel"])
	if bad != nil {
		return nil, bad
	}
	m := ch.byTS[a["timestamp"]]
	name := strings.Trim(a["name"], ":")
	switch {
	case m == nil || m.deleted:
		return nil, refuse("message_not_found")
	case name == "":
		return nil, refuse("invalid_name")
	}
	for _, r := range m.Reactions {
		if r == name {
			return nil, refuse("already_reacted")
		}
	}
	m.Reactions = append(m.Reactions, name)
	return answer{}, nil
}

// setStatus is Slack's assistant.threads.setStatus: the typing line of a thread, cleared by a post.
func (s *Sim) setStatus(a args) (answer, *refusal) {
	ch, bad := s.target(a["channel_id"])
	if bad != nil {
		return nil, bad
	}
	if ch.byTS[a["thread_ts"]] == nil {
		return nil, refuse("invalid_thread_ts")
	}
	key := ch.id + " " + a["thread_ts"]
	if a["status"] == "" {
		delete(s.typing, key)
	} else {
		s.typing[key] = a["status"]
	}
	return answer{}, nil
}

// permalink is Slack's chat.getPermalink.
func (s *Sim) permalink(a args) (answer, *refusal) {
	ch := s.channels[a["channel"]]
	if ch == nil || !ch.bot {
		return nil, refuse("channel_not_found")
	}
	m := ch.byTS[a["message_ts"]]
	if m == nil {
		return nil, refuse("message_not_found")
	}
	link := s.base + "/archives/" + ch.id + "/p" + strings.ReplaceAll(m.TS, ".", "")
	if m.ThreadTS != "" {
		link += "?thread_ts=" + m.ThreadTS + "&cid=" + ch.id
	}
	return answer{"channel": ch.id, "permalink": link}, nil
}
