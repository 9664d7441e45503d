package demo

import (
	"strings"
	"unicode"

	"ccbridge/ccm"
	"ccbridge/ccm/ccmsim"
)

// truth compares what stands in the simulators, whatever the bridge says of itself: what customers wrote with what the
// centre has, and what the centre said with what stands in the threads.
type truth struct {
	Wrote int `json:"wrote"` // texts of customers
	Has   int `json:"has"`   // of these, the centre has
	Said  int `json:"said"`  // texts of robot and agent
	Shown int `json:"shown"` // of these, stand in their threads
	// UnderWay are those that are still to come, or wait for the customer's word.
	UnderWay int `json:"under_way"`
	// Lost are those after which later ones of the same conversation have arrived: order is kept, so they never will.
	Lost    int `json:"lost"`
	Doubled int `json:"doubled"`
	// Broken are the rules of the outside that the bridge broke.
	Broken int `json:"broken"`
}

// maxParts is how many pieces a text may become on its way up (limits.parts); the writer of a longer one was told.
const maxParts = 20

// truthOf compares. Private answers and the bridge's own lines are no part of it.
func truthOf(places []placeView, desk deskView) truth {
	var t truth
	for _, p := range places {
		for _, thread := range p.Threads {
			var sessions []visitorView
			for _, s := range desk.Sessions {
				if s.Thread == thread.ID {
					sessions = append(sessions, s)
				}
			}
			t.up(thread, sessions)
			t.down(thread, sessions)
		}
	}
	return t
}

// up compares what the customer wrote in a thread.
func (t *truth) up(thread threadView, sessions []visitorView) {
	var wrote []string
	for _, m := range thread.Messages {
		if m.Mine {
			wrote = append(wrote, forCentre(m.Text)...)
		}
	}
	got := map[string]int{}
	for _, s := range sessions {
		for _, l := range s.Lines {
			if l.Source == "CUSTOMER" {
				got[essence(l.Text)]++
			}
		}
	}
	arrived, missing, lost := arrivals(wrote, got)
	t.Wrote, t.Has = t.Wrote+len(wrote), t.Has+arrived
	t.UnderWay, t.Lost, t.Doubled = t.UnderWay+missing, t.Lost+lost, t.Doubled+surplus(wrote, got)
}

// down compares what the centre said, session by session: what a session said when its customer had left it belongs to
// nobody any more.
func (t *truth) down(thread threadView, sessions []visitorView) {
	got := map[string]int{}
	for _, m := range thread.Messages {
		if !m.Mine && !m.Private {
			got[essence(m.Text)]++
		}
	}
	var all []string
	for _, s := range sessions {
		var said []string
		for _, l := range s.Lines {
			if l.Source == "ROBOT" || l.Source == "AGENT" {
				said = append(said, l.Text)
			}
		}
		arrived, missing, lost := arrivals(said, got)
		gone := 0
		if s.State == ccmsim.StateEnded {
			gone = min(missing, s.dropped)
		}
		t.Said, t.Shown = t.Said+len(said)-gone, t.Shown+arrived
		t.UnderWay, t.Lost = t.UnderWay+missing-gone, t.Lost+lost
		all = append(all, said...)
	}
	t.Doubled += surplus(all, got)
}

// arrivals takes from got what was sent: how much arrived, how much may still come, and how much was passed by.
func arrivals(sent []string, got map[string]int) (arrived, missing, lost int) {
	for _, text := range sent {
		if key := essence(text); got[key] > 0 {
			got[key]--
			arrived++
			lost, missing = lost+missing, 0
		} else {
			missing++
		}
	}
	return arrived, missing, lost
}

// surplus counts what is left of texts that were sent.
func surplus(sent []string, left map[string]int) (n int) {
	for _, text := range sent {
		key := essence(text)
		n += left[key]
		left[key] = 0
	}
	return n
}

// forCentre are the pieces in which a customer's text goes to the centre; none if it is a wish, or too long.
func forCentre(text string) []string {
	body, mentioned := strings.CutPrefix(strings.TrimSpace(text), "@"+botName)
	body = strings.TrimSpace(body)
	if mentioned {
		switch strings.ToLower(body) {
		case "", "agent", "human", "/agent", "/human", "end", "/end":
			return nil
		}
	}
	if body == "" {
		return nil
	}
	pieces := ccm.Split(body)
	if len(pieces) > maxParts {
		return nil
	}
	return pieces
}

// essence is what must be the same of a text on both sides: platforms change spaces and what cannot be seen.
func essence(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, text)
}
