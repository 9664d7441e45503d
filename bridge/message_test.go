package bridge

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var idForm = regexp.MustCompile(`^[a-z2-7]{24}$`)

// TestThreadIDTellsThreadsApart: no two keys share an id because their parts run together.
func TestThreadIDTellsThreadsApart(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		part := rapid.StringMatching(`[a:1]{0,3}`)
		key := func(label string) ThreadKey {
			return ThreadKey{part.Draw(rt, label+" adapter"), part.Draw(rt, label+" space"), part.Draw(rt, label+" channel"), part.Draw(rt, label+" root")}
		}
		a, b := key("a"), key("b")
		if (a == b) != (a.ID() == b.ID()) {
			rt.Fatalf("%q and %q: ids %s and %s", a, b, a.ID(), b.ID())
		}
		if !idForm.MatchString(string(a.ID())) {
			rt.Fatalf("id %q", a.ID())
		}
		other := a
		other.Root += "x"
		if a.Part() != other.Part() || a.Part() < 0 || a.Part() >= Parts {
			rt.Fatalf("threads of one channel are in parts %d and %d", a.Part(), other.Part())
		}
	})
}

// TestVisitors: a visitor is one session of one thread of one store (design §1, §9.14).
func TestVisitors(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, instance := range []string{"", "one", "two"} {
		for _, root := range []string{"1.0", "1.01"} {
			for _, no := range []int{1, 2, 11} {
				st := &step{env: Env{Instance: instance}}
				st.Thread.Root = root
				v := st.visitorFor(no)
				if !idForm.MatchString(v.UserID) || seen[v.UserID] != "" {
					t.Errorf("visitor %q of %q/%s/%d was %q", v.UserID, instance, root, no, seen[v.UserID])
				}
				seen[v.UserID] = instance + root
			}
		}
	}
}

func TestVisitorName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, id, want string }{
		{"Ada", "U1", "Ada"},
		{"  Ada \n Lovelace ", "U1", "Ada Lovelace"},
		{" \t", "U1", "U1"},
	} {
		st := &step{env: Env{Route: Route{Channel: "9", Locale: "de"}}}
		st.Customer = User{ID: UserID(c.id), Name: c.name}
		v := st.visitorFor(1)
		if v.UserName != c.want || v.ChannelID != "9" || v.Locale != "de" {
			t.Errorf("%q gives %+v, want name %q", c.name, v, c.want)
		}
	}
}

func TestButtonActions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		action string
		kind   VerbKind
		ref    string
		ok     bool
	}{
		{"ccb:agent", VerbAgent, "", true},
		{"ccb:resend:abc", VerbResend, "abc", true},
		{"ccb:robot:a:b", VerbRobot, "a:b", true},
		{"ccb:unheard-of", "", "", false},
		{"ccb:", "", "", false},
		{"agent", "", "", false},
		{"", "", "", false},
	} {
		kind, ref, ok := ParseAction(c.action)
		if kind != c.kind || ref != c.ref || ok != c.ok {
			t.Errorf("%q is %q, %q, %v", c.action, kind, ref, ok)
		}
	}
}

func FuzzParseAction(f *testing.F) {
	f.Add("ccb:agent")
	f.Add("ccb:resend:x")
	f.Fuzz(func(t *testing.T, action string) {
		kind, ref, ok := ParseAction(action)
		if !ok {
			return
		}
		if back, backRef, ok := ParseAction(Button{Verb: kind, Ref: ref}.Action()); !ok || back != kind || backRef != ref {
			t.Errorf("%q: %q, %q came back as %q, %q", action, kind, ref, back, backRef)
		}
	})
}

func TestStates(t *testing.T) {
	t.Parallel()
	notOpen := []State{StateNew, StateEnded}
	notPolled := []State{StateNew, StateOpening, StateEnded}
	for _, s := range States {
		if s.Open() == slices.Contains(notOpen, s) || s.Polled() == slices.Contains(notPolled, s) {
			t.Errorf("%q: open %v, polled %v", s, s.Open(), s.Polled())
		}
	}
}

func TestDueIsTheEarliest(t *testing.T) {
	t.Parallel()
	if due := (Session{}).Due(); !due.IsZero() {
		t.Errorf("nothing is due at %v", due)
	}
	s := Session{Timers: map[TimerKind]time.Time{TimerIdle: playStart.Add(2), TimerLate: playStart.Add(1), TimerQueue: playStart.Add(3)}}
	if due := s.Due(); !due.Equal(playStart.Add(1)) {
		t.Errorf("due %v", due)
	}
}

func TestStaff(t *testing.T) {
	t.Parallel()
	r := Route{Staff: []string{"U1", "role:R1"}}
	for _, c := range []struct {
		user User
		want bool
	}{
		{User{ID: "U1"}, true},
		{User{ID: "U2", Roles: []string{"R0", "R1"}}, true},
		{User{ID: "U2", Roles: []string{"R2"}}, false},
		{User{}, false},
	} {
		if r.staff(c.user) != c.want {
			t.Errorf("%+v", c.user)
		}
	}
}

// What opens a thread's first session, in a channel and in a direct message: there nobody needs to mention the bot.
func TestOpensBy(t *testing.T) {
	t.Parallel()
	texts := map[string]Text{"top": {TopLevel: true}, "reply": {}, "mention": {Mention: true}, "direct": {TopLevel: true, Direct: true}}
	for open, want := range map[Opening]string{OpenMessage: "direct mention top", OpenMention: "direct mention", OpenCommand: ""} {
		var opens []string
		for name, text := range texts {
			if (Route{Open: open}).opensBy(text) {
				opens = append(opens, name)
			}
		}
		slices.Sort(opens)
		if got := strings.Join(opens, " "); got != want {
			t.Errorf("%s is opened by %q, want %q", open, got, want)
		}
	}
}

// What one person writes under speakers = "everyone" stands behind one line of a name, whatever they call themselves.
func TestNameOfASpeakerIsOneLine(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Bob": "Bob", "": "U1", " \n": "U1", "x\nAda: yes\u2028Ada": "x Ada: yes Ada", strings.Repeat("é", 100): strings.Repeat("é", 64),
	} {
		st := &step{Session: Session{State: StateRobot, Customer: User{ID: "U0"}}, env: Env{Route: Route{Speakers: SpeakersEveryone}}}
		if body, ok := st.carried(Text{Author: User{ID: "U1", Name: name}, Body: "hi"}); !ok || body != want+": hi" {
			t.Errorf("%q: %q, %v", name, body, ok)
		}
	}
}
