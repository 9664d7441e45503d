package ccm

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxContent is the most content of one SendRequest, in bytes of UTF-8. The service documents "1 KB".
const MaxContent = 1024

// ControlType is what a message does.
type ControlType string

const (
	Connect         ControlType = "CONNECT"     // up: open a session; the channel decides whether with a robot or an agent
	Chat            ControlType = "CHAT"        // both ways: words
	TransferToAgent ControlType = "TRANS2AGENT" // up: from the robot to an agent
	Disconnect      ControlType = "DISCONNECT"  // both ways: the session's end
	Input           ControlType = "INPUT"       // up: the visitor is typing
	Read            ControlType = "READ"        // both ways: messages were read
)

// SendRequest is one message to the centre.
type SendRequest struct {
	Control   ControlType
	Content   string    // at most MaxContent bytes; may be empty but for Chat
	MessageID string    // at most 32 characters, no comma; made up if empty
	Nickname  string    // the writer; "" means the visitor's UserName
	At        time.Time // when it was written; zero means now
}

// maxMessageID: cec_07_0105.
const maxMessageID = 32

type sendBody struct {
	Channel        string      `json:"channel"`
	ControlType    ControlType `json:"controlType"`
	MediaType      string      `json:"mediaType"`
	SourceType     string      `json:"sourceType"`
	From           string      `json:"from"`
	To             string      `json:"to"`
	Content        string      `json:"content"`
	SenderNickname string      `json:"senderNickname,omitempty"`
	MessageID      string      `json:"messageId"`
	Timestamp      string      `json:"timestamp"`
}

// Send carries one message to the centre (send, cec_07_0105). It succeeds only if the centre says so. It is never sent
// twice; after an error that is InDoubt, History or QueueInfo can tell what came of it.
func (c *Client) Send(ctx context.Context, v Visitor, s SendRequest) error {
	op := sendOp(s.Control)
	if err := v.check(op); err != nil {
		return err
	}
	s.Content = strings.ToValidUTF8(s.Content, "\uFFFD")
	if err := s.check(op); err != nil {
		return err
	}
	if s.At.IsZero() {
		s.At = time.Now()
	}
	body, err := json.Marshal(sendBody{
		Channel: channelWeb, ControlType: s.Control, MediaType: "TEXT", SourceType: "CUSTOMER",
		From: v.UserID, To: v.ChannelID, Content: s.Content,
		SenderNickname: displayName(cmp.Or(s.Nickname, v.UserName)),
		MessageID:      cmp.Or(s.MessageID, rand.Text()),
		Timestamp:      strconv.FormatInt(s.At.UnixMilli(), 10),
	})
	if err != nil {
		return invalid(op, "cannot be written as JSON")
	}
	r := request{op: op, call: "send", url: c.config.BaseURL + messagingPath + "send", body: body,
		timeout: c.config.CallTimeout, words: s.Content != ""}
	a, err := c.callVisitor(ctx, v, r)
	if err != nil {
		return err
	}
	var res result
	if decode(a.body, &res) != nil {
		return unclear(op, errUndecodable.Error())
	}
	switch res.code() {
	case codeOK:
		return nil
	case "":
		return unclear(op, "answer has no resultCode")
	default:
		return refusal(r, a, res)
	}
}

func sendOp(control ControlType) string { return "send " + string(control) }

func (s SendRequest) check(op string) error {
	switch {
	case s.Control == "":
		return invalid("send", "control type is empty")
	case len(s.Content) > MaxContent:
		return invalid(op, "content has %d bytes, at most %d are allowed", len(s.Content), MaxContent)
	case utf8.RuneCountInString(s.MessageID) > maxMessageID || strings.Contains(s.MessageID, ","):
		return invalid(op, "message id must have at most %d characters and no comma", maxMessageID)
	}
	return nil
}

// Split cuts text into pieces that fit into one SendRequest each, at the end of a line or word where there is one in
// the last quarter, and never inside a character. Together the pieces are the text, but for invalid UTF-8, which is
// replaced.
func Split(text string) []string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	var pieces []string
	for len(text) > MaxContent {
		cut := breakPoint(text[:MaxContent+1])
		pieces = append(pieces, text[:cut])
		text = text[cut:]
	}
	if text != "" {
		pieces = append(pieces, text)
	}
	return pieces
}

// breakPoint finds where to cut a window one byte longer than a piece may be.
func breakPoint(window string) int {
	end := len(window) - 1
	for !utf8.RuneStart(window[end]) {
		end--
	}
	const quarter = MaxContent / 4
	for _, separators := range []string{"\n", " \t"} {
		if i := strings.LastIndexAny(window[:end], separators); i >= MaxContent-quarter {
			return i + 1
		}
	}
	return end
}
