package bridge

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"ccbridge/ccm"
)

// play drives one session by words, as the scripts in testdata do, and writes down what comes of each. It checks after
// every step what must hold always.
type play struct {
	fail    func(format string, args ...any)
	s       Session
	env     Env
	at      time.Time // the platform's time of the next event
	events  int
	ids     map[DeliveryID]bool
	refs    []string // of letters and questions, in the order of appearance
	visitor map[string]int
	shadow  map[int]bool // session → whether it opened as a shadow
	lines   []string     // what came of the last command
}

var playStart = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func newPlay(fail func(format string, args ...any)) *play {
	p := &play{fail: fail, at: playStart, ids: map[DeliveryID]bool{}, visitor: map[string]int{}, shadow: map[int]bool{}}
	p.s.Thread = ThreadKey{Adapter: "acme", Space: "T1", Channel: "C1", Root: "1.0"}
	p.env = Env{
		Now:      playStart,
		Instance: "test",
		Route:    Route{Adapter: "acme", Channels: []string{"C1"}, Open: OpenMessage, Speakers: SpeakersCustomer, Reopen: ReopenAsk, Staff: []string{"staff"}, Channel: "9", Locale: "en"},
		Limits: Limits{OpenPerCustomer: 3, Idle: 30 * time.Minute, MaxWait: 15 * time.Minute, Dormant: 24 * time.Hour,
			CallTimeout: 10 * time.Second, GiveUp: time.Hour, Held: 5, Parts: 2},
		Render: func(m Message) []Post {
			body, _ := json.Marshal(m)
			return []Post{{Body: body}}
		},
	}
	return p
}

// fork gives a play that goes on from here by itself.
func (p *play) fork() *play {
	q := *p
	q.ids, q.visitor, q.refs, q.shadow = maps.Clone(p.ids), maps.Clone(p.visitor), slices.Clone(p.refs), maps.Clone(p.shadow)
	return &q
}

// event takes one event through Apply and writes down what it did.
func (p *play) event(ev Event) {
	p.events++
	if ev.ID == "" {
		ev.ID = EventID(fmt.Sprint("e", p.events))
	}
	ev.Thread = p.s.Thread
	if ev.Received.IsZero() {
		ev.Received = p.env.Now
	}
	if ev.At.IsZero() {
		ev.At = p.at
	}
	if ev.Order == "" && (ev.Text != nil || ev.Verb != nil) {
		ev.Order = fmt.Sprintf("%020d", ev.At.UnixNano())
	}
	before := encode(p.s)
	next, eff := p.s.Apply(ev, p.env)
	p.check(ev, before, next, eff)
	p.write(next, eff)
	p.s = next
	p.env.Now = p.env.Now.Add(time.Second)
	p.at = p.env.Now
}

func encode(s Session) string {
	b, err := json.Marshal(s)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// check is what must hold after every step, whatever came in.
func (p *play) check(ev Event, before string, next Session, eff Effects) {
	if after := encode(p.s); after != before {
		p.fail("Apply changed its input:\n%s\n%s", before, after)
	}
	again, eff2 := p.s.Apply(ev, p.env)
	if encode(again) != encode(next) || !reflect.DeepEqual(eff, eff2) {
		p.fail("Apply is not pure")
	}
	var back Session
	if err := json.Unmarshal([]byte(encode(next)), &back); err != nil || encode(back) != encode(next) {
		p.fail("JSON loses something: %v", err)
	}
	if next.No != p.s.No {
		p.shadow[next.No] = p.env.Route.Shadow
	}
	if next.State.Open() && next.Shadow != p.shadow[next.No] {
		p.fail("session %d became a shadow, or none, while it is open", next.No)
	}
	calls := 0
	for _, d := range eff.Deliveries {
		of := p.shadow[d.Session]
		if down := ev.Downlink; down != nil && down.Control != ccm.Disconnect && d.To == ToThread { // the centre speaks to no shadow
			if d.Shadow {
				p.fail("what the centre says is a shadow")
			}
			of = false
		}
		if d.Shadow != of && (d.To == ToCentre || p.s.State.Open() && next.State.Open() && next.No == p.s.No || d.Shadow != p.env.Route.Shadow) {
			p.fail("a delivery of session %d is a shadow: %v", d.Session, d.Shadow)
		}
		if p.ids[d.ID] {
			p.fail("delivery id %s twice", d.ID)
		}
		p.ids[d.ID] = true
		if !idForm.MatchString(string(d.ID)) {
			p.fail("delivery id %q", d.ID)
		}
		if d.To != ToCentre {
			continue
		}
		calls++
		if next.Undone == nil || next.Undone.ID != d.ID {
			p.fail("%s goes out but is not the undone call", d.Call.Kind)
		}
		if d.Session != next.No || d.Call.Visitor != next.Visitor {
			p.fail("%s goes out for another session", d.Call.Kind)
		}
	}
	still := p.s.Undone != nil && next.Undone != nil && p.s.Undone.ID == next.Undone.ID
	if calls > 1 || calls == 1 && still {
		p.fail("%d new calls, one undone before: %v", calls, still)
	}
	answers := 0
	for _, d := range eff.Deliveries {
		if d.To == ToPerson {
			answers++
		}
	}
	if want := ev.Verb != nil && ev.Verb.Answer != nil; want != (answers == 1) || answers > 1 {
		p.fail("%d private answers", answers)
	}
	if next.Asked != nil && next.wished() && next.State.Open() {
		p.fail("a question is open although the wish for an agent is on its way")
	}
	if next.Undone == nil && len(next.Held) > 0 {
		p.fail("%d wait in state %q although nothing is undone", len(next.Held), next.State)
	}
	if last, ok := p.visitor[next.Visitor.UserID]; ok && last != next.No {
		p.fail("the visitor of session %d came back in session %d", last, next.No)
	}
	p.visitor[next.Visitor.UserID] = next.No
}

// write puts the effects into words.
func (p *play) write(next Session, eff Effects) {
	say := func(format string, args ...any) { p.lines = append(p.lines, fmt.Sprintf(format, args...)) }
	for _, d := range eff.Deliveries {
		mark := ""
		if d.Shadow {
			mark = "shadow of "
		}
		switch {
		case d.Call != nil && d.Call.Content != "":
			say("%s%s %d: %s", mark, d.Call.Kind, d.Session, short(d.Call.Content))
		case d.Call != nil:
			say("%s%s %d", mark, d.Call.Kind, d.Session)
		default:
			say("%s%s", mark, p.shown(*d.Message))
		}
	}
	for _, d := range eff.Dead {
		say("dead letter (%s): %s", d.Reason, shortAll(d.Texts))
	}
	if eff.Note != "" {
		say("(%s)", eff.Note)
	}
	if next.State != p.s.State {
		say("= %s", next.State)
	}
}

func (p *play) shown(m Message) string {
	var b strings.Builder
	b.WriteString(string(m.Kind))
	if m.Speaker != "" {
		fmt.Fprintf(&b, " <%s>", m.Speaker)
	}
	fmt.Fprintf(&b, ": %s", short(m.Text))
	for _, button := range m.Buttons {
		if button.Ref == "" {
			fmt.Fprintf(&b, " [%s]", button.Verb)
			continue
		}
		if !slices.Contains(p.refs, button.Ref) {
			p.refs = append(p.refs, button.Ref)
		}
		fmt.Fprintf(&b, " [%s #%d]", button.Verb, slices.Index(p.refs, button.Ref)+1)
	}
	return b.String()
}

func short(text string) string {
	if r := []rune(text); len(r) > 150 {
		return fmt.Sprintf("%s… (%d bytes)", string(r[:20]), len(text))
	}
	return text
}

func shortAll(texts []string) string {
	list := make([]string, 0, len(texts))
	for _, t := range texts {
		list = append(list, short(t))
	}
	return strings.Join(list, " | ")
}

// do runs one command of a script. The commands are listed in testdata/README.
func (p *play) do(command string) {
	p.lines = nil
	head, rest, _ := strings.Cut(command, ": ")
	words := strings.Fields(strings.TrimSuffix(head, ":"))
	if rest == "LONG" {
		rest = strings.Repeat("words ", 500)
	}
	opt := options(words[1:])
	switch words[0] {
	case "text":
		p.text(opt, rest)
	case "verb":
		p.verb(words[1], opt)
	case "robot", "agent", "system", "disconnect", "read", "unreadable":
		p.downlink(words[0], opt, rest)
	case "ok", "refused", "given-up", "unknown", "past", "over", "queue":
		p.settle(words[0], words[1:])
	case "unshown":
		p.event(Event{Result: &Result{Delivery: "post", Target: ToThread, Outcome: Refused, Code: opt.value("code", CodeNotShown), Message: MessageKind(words[1])}})
	case "gone":
		p.event(Event{Gone: &Gone{What: "thread"}})
	case "ring":
		kind := TimerKind(words[1])
		if at, runs := p.s.Timers[kind]; runs && at.After(p.env.Now) {
			p.env.Now, p.at = at, at
		}
		p.event(Event{Due: &kind})
	case "set":
		p.set(words[1], words[2])
	case "wait":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			p.fail("%v", err)
		}
		p.env.Now = p.env.Now.Add(d)
		p.at = p.env.Now
	default:
		p.fail("unknown command %q", command)
	}
}

type playOptions []string

func options(words []string) playOptions { return words }

func (o playOptions) has(name string) bool { return slices.Contains(o, name) }

func (o playOptions) value(name, otherwise string) string {
	for _, w := range o {
		if v, ok := strings.CutPrefix(w, name+"="); ok {
			return v
		}
	}
	return otherwise
}

func (p *play) person(o playOptions) User {
	id := o.value("by", "ada")
	return User{ID: UserID(id), Name: strings.ToUpper(id[:1]) + id[1:]}
}

func (p *play) text(o playOptions, body string) {
	ev := Event{Text: &Text{Author: p.person(o), Message: RemoteID(o.value("msg", fmt.Sprint("m", p.events+1))), Body: body,
		TopLevel: p.s.State == StateNew && !o.has("reply"), Mention: o.has("mention"), Direct: o.has("direct"), Make: o.has("make"),
		Edited: o.has("edited"), Deleted: o.has("deleted")}}
	if o.has("nobody") {
		ev.Text.Author = User{}
	}
	if f := o.value("file", ""); f != "" {
		ev.Text.Files = []string{f}
	}
	if back := o.value("at", ""); back != "" {
		d, err := time.ParseDuration(back)
		if err != nil {
			p.fail("%v", err)
		}
		ev.At = p.env.Now.Add(d)
	}
	p.event(ev)
}

func (p *play) verb(kind string, o playOptions) {
	v := &Verb{Kind: VerbKind(kind), By: p.person(o), Opens: true, Make: o.has("make"), Direct: o.has("direct")}
	if !o.has("public") {
		v.Answer = &Answer{Address: json.RawMessage(`"there"`), Until: p.env.Now.Add(time.Hour)}
	}
	if n := 0; o.value("ref", "") != "" {
		if _, err := fmt.Sscanf(o.value("ref", ""), "#%d", &n); err == nil && n <= len(p.refs) {
			v.Ref = p.refs[n-1]
		} else {
			v.Ref = "stale"
		}
	}
	p.event(Event{Verb: v})
}

func (p *play) downlink(kind string, o playOptions, content string) {
	d := ccm.Downlink{Control: ccm.Chat, Media: "TEXT", Content: content, Nickname: o.value("name", "")}
	switch kind {
	case "robot", "agent", "system":
		d.Source = strings.ToUpper(kind)
	case "disconnect":
		d.Control, d.Source = ccm.Disconnect, strings.ToUpper(o.value("by", "system"))
	case "read":
		d.Control, d.Source = ccm.Read, "AGENT"
	case "unreadable":
		d = ccm.Downlink{}
	}
	d.Offline = o.has("offline")
	if o.has("queued") {
		d.QueueFlag = "Y"
	}
	if o.has("image") {
		d.Media = "IMAGE"
	}
	p.event(Event{Downlink: &d})
}

// settle ends the undone call.
func (p *play) settle(how string, words []string) {
	r := Result{Target: ToCentre}
	if p.s.Undone != nil {
		r.Delivery, r.Call = p.s.Undone.ID, p.s.Undone.Kind
	}
	ev := Event{Result: &r}
	switch how {
	case "ok":
		r.Outcome = Delivered
	case "refused":
		r.Outcome, r.Code = Refused, words[0]
	case "given-up":
		r.Outcome, r.Detail = GivenUp, "gave up"
	case "unknown":
		r.Outcome, r.Detail = Unknown, "in doubt"
	case "past":
		r.Delivery, r.Outcome = "long ago", Delivered
	case "queue":
		r.Outcome, r.Queue = Delivered, &ccm.QueueInfo{Code: words[0]}
	case "over":
		r = Result{Target: ToCentre, Call: CallQueue, Outcome: Delivered, Queue: &ccm.QueueInfo{Code: "5"}}
		ev.ID = overID(p.s.Visitor)
	}
	p.event(ev)
}

// set changes the route or what is known of the customer's other threads.
func (p *play) set(name, value string) {
	switch name {
	case "reopen":
		p.env.Route.Reopen = Reopening(value)
	case "speakers":
		p.env.Route.Speakers = Speakers(value)
	case "open":
		p.env.Route.Open = Opening(value)
	case "shadow":
		p.env.Route.Shadow = value == "on"
	case "elsewhere":
		fmt.Sscan(value, &p.env.OpenElsewhere)
	case "channel":
		p.s.Thread.Channel, p.s.Thread.Root = value, ""
	default:
		p.fail("unknown setting %q", name)
	}
}
