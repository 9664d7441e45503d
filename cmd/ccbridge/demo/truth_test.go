package demo

import (
	"strings"
	"testing"

	"ccbridge/ccm"
	"ccbridge/ccm/ccmsim"
)

// TestTruth compares what was written with what arrived, in words: customer's and centre's texts one after the other.
func TestTruth(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("many words ", 300)
	for what, c := range map[string]struct {
		wrote, has  []string // by the customer; at the centre
		said, shown []string // by the centre; in the thread
		ended       bool
		dropped     int
		want        truth
	}{
		"nothing yet":     {},
		"all there":       {wrote: []string{"a", "b"}, has: []string{"a", "b"}, said: []string{"x"}, shown: []string{"x"}, want: truth{Wrote: 2, Has: 2, Said: 1, Shown: 1}},
		"still to come":   {wrote: []string{"a", "b"}, has: []string{"a"}, said: []string{"x", "y"}, want: truth{Wrote: 2, Has: 1, Said: 2, UnderWay: 3}},
		"passed by":       {wrote: []string{"a", "b", "c"}, has: []string{"a", "c"}, said: []string{"x", "y"}, shown: []string{"y"}, want: truth{Wrote: 3, Has: 2, Said: 2, Shown: 1, Lost: 2}},
		"twice":           {wrote: []string{"a"}, has: []string{"a", "a"}, said: []string{"x"}, shown: []string{"x", "x", "x"}, want: truth{Wrote: 1, Has: 1, Said: 1, Shown: 1, Doubled: 3}},
		"said twice":      {wrote: []string{"a", "a"}, has: []string{"a", "a"}, said: []string{"x", "x"}, shown: []string{"x", "x"}, want: truth{Wrote: 2, Has: 2, Said: 2, Shown: 2}},
		"a wish":          {wrote: []string{"a", "@ccbridge agent", "@ccbridge", "@ccbridge END"}, has: []string{"a"}, want: truth{Wrote: 1, Has: 1}},
		"a mention":       {wrote: []string{"@ccbridge what now"}, has: []string{"what now"}, want: truth{Wrote: 1, Has: 1}},
		"in pieces":       {wrote: []string{long}, has: ccm.Split(strings.TrimSpace(long)), want: truth{Wrote: 4, Has: 4}},
		"too long":        {wrote: []string{strings.Repeat("x", 21*1024), "b"}, has: []string{"b"}, want: truth{Wrote: 1, Has: 1}},
		"the bridge's":    {said: []string{"x"}, shown: []string{"You are connected.", "x", "You are connected."}, want: truth{Said: 1, Shown: 1}},
		"left behind":     {said: []string{"x", "y"}, shown: []string{"x"}, ended: true, dropped: 1, want: truth{Said: 1, Shown: 1}},
		"end on its way":  {said: []string{"x", "y"}, shown: []string{"x"}, ended: true, want: truth{Said: 2, Shown: 1, UnderWay: 1}},
		"other spaces":    {wrote: []string{"a\u200b  b\n"}, has: []string{"a b"}, want: truth{Wrote: 1, Has: 1}},
		"nothing but air": {wrote: []string{"  "}},
	} {
		thread := threadView{ID: "1"}
		session := visitorView{Thread: "1", State: ccmsim.StateRobot, dropped: c.dropped}
		if c.ended {
			session.State = ccmsim.StateEnded
		}
		for _, text := range c.wrote {
			thread.Messages = append(thread.Messages, messageView{Mine: true, Text: text})
		}
		for _, text := range c.shown {
			thread.Messages = append(thread.Messages, messageView{Text: text}, messageView{Text: text, Private: true})
		}
		for _, text := range c.has {
			session.Lines = append(session.Lines, deskLine{Source: "CUSTOMER", Text: text})
		}
		for _, text := range c.said {
			session.Lines = append(session.Lines, deskLine{Source: "ROBOT", Text: text}, deskLine{Source: "SYSTEM", Text: "Queuing."})
		}
		got := truthOf([]placeView{{Threads: []threadView{thread}}}, deskView{Sessions: []visitorView{{Thread: "2"}, session}})
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", what, got, c.want)
		}
	}
}
