package demo

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"ccbridge/adapters/slack/slacksim"
)

// show is what the page stands for: the simulators, the bridge between them, and what visitors did.
type show struct {
	*sims
	strip    *strip
	process  *process
	injuries *injuries

	mu    sync.Mutex
	asked []asked // commands and clicks of late, oldest first
	seen  map[string]json.RawMessage
	at    time.Time
}

// asked is a command or click, of which the platform may have to say that nobody answered.
type asked struct {
	thread  string
	at      time.Time
	slack   *slacksim.Interaction
	discord string // id
}

const (
	keptAsked = 40
	// fresh is how long a picture of the whole is good for all who look.
	fresh = 80 * time.Millisecond
	// shownSteps is how many steps of the strip the page shows.
	shownSteps = 60
)

// bridgeView is the bridge's process as the page shows it.
type bridgeView struct {
	processView
	Online bool `json:"online"` // both platforms have it on the line
	Looks  int  `json:"looks"`  // how often it looked what had become of a call
}

// sections are the parts of the page's state, encoded. Each is sent again only when it has changed.
func (s *show) sections() map[string]json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen != nil && time.Since(s.at) < fresh {
		return s.seen
	}
	slack, discord := slackPlace(s.slack), discordPlace(s.discord)
	desk := deskOf(s.centre, s.strip.trails())
	compared := truthOf([]placeView{slack, discord}, desk)
	compared.Broken = len(s.slack.Violations()) + len(s.discord.Violations()) + len(s.centre.Violations())
	s.excuses(&slack, &discord)
	bridge := bridgeView{processView: s.process.now()}
	bridge.Online, bridge.Looks = s.strip.standing()
	s.seen, s.at = map[string]json.RawMessage{}, time.Now()
	for name, part := range map[string]any{
		"slack": slack.bounded(), "discord": discord.bounded(), "desk": desk.bounded(), "truth": compared,
		"strip": s.strip.newest(shownSteps), "switches": s.injuries.now(),
		"bridge": bridge,
	} {
		raw, err := json.Marshal(part)
		if err != nil {
			continue // strings, numbers and times always marshal
		}
		s.seen[name] = raw
	}
	return s.seen
}

// note remembers a command or click. The list is bounded.
func (s *show) note(a asked) {
	a.at = time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(tail(s.asked, keptAsked-1), a)
}

// excuses adds what a platform itself says of commands and clicks that nobody answered. The lock is held.
func (s *show) excuses(slack, discord *placeView) {
	for _, a := range s.asked {
		text, place := "", slack
		if a.slack != nil && a.slack.Outcome().Error != "" {
			text = "That did not work: " + botName + " did not answer. Please try again."
		}
		if i, ok := s.discord.Interaction(a.discord); ok && i.Failed {
			text, place = "The application did not respond.", discord
		}
		if text == "" {
			continue
		}
		line := messageView{ID: "failed-" + a.at.Format(time.RFC3339Nano), Who: "only you", Text: text, At: a.at, Private: true, Failed: true}
		messages := &place.Loose
		if i := slices.IndexFunc(place.Threads, func(t threadView) bool { return t.ID == a.thread }); i >= 0 {
			messages = &place.Threads[i].Messages
		}
		at := slices.IndexFunc(*messages, func(m messageView) bool { return m.At.After(a.at) })
		if at < 0 {
			at = len(*messages)
		}
		*messages = slices.Insert(*messages, at, line)
	}
}
