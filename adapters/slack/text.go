package slack

import (
	"cmp"
	"strings"
)

// unescaper undoes Slack's escaping in one pass, so that "&amp;lt;" stays "&lt;".
var unescaper = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// resolver turns the ids in a message into names; an empty answer means unknown.
type resolver struct {
	self    string // our own user id
	user    func(id string) string
	channel func(id string) string
}

// plain resolves Slack's markup in an incoming text (Slack: formatting, "Retrieving messages"): references become
// names, links become "label (url)", entities characters. Our own mention is taken out and reported.
func (r resolver) plain(text string) (body string, mention bool) {
	var b strings.Builder
	for text != "" {
		open := strings.IndexByte(text, '<')
		if open < 0 {
			break
		}
		end := strings.IndexByte(text[open:], '>')
		if end < 0 {
			break
		}
		b.WriteString(unescaper.Replace(text[:open]))
		ref := text[open+1 : open+end]
		text = text[open+end+1:]
		if r.isSelf(ref) {
			mention = true
			text = closeUp(b.String(), text)
			continue
		}
		b.WriteString(r.reference(ref))
	}
	b.WriteString(unescaper.Replace(text))
	return strings.TrimSpace(b.String()), mention
}

// isSelf reports whether a reference (without its brackets) is the bot.
func (r resolver) isSelf(ref string) bool {
	id, _, _ := strings.Cut(ref, "|")
	return r.self != "" && id == "@"+r.self
}

// closeUp is the rest after our mention was taken out: "a <@bot> b" becomes "a b", "<@bot>: agent" becomes "agent".
func closeUp(before, rest string) string {
	if strings.TrimSpace(before) == "" {
		return strings.TrimLeft(rest, ":, ")
	}
	if strings.HasSuffix(before, " ") || strings.HasSuffix(before, "\n") {
		return strings.TrimLeft(rest, " ")
	}
	return rest
}

// reference resolves what stands between < and >.
func (r resolver) reference(ref string) string {
	target, label, _ := strings.Cut(ref, "|")
	target, label = unescaper.Replace(target), unescaper.Replace(label)
	switch {
	case strings.HasPrefix(target, "@"):
		return "@" + cmp.Or(r.user(target[1:]), label, target[1:])
	case strings.HasPrefix(target, "#"):
		if label == "" {
			label = r.channel(target[1:])
		}
		return "#" + cmp.Or(label, target[1:])
	case strings.HasPrefix(target, "!"):
		// <!here>, <!subteam^S1|@helpers>, <!date^…|fallback>
		name, _, _ := strings.Cut(target[1:], "^")
		return cmp.Or(label, "@"+name)
	}
	return link(target, label)
}

// link is an address as text. Slack makes links of bare names and addresses too: there the label says it all.
func link(target, label string) string {
	bare := target
	for _, scheme := range []string{"http://", "https://", "mailto:", "tel:"} {
		bare = strings.TrimPrefix(bare, scheme)
	}
	switch label {
	case "", target:
		if strings.HasPrefix(target, "mailto:") || strings.HasPrefix(target, "tel:") {
			return bare
		}
		return target
	case bare, strings.TrimSuffix(bare, "/"):
		return label
	}
	return label + " (" + target + ")"
}
