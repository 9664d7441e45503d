package demo

import (
	"slices"
	"time"

	"ccbridge/ccm/ccmsim"
)

// deskView is the contact centre as its agent Grace sees it.
type deskView struct {
	Agent    string        `json:"agent"`
	Sessions []visitorView `json:"sessions"` // in the order in which they began
}

// visitorView is a session at the centre.
type visitorView struct {
	Visitor string       `json:"visitor"`
	Name    string       `json:"name"`
	State   ccmsim.State `json:"state"`
	Place   int          `json:"place,omitempty"` // in the queue, from 1
	EndedBy string       `json:"ended_by,omitempty"`
	Thread  string       `json:"thread,omitempty"` // the page's own knowledge: the centre has none of threads
	Since   time.Time    `json:"since"`
	Lines   []deskLine   `json:"lines"`

	dropped int // messages that nobody will get
}

// deskLine is what somebody said, as the centre has it.
type deskLine struct {
	Who    string    `json:"who"`
	Source string    `json:"source"` // CUSTOMER, ROBOT, AGENT, SYSTEM
	Text   string    `json:"text"`
	At     time.Time `json:"at"`
}

const shownSessions = 40

// deskOf is the desk; threads are those of the visitors.
func deskOf(sim *ccmsim.Sim, threads map[string]string) deskView {
	desk := deskView{Agent: agentName, Sessions: []visitorView{}}
	waiting := sim.Desk().Waiting()
	for _, s := range sim.Sessions() {
		if s.State == ccmsim.StateNone {
			continue
		}
		v := visitorView{Visitor: s.Visitor, Name: s.Name, State: s.State, Place: slices.Index(waiting, s.Visitor) + 1, EndedBy: endedBy[s.EndedBy],
			Thread: threads[s.Visitor], Lines: []deskLine{}, dropped: s.Dropped}
		for _, l := range s.Transcript {
			v.Lines = append(v.Lines, deskLine{Who: speaker(l.Source, s), Source: l.Source, Text: l.Content, At: l.Time})
		}
		if len(v.Lines) > 0 {
			v.Since = v.Lines[0].At
		}
		desk.Sessions = append(desk.Sessions, v)
	}
	slices.SortStableFunc(desk.Sessions, func(a, b visitorView) int { return a.Since.Compare(b.Since) })
	return desk
}

// bounded leaves the newest of a desk, and no text too long.
func (d deskView) bounded() deskView {
	d.Sessions = slices.Clone(tail(d.Sessions, shownSessions))
	for i, s := range d.Sessions {
		lines := slices.Clone(tail(s.Lines, shownMessages))
		for n := range lines {
			lines[n].Text = clipText(lines[n].Text)
		}
		d.Sessions[i].Name, d.Sessions[i].Lines = clipText(s.Name), lines
	}
	return d
}
