package discordsim

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	chatCommand      = 1
	messageCommand   = 3
	createsPerDay    = 200
	maxCommandLength = 8000
)

var (
	commandName = regexp.MustCompile(`^[-_'\p{L}\p{N}\p{Devanagari}\p{Thai}]{1,32}$`)
	perScope    = map[int]int{1: 100, 2: 15, 3: 15} // chat input, user, message
)

type commandRequest struct {
	Type        *int            `json:"type"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Options     []commandOption `json:"options"`
	Contexts    *[]int          `json:"contexts"`
	Permissions *string         `json:"default_member_permissions"`
}

type commandOption struct {
	Type        int               `json:"type"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Required    bool              `json:"required"`
	Choices     []json.RawMessage `json:"choices"`
}

func (q *commandRequest) kind() int {
	if q.Type == nil {
		return chatCommand
	}
	return *q.Type
}

func (q *commandRequest) check(at string) *apiError {
	n := utf8.RuneCountInString(q.Name)
	switch {
	case perScope[q.kind()] == 0:
		return invalid(at+".type", "BASE_TYPE_CHOICES", "Value must be one of (1, 2, 3).")
	case q.kind() != chatCommand && (n < 1 || n > 32):
		return invalid(at+".name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 32 in length.")
	case q.kind() != chatCommand && (q.Description != "" || len(q.Options) > 0):
		return invalid(at+".description", "APPLICATION_COMMAND_INVALID", "Context menu commands cannot have description or options")
	case q.kind() != chatCommand:
		return nil
	case !commandName.MatchString(q.Name) || q.Name != strings.ToLower(q.Name):
		return invalid(at+".name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
	case !between(q.Description, 1, 100):
		return invalid(at+".description", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
	case len(q.Options) > maxOptions:
		return invalid(at+".options", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
	}
	total, optional, names := n+utf8.RuneCountInString(q.Description), false, map[string]bool{}
	for i, o := range q.Options {
		path := fmt.Sprintf("%s.options.%d", at, i)
		switch {
		case o.Type < 1 || o.Type > 11:
			return invalid(path+".type", "BASE_TYPE_CHOICES", "Value must be between 1 and 11.")
		case !commandName.MatchString(o.Name) || o.Name != strings.ToLower(o.Name) || names[o.Name]:
			return invalid(path+".name", "APPLICATION_COMMAND_OPTIONS_NAME_INVALID", "Option name is invalid or used twice")
		case !between(o.Description, 1, 100):
			return invalid(path+".description", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
		case len(o.Choices) > maxOptions:
			return invalid(path+".choices", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
		case o.Required && optional:
			return invalid(path, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options must be placed before non-required options")
		}
		optional = optional || !o.Required
		names[o.Name] = true
		total += utf8.RuneCountInString(o.Name) + utf8.RuneCountInString(o.Description)
	}
	if total > maxCommandLength {
		return invalid(at, "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)")
	}
	return nil
}

func between(text string, low, high int) bool {
	n := utf8.RuneCountInString(text)
	return n >= low && n <= high
}

func (s *Sim) commandScope(c *call) (string, *apiError) {
	guildID := c.PathValue("guild")
	if c.PathValue("app") != s.cfg.AppID {
		return "", refuse(403, 20012, "You are not authorized to perform this action on this application")
	}
	if g := s.guilds[guildID]; guildID != "" && (g == nil || g.absent) {
		return "", errMissingAccess
	} else if guildID != "" && g.noCommands {
		return "", errMissingAccess
	}
	return guildID, nil
}

func (s *Sim) getCommands(c *call) (int, any, *apiError) {
	scope, refusal := s.commandScope(c)
	if refusal != nil {
		return 0, nil, refusal
	}
	return 200, append([]object{}, s.commands[scope]...), nil
}

// putCommands replaces all commands of a scope: of a guild, or the global ones.
func (s *Sim) putCommands(c *call) (int, any, *apiError) {
	scope, refusal := s.commandScope(c)
	if refusal != nil {
		return 0, nil, refusal
	}
	var raw []object
	var list []commandRequest
	if refusal := c.decode(&raw); refusal != nil {
		return 0, nil, refusal
	}
	if refusal := c.decode(&list); refusal != nil {
		return 0, nil, refusal
	}
	count, fresh := map[int]int{}, 0
	for i := range list {
		q := &list[i]
		if refusal := q.check(fmt.Sprint(i)); refusal != nil {
			return 0, nil, refusal
		}
		if count[q.kind()]++; count[q.kind()] > perScope[q.kind()] {
			return 0, nil, refuse(400, 30032, "Maximum number of application commands reached")
		}
		if slices.ContainsFunc(list[:i], func(p commandRequest) bool { return p.Name == q.Name && p.kind() == q.kind() }) {
			return 0, nil, invalid(fmt.Sprintf("%d.name", i), "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
		}
		if s.command(scope, q.Name, q.kind()) == nil {
			fresh++
		}
		if scope != "" && s.command("", q.Name, q.kind()) != nil {
			s.violate("command %q is both global and of guild %s: people see it twice", q.Name, scope)
		}
	}
	if s.created[scope]+fresh > createsPerDay {
		return 0, nil, refuse(400, 30034, "Max number of daily application command creates has been reached (200)")
	}
	s.created[scope] += fresh
	out := make([]object, 0, len(list))
	for i := range list {
		out = append(out, s.storedCommand(scope, &list[i], raw[i]))
	}
	s.commands[scope] = out
	s.changedLocked()
	return 200, out, nil
}

func (s *Sim) storedCommand(scope string, q *commandRequest, sent object) object {
	o := object{}
	for k, v := range sent {
		o[k] = v
	}
	id := format(s.newID())
	if old := s.command(scope, q.Name, q.kind()); old != nil {
		id, _ = old["id"].(string)
	}
	o["id"], o["application_id"], o["version"], o["type"] = id, s.cfg.AppID, format(s.newID()), q.kind()
	o["description"], o["default_member_permissions"], o["nsfw"] = q.Description, nil, false
	if q.Permissions != nil {
		o["default_member_permissions"] = *q.Permissions
	}
	if scope != "" {
		o["guild_id"] = scope
	}
	return o
}

// command finds a command of a scope, nil if there is none.
func (s *Sim) command(scope, name string, kind int) object {
	for _, o := range s.commands[scope] {
		if o["name"] == name && o["type"] == kind {
			return o
		}
	}
	return nil
}

// usable finds the command a person can use in a channel.
func (s *Sim) usable(ch *channel, name string, kind int) (object, error) {
	if ch.guild != "" {
		if o := s.command(ch.guild, name, kind); o != nil {
			return o, nil
		}
	}
	o := s.command("", name, kind)
	if o == nil {
		return nil, fmt.Errorf("no command %q here", name)
	}
	place := float64(0)
	if ch.kind == dmChannel {
		place = 1
	}
	if contexts, ok := o["contexts"].([]any); ok && !slices.Contains(contexts, any(place)) {
		return nil, fmt.Errorf("command %q is not for this place", name)
	}
	return o, nil
}
