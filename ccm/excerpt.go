package ccm

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxExcerpt is how many characters of a server's words an error keeps.
const maxExcerpt = 160

var (
	markup    = regexp.MustCompile(`(?s)<(script|style)\b.*?</(script|style)>|<[^>]*>`)
	codeForm  = regexp.MustCompile(`^([A-Z]{1,8}[._-])?-?[0-9]{1,12}$`) // "13", "APIG.0301"
	tokenLike = regexp.MustCompile(`[A-Za-z0-9_+/=.%~-]{20,}`)
)

// documented are the server's phrases that tell something and are known to quote nobody (cec_05_2030, cec_05_1003).
var documented = []string{
	"sendUserMessage failed",
	descKeepTouchFailed,
	descAlreadyWithAgent,
	"none channel config found",
	"no connection to CCUCS",
	"No ccucs address available!",
	"fail to initialize robot",
	"Failed to disconnect robot",
	"The current time is not within the working time of the service agents",
	"auth fail! illegal or expired token info",
}

// documentedPhrase returns the documented phrase that a server's words contain, or "".
func documentedPhrase(words string) string {
	words = strings.ToLower(words)
	for _, phrase := range documented {
		if strings.Contains(words, strings.ToLower(phrase)) {
			return phrase
		}
	}
	return ""
}

// excerpt makes a server's words fit for an error: one short line without markup, without the given secrets and
// without anything that looks like a token.
func excerpt(words string, secrets ...string) string {
	for _, secret := range secrets {
		if secret != "" {
			words = strings.ReplaceAll(words, secret, "[…]")
		}
	}
	if len(words) > 16*maxExcerpt {
		words = words[:16*maxExcerpt]
	}
	words = markup.ReplaceAllString(strings.ToValidUTF8(words, ""), " ")
	words = tokenLike.ReplaceAllString(words, "[…]")
	words = strings.Join(strings.FieldsFunc(words, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if utf8.RuneCountInString(words) > maxExcerpt {
		words = string([]rune(words)[:maxExcerpt]) + "…"
	}
	return words
}

// cleanCode keeps a result code only if it looks like one: it comes from outside and goes into logs.
func cleanCode(code text) string {
	c := strings.TrimSpace(string(code))
	if c != "" && !codeForm.MatchString(c) {
		return "unreadable"
	}
	return c
}
