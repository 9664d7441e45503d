package ccm

import (
	"regexp"
	"strings"
)

// Visitor is whom the centre knows a session by.
type Visitor struct {
	UserID    string // 1 to 24 characters [A-Za-z0-9_-] (applyToken would allow 32, send does not)
	UserName  string // shown to the agent; "" means UserID, what exceeds 64 characters is cut
	ChannelID string // configuration id of the web channel
	Locale    string // language, "en" if empty; a country after it is left out
}

// maxName bounds display names; the service documents no limit.
const maxName = 64

var userIDForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,24}$`)

func (v Visitor) check(op string) error {
	switch {
	case !userIDForm.MatchString(v.UserID):
		return invalid(op, "visitor's user id must be 1 to 24 letters, digits, '_' or '-'")
	case v.ChannelID == "":
		return invalid(op, "visitor's channel id is empty")
	}
	return nil
}

func (v Visitor) name() string {
	if name := displayName(v.UserName); name != "" {
		return name
	}
	return v.UserID
}

// language is the locale without its country: editions of the API differ on whether one is allowed.
func (v Visitor) language() string {
	language, _, _ := strings.Cut(strings.ReplaceAll(v.Locale, "-", "_"), "_")
	if language == "" {
		return "en"
	}
	return language
}

// displayName makes a name valid and cuts it to its limit.
func displayName(name string) string {
	runes := []rune(strings.TrimSpace(strings.ToValidUTF8(name, "\uFFFD")))
	return string(runes[:min(len(runes), maxName)])
}
