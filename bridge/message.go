package bridge

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"ccbridge/ccm"
)

// The id types. Each is made in one place only; nobody parses another's.
type (
	// EventID is the same over every redelivery of the same event and unique within the store.
	EventID string
	// DeliveryID is 24 characters of [a-z2-7]: fits the centre's messageId, Discord's nonce, Slack's metadata.
	DeliveryID string
	// RemoteID is a platform's own id of a message (Slack ts, Discord snowflake).
	RemoteID string
	// UserID is a platform's own id of a person.
	UserID string
	// ThreadID is the hash of a ThreadKey: 24 characters of [a-z2-7].
	ThreadID string
)

// Parts is how many parts threads are shared out among. It leads every key of the store.
const Parts = 256

// ThreadKey names the place of one conversation.
type ThreadKey struct {
	Adapter string `json:"adapter"`        // configured name
	Space   string `json:"space"`          // Slack team, Discord guild; "" for a Discord direct message
	Channel string `json:"channel"`        // Discord: the parent channel of a thread
	Root    string `json:"root,omitempty"` // Slack: ts of the root; Discord: id of the thread; "" for a direct-message channel
}

// ID hashes the key.
func (k ThreadKey) ID() ThreadID {
	return ThreadID(hash24("thread", k.Adapter, k.Space, k.Channel, k.Root))
}

// Part says which part the thread belongs to. Threads that share a platform's limit (one channel) share a part.
func (k ThreadKey) Part() int {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s\x00%s\x00%s", k.Adapter, k.Space, k.Channel)
	return int(h.Sum32() % Parts)
}

func (k ThreadKey) String() string {
	return strings.Join([]string{k.Adapter, k.Space, k.Channel, k.Root}, "/")
}

var lowerBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567")

// hash24 is the first 120 bits of a SHA-256 over the parts, as 24 characters of [a-z2-7].
func hash24(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return lowerBase32.EncodeToString(h.Sum(nil)[:15])
}

// Event is anything that comes in. Exactly one of the pointers is set.
type Event struct {
	ID     EventID   `json:"id"`
	Thread ThreadKey `json:"thread"`
	// Order merges catch-up with live events of one thread: compared as a string, so adapters pad numbers. "" for
	// what does not come from a platform.
	Order string `json:"order,omitempty"`
	// At is the platform's (or the centre's) time.
	At time.Time `json:"at"`
	// Received is when this process stored it; set by the inbox.
	Received time.Time `json:"received"`

	Text     *Text         `json:"text,omitempty"`
	Verb     *Verb         `json:"verb,omitempty"`
	Gone     *Gone         `json:"gone,omitempty"`
	Downlink *ccm.Downlink `json:"downlink,omitempty"`
	Result   *Result       `json:"result,omitempty"`
	Due      *TimerKind    `json:"due,omitempty"`
}

// User is a person on a platform.
type User struct {
	ID   UserID `json:"id"`
	Name string `json:"name,omitempty"`
	// Roles are the person's roles in the space ("role:ID" in a route's staff), where the platform has them.
	Roles []string `json:"roles,omitempty"`
}

// label is what the centre is told the person is called: one line, so that a name cannot pass for somebody's words.
func (u User) label() string {
	name := []rune(strings.Join(strings.Fields(u.Name), " "))
	if len(name) == 0 {
		name = []rune(string(u.ID))
	}
	return string(name[:min(len(name), 64)])
}

// Text is what a person wrote, changed or took back.
type Text struct {
	Author  User     `json:"author"`
	Message RemoteID `json:"message"` // the message's own id; of an edit or a deletion: of the message it is about
	// Body is plain text: the platform's markup resolved, the bot's own mention removed.
	Body string `json:"body,omitempty"`
	// Mention: the bot was addressed. TopLevel: the message begins a thread (or is one, in a direct-message channel).
	Mention  bool `json:"mention,omitempty"`
	TopLevel bool `json:"top,omitempty"`
	// Direct: the channel is a direct-message channel with the bot.
	Direct bool `json:"direct,omitempty"`
	// Make: the thread has to be made on the platform before anything is posted to it (Discord: from this message).
	Make bool `json:"make,omitempty"`
	// Edited: Body is the new text of Message. Deleted: Message was taken back.
	Edited  bool     `json:"edited,omitempty"`
	Deleted bool     `json:"deleted,omitempty"`
	Files   []string `json:"files,omitempty"` // names of what came with it and is not carried
}

// VerbKind is what a person asks of the bridge itself.
type VerbKind string

// The verbs. Buttons carry them as "ccb:" + kind, then ":" + Ref where there is one.
const (
	VerbAgent  VerbKind = "agent"  // talk to a human
	VerbEnd    VerbKind = "end"    // end the session
	VerbAgain  VerbKind = "again"  // open a new session, with the text that waits
	VerbResend VerbKind = "resend" // send a dead letter again
	VerbRobot  VerbKind = "robot"  // say the held text to the robot instead
	VerbDrop   VerbKind = "drop"   // forget the held text
)

// Verb is one request by a person, whichever way it came.
type Verb struct {
	Kind VerbKind `json:"kind"`
	By   User     `json:"by"`
	// Ref is what a button carried: which dead letter or which question it belongs to.
	Ref string `json:"ref,omitempty"`
	// Answer is where a private answer goes; nil: the thread's notices are answer enough.
	Answer *Answer `json:"answer,omitempty"`
	// Direct: asked in a direct-message channel. Opens: may make the thread's row (a mention in a channel).
	Direct bool `json:"direct,omitempty"`
	Opens  bool `json:"opens,omitempty"`
	// Make as in Text.
	Make bool `json:"make,omitempty"`
	// Message is the message a mention was in, if it was one.
	Message RemoteID `json:"message,omitempty"`
	// Operator: asked on the console, by nobody in the thread. Letter is what VerbResend sends then, if the session does
	// not have it.
	Operator bool        `json:"operator,omitempty"`
	Letter   *DeadLetter `json:"letter,omitempty"`
}

// Answer is the adapter's own address of a private answer (Slack: response_url, Discord: interaction token).
type Answer struct {
	Address json.RawMessage `json:"address"` // opaque to the core; a secret
	Until   time.Time       `json:"until"`   // after this it is of no use
}

// Gone tells that a place is no more.
type Gone struct {
	// What is "thread", "channel" or "installation". For the last two the inbox is called once per open thread.
	What string `json:"what"`
}

// Message is something to show in a thread, before the adapter gave it a form.
type Message struct {
	Kind    MessageKind `json:"kind"`
	Text    string      `json:"text"`              // plain text; the adapter escapes it
	Speaker string      `json:"speaker,omitempty"` // name of the robot (only when marked) or the agent
	Buttons []Button    `json:"buttons,omitempty"`
	Thread  ThreadKey   `json:"thread"`
	// Answer is set for MessageAnswer only.
	Answer *Answer `json:"answer,omitempty"`
	// Origin is the message a thread is made from (MessageMake).
	Origin RemoteID `json:"origin,omitempty"`
}

// MessageKind says how a message is shown.
type MessageKind string

// The kinds.
const (
	MessageMake   MessageKind = "make"   // make the thread itself, named by Text; platforms without the need render nothing
	MessageRobot  MessageKind = "robot"  // the robot's words, Speaker set when they must be marked
	MessageAgent  MessageKind = "agent"  // the agent's words under Speaker
	MessageSystem MessageKind = "system" // the centre's own texts
	MessageNotice MessageKind = "notice" // the bridge's own line
	MessageAnswer MessageKind = "answer" // private answer to a verb
)

// Button is one button under a notice. Its action id is "ccb:" + Verb (+ ":" + Ref).
type Button struct {
	Verb  VerbKind `json:"verb"`
	Ref   string   `json:"ref,omitempty"`
	Label string   `json:"label"`
}

// Action is the id a button travels with: Slack action_id, Discord custom_id.
func (b Button) Action() string {
	if b.Ref == "" {
		return "ccb:" + string(b.Verb)
	}
	return "ccb:" + string(b.Verb) + ":" + b.Ref
}

// ParseAction takes a button's id apart; false if it is none of ours.
func ParseAction(action string) (kind VerbKind, ref string, ok bool) {
	rest, ok := strings.CutPrefix(action, "ccb:")
	if !ok {
		return "", "", false
	}
	name, ref, _ := strings.Cut(rest, ":")
	switch k := VerbKind(name); k {
	case VerbAgent, VerbEnd, VerbAgain, VerbResend, VerbRobot, VerbDrop:
		return k, ref, true
	}
	return "", "", false
}

// Post is one call to a platform, made by Render and understood by the same adapter's Send and Find.
type Post struct {
	Body json.RawMessage `json:"body"`
}

// Target says where a delivery goes: ToCentre, ToThread or ToPerson. Deliveries of a thread to the same target go out in order.
type Target string

// The targets.
const (
	ToCentre Target = "centre"
	ToThread Target = "thread" // posts, seen by all in the thread
	ToPerson Target = "person" // private answers to a verb
)

// Delivery is one call that goes out.
type Delivery struct {
	ID     DeliveryID `json:"id"`
	Thread ThreadKey  `json:"thread"`
	// Seq orders the deliveries of a thread; given by the store.
	Seq  int64  `json:"-"`
	To   Target `json:"to"`
	Call *Call  `json:"call,omitempty"` // ToCentre
	Post *Post  `json:"post,omitempty"` // ToThread, ToPerson
	// Message is what Post was made of; Piece counts the posts of one message from 0.
	Message *Message `json:"message,omitempty"`
	Piece   int      `json:"piece,omitempty"`
	// Cause leads back to what it carries or answers: the platform's id of the message whose text it is, else the id of
	// the event that made it; "" if a timer did.
	Cause string `json:"cause,omitempty"`
	// Session is the number of the session it belongs to.
	Session int       `json:"session"`
	Made    time.Time `json:"made"`
	// GiveUp is when trying ends; zero: never.
	GiveUp time.Time `json:"give_up,omitzero"`
	// Shadow: it is not made, but settled as if it had been (shadow.go).
	Shadow bool `json:"shadow,omitempty"`

	// Kept by the store beside the body.
	Tries     int       `json:"-"` // intents stored so far
	Deadline  time.Time `json:"-"` // of the intent that stands; zero: none stands, nothing is in doubt
	NotBefore time.Time `json:"-"`
	Repeats   int       `json:"-"` // how often it was begun again while in doubt

	// Last, for Find, is the newest post settled before in the thread: d cannot stand before it. "" if there is none.
	Last RemoteID `json:"-"`
}

// CallKind is what is asked of the centre.
type CallKind string

// The calls. CallQueue only asks.
const (
	CallConnect    CallKind = "CONNECT"
	CallChat       CallKind = "CHAT"
	CallTransfer   CallKind = "TRANS2AGENT"
	CallDisconnect CallKind = "DISCONNECT"
	CallQueue      CallKind = "queue"
)

// ContentSum tells a text to the centre from others, also where the text itself is not kept.
func ContentSum(content string) string {
	h := sha256.Sum256([]byte(content))
	return hex.EncodeToString(h[:12])
}

// Call is one call to the centre.
type Call struct {
	Kind    CallKind    `json:"kind"`
	Visitor ccm.Visitor `json:"visitor"`
	Content string      `json:"content,omitempty"`
}

// Outcome is how a delivery ended.
type Outcome string

// The outcomes.
const (
	Delivered Outcome = "delivered"
	Refused   Outcome = "refused" // a clear no: repeating is of no use
	GivenUp   Outcome = "given-up"
	Unknown   Outcome = "unknown"  // in doubt for good: the customer is asked (on_unknown = "ask")
	Shadowed  Outcome = "shadowed" // not made, because its session is a shadow; its session is told that it was delivered
)

// Result is the end of a delivery, as the session sees it.
type Result struct {
	Delivery DeliveryID `json:"delivery"`
	Target   Target     `json:"target"`
	Call     CallKind   `json:"call,omitempty"`
	Outcome  Outcome    `json:"outcome"`
	// Code steers the session: one of the Code… constants or "".
	Code string `json:"code,omitempty"`
	// Detail is the outside's own code, for the log and the operator.
	Detail string `json:"detail,omitempty"`
	// Message is the kind of a post that ended.
	Message MessageKind `json:"message,omitempty"`
	// Queue is the answer to CallQueue.
	Queue *ccm.QueueInfo `json:"queue,omitempty"`
	// Repeated: it may have been done twice.
	Repeated bool `json:"repeated,omitempty"`
}

// What a refusal means to the session.
const (
	CodeOutsideHours = "outside-hours" // the centre's 12
	CodeNobody       = "nobody"        // the centre's 13 and CCUCS codes
	CodeAlready      = "already"       // TRANS2AGENT: it is with an agent
	CodeSuspect      = "suspect"       // CHAT refused: perhaps the session is gone, ask
	CodeLost         = "lost"          // the session is gone for certain
	CodeThreadGone   = "thread-gone"   // the platform's thread or channel is no more
	CodeNotShown     = "not-shown"     // this post is refused for what it is; others may go
)

// comparePosition orders events of one thread by the platform's order, then by arrival.
func comparePosition(a, b Event) int {
	return cmp.Or(strings.Compare(a.Order, b.Order), a.Received.Compare(b.Received))
}
