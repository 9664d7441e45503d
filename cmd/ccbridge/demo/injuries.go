package demo

import (
	"fmt"
	"sync"

	"ccbridge/adapters/discord/discordsim"
	"ccbridge/adapters/slack/slacksim"
	"ccbridge/ccm/ccmsim"
)

// injuries are what the page's switches do to the outside.
type injuries struct {
	*sims

	mu         sync.Mutex
	centreDown bool
	limited    bool
	// armed are the outsides whose next answer gets lost after the deed, with how many were lost before.
	armed map[string]int
}

// injuryView is what the page shows of the switches.
type injuryView struct {
	Centre  bool     `json:"centre"`
	Limited bool     `json:"limited"`
	Armed   []string `json:"armed"` // of whom the next answer gets lost
}

const (
	postSlack   = "chat.postMessage"
	postDiscord = "POST /channels/{channel}/messages"
	sayCentre   = "send:CHAT"
	// limitSeconds is what Slack asks for while it is limited.
	limitSeconds = "2"
)

// outsides are the three that can lose an answer, in the order in which they are shown.
var outsides = []string{"centre", "Slack", "Discord"}

// turn works a switch.
func (in *injuries) turn(name string, on bool) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch name {
	case "centre":
		in.centreDown = on
	case "limited":
		in.limited = on
	case "lost":
		in.armed = map[string]int{}
		if on {
			for _, who := range outsides {
				in.armed[who] = in.lost(who)
			}
		}
	case "line":
		in.discord.DropGateway()
		return nil
	default:
		return fmt.Errorf("there is no switch %q", name)
	}
	in.apply()
	return nil
}

// apply brings the faults in line with the switches. The lock is held.
func (in *injuries) apply() {
	in.centre.ClearFaults()
	in.slack.ClearFaults()
	in.discord.Heal()
	if in.centreDown {
		in.centre.Fail("*", 0, ccmsim.DropBefore())
	}
	if in.limited {
		in.slack.Inject(slacksim.Fault{Method: postSlack, Times: -1, Status: 429,
			Header: map[string]string{"Retry-After": limitSeconds}, Body: `{"ok":false,"error":"ratelimited"}`})
	}
	for who := range in.armed {
		switch who {
		case "centre":
			in.centre.Fail(sayCentre, 1, ccmsim.DropAfter())
		case "Slack":
			in.slack.Inject(slacksim.Fault{Method: postSlack, After: true, Drop: true})
		case "Discord":
			in.discord.Fail(discordsim.Fault{Route: postDiscord, Deed: true, Drop: true})
		}
	}
}

// lost counts the answers of an outside that were lost so far.
func (in *injuries) lost(who string) (n int) {
	switch who {
	case "centre":
		return in.centre.Calls()["fault "+sayCentre]
	case "Slack":
		for _, c := range in.slack.Calls(postSlack) {
			if c.Status == 0 {
				n++
			}
		}
	case "Discord":
		for _, c := range in.discord.Calls() {
			if c.Lost {
				n++
			}
		}
	}
	return n
}

func (in *injuries) now() injuryView {
	in.mu.Lock()
	defer in.mu.Unlock()
	v := injuryView{Centre: in.centreDown, Limited: in.limited, Armed: []string{}}
	for _, who := range outsides {
		before, armed := in.armed[who]
		if armed && in.lost(who) > before {
			delete(in.armed, who)
			armed = false
		}
		if armed {
			v.Armed = append(v.Armed, who)
		}
	}
	return v
}
