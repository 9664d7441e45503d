package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func decodeRoutes(root *section, cfg Config) []Route {
	var routes []Route
	covered := coverage{}
	lacking := "" // a route without a channel_id
	for i, table := range root.tables("routes") {
		s := root.section(itemPath("routes", i), table)
		r, channels := decodeRoute(s, cfg.Adapters)
		covered.add(s, r.Adapter, channels)
		if r.ChannelID == "" && lacking == "" {
			lacking = s.path
		}
		r.ChannelID = firstOf(r.ChannelID, cfg.CCM.ChannelID)
		r.Locale = firstOf(r.Locale, cfg.CCM.Locale)
		s.follows("channel_id", r.ChannelID)
		s.follows("locale", r.Locale)
		routes = append(routes, r)
	}
	if len(routes) == 0 {
		root.fault(root.at("routes"), "no route is configured, so nothing would be carried", "[[routes]] with adapter and channels")
	}
	root.requireChannelID(cfg.CCM, len(routes) == 0, lacking)
	for _, a := range cfg.Adapters {
		root.checkServed(a, routes)
	}
	return routes
}

// tables returns the items of an array of tables.
func (s *section) tables(key string) []map[string]any {
	raw, found := s.get(key)
	switch list := raw.(type) {
	case []map[string]any:
		return list
	case []any: // routes = [{…}, {…}], or anything else
		var tables []map[string]any
		for i, raw := range list {
			table, ok := raw.(map[string]any)
			if !ok {
				s.fault(s.atItem(key, i), "must be a table, not "+typeName(raw), "[["+key+"]]")
			}
			tables = append(tables, table)
		}
		return tables
	}
	if found {
		s.fault(s.at(key), "must be an array of tables, not "+typeName(raw), "[["+key+"]], with two brackets")
	}
	return nil
}

func decodeRoute(s *section, adapters []Adapter) (Route, []item) {
	r := Route{
		Adapter:   s.required("adapter", "the name of an adapter", isAdapterOf(adapters)),
		Open:      s.text("open", "mention", oneOf("message", "mention", "command"), opensNothingYet),
		Speakers:  s.text("speakers", "customer", oneOf("customer", "everyone")),
		Reopen:    s.text("reopen", "ask", oneOf("ask", "always", "never")),
		ChannelID: s.text("channel_id", "", hasNoSpace),
		Locale:    s.text("locale", "", isLocale),
		Shadow:    s.flag("shadow"),
	}
	ids := idsOf(r.Adapter, adapters)
	const writeChannels = `channels = ["C0123ABCD"], ["dm"] or ["*"]`
	channels := s.list("channels", writeChannels, ids.channel)
	switch raw, found := s.get("channels"); {
	case !found:
		s.fault(s.at("channels"), "is missing", writeChannels)
	case isEmptyArray(raw):
		s.fault(s.at("channels"), "is empty", writeChannels)
	}
	r.Channels = values(channels)
	decodeMasks(s, &r)
	r.Staff = values(s.list("staff", `staff = ["U0456EFGH"]`, ids.staff))
	return r, channels
}

func isEmptyArray(raw any) bool {
	array, ok := raw.([]any)
	return ok && len(array) == 0
}

func isAdapterOf(adapters []Adapter) check {
	var names []string
	for _, a := range adapters {
		names = append(names, a.Name)
	}
	return func(value string) *problem {
		switch like := closest(value, names); {
		case slices.Contains(names, value):
			return nil
		case like != "":
			return &problem{text: "names no adapter", write: fmt.Sprintf("%q (did you mean that?)", like)}
		case len(names) > 0:
			return &problem{text: "names no adapter", write: "one of " + quoted(names)}
		default:
			return &problem{text: "names no adapter", write: "the NAME of an [adapters.NAME]"}
		}
	}
}

func opensNothingYet(value string) *problem {
	if value != "command" {
		return nil
	}
	return &problem{"in this version no command can open a thread, so this route opens nothing", `"mention" or "message"`, true}
}

// requireChannelID: the centre's channel is required in [ccm] or in every route.
func (s *section) requireChannelID(ccm CCM, noRoutes bool, lacking string) {
	if ccm.ChannelID != "" || (!noRoutes && lacking == "") {
		return
	}
	at := (&section{decoder: s.decoder, path: "ccm"}).at("channel_id")
	if slices.ContainsFunc(s.faults, func(f Fault) bool { return f.Key == at.path && !f.Warning }) {
		return // it is there, and wrong
	}
	text := "is missing"
	if lacking != "" {
		text += ", and " + lacking + " has none of its own"
	}
	s.fault(at, text, "the configuration id of the centre's web channel, here or in every route")
}

// checkServed warns of an adapter that no route uses, and requires the guilds of
// a Discord adapter that serves more than direct messages.
func (s *section) checkServed(a Adapter, routes []Route) {
	own := &section{decoder: s.decoder, path: keyPath("adapters", a.Name)}
	used, beyondDM := false, false
	for _, r := range routes {
		if r.Adapter == a.Name {
			used = true
			beyondDM = beyondDM || slices.ContainsFunc(r.Channels, func(c string) bool { return c != "dm" })
		}
	}
	if !used {
		s.warn(own.here(), "no route uses this adapter, so it carries nothing", `[[routes]] with adapter = "`+a.Name+`"`)
	}
	if a.Discord == nil || !beyondDM || len(a.Discord.Guilds) > 0 {
		return
	}
	at := own.at("guilds")
	if slices.ContainsFunc(s.faults, func(f Fault) bool { return strings.HasPrefix(f.Key, at.path) }) {
		return // they are there, and wrong
	}
	s.fault(at, "is missing or empty", `the ids of the servers the bot serves, such as guilds = ["1100000000000000001"]`)
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// coverage knows which route takes a channel, by adapter and channel.
type coverage map[[2]string]string

// add warns of the channels that an earlier route, or an earlier item, takes already.
func (c coverage) add(s *section, adapter string, channels []item) {
	if adapter == "" {
		return
	}
	self := fmt.Sprintf("%s (line %d)", s.path, s.here().line)
	taken := 0
	var warnings []Fault
	for _, ch := range channels {
		by := c[[2]string{adapter, ch.value}]
		if by == "" && ch.value != "dm" {
			by = c[[2]string{adapter, "*"}]
		}
		if by == "" {
			c[[2]string{adapter, ch.value}] = self
			continue
		}
		taken++
		text := "can never match: " + by + " comes first and takes it"
		if by == self {
			text = `is included in the "*" before it`
		}
		warnings = append(warnings, Fault{File: s.file, Line: ch.line, Key: ch.path, Text: text, Write: "it once, the narrower route first", Warning: true})
	}
	if taken > 0 && taken == len(channels) {
		s.warn(s.here(), "this route can never match: earlier ones take all its channels", "the narrower route first")
		return
	}
	s.faults = append(s.faults, warnings...)
}

// idForms are the checks for the ids of one platform.
type idForms struct{ channel, staff check }

var (
	slackChannel = regexp.MustCompile(`^[CG][A-Z0-9]{1,20}$`)
	slackDM      = regexp.MustCompile(`^D[A-Z0-9]{1,20}$`)
	slackUser    = regexp.MustCompile(`^[UW][A-Z0-9]{1,20}$`)
	allDigits    = regexp.MustCompile(`^[0-9]+$`)
)

// idsOf returns the forms of the platform of the named adapter; where that is
// not known, everything is accepted.
func idsOf(name string, adapters []Adapter) idForms {
	i := slices.IndexFunc(adapters, func(a Adapter) bool { return a.Name == name })
	switch {
	case i >= 0 && adapters[i].Slack != nil:
		return idForms{isSlackChannel, matches(slackUser,
			problem{text: "is no Slack user id", write: "an id (U… or W…, from the person's profile: Copy member ID); groups cannot be staff"})}
	case i >= 0 && adapters[i].Discord != nil:
		return idForms{isDiscordChannel, isDiscordStaff}
	default:
		anything := func(string) *problem { return nil }
		return idForms{anything, anything}
	}
}

func isSlackChannel(value string) *problem {
	switch {
	case value == "dm", value == "*", slackChannel.MatchString(value):
		return nil
	case slackDM.MatchString(value):
		return &problem{text: "is the id of a direct message", write: `"dm", which means all of them`}
	default:
		return &problem{text: "is no Slack channel id", write: `an id (C… or G…, at the bottom of the channel's details), "dm" or "*"`}
	}
}

func isDiscordChannel(value string) *problem {
	if value == "dm" || value == "*" {
		return nil
	}
	return isSnowflake(value)
}

func isDiscordStaff(value string) *problem {
	id, _ := strings.CutPrefix(value, "role:")
	if p := isSnowflake(id); p != nil {
		p.write += `, or "role:ID"`
		return p
	}
	return nil
}

// isSnowflake accepts a Discord id: a positive 64-bit number.
func isSnowflake(value string) *problem {
	const write = "an id (17 to 19 digits: Developer Mode on, right click, Copy ID)"
	n, err := strconv.ParseUint(value, 10, 63)
	switch {
	case err != nil || n == 0 || !allDigits.MatchString(value):
		return &problem{text: "is no Discord id", write: write}
	case len(value) < 17:
		return &problem{"is shorter than any Discord id", write, true}
	}
	return nil
}
