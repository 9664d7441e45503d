package doctor

import (
	"strings"
	"testing"

	"ccbridge/adapters/slack"
	"ccbridge/adapters/slack/slacksim"
	"ccbridge/bridge"
)

// TestSocketModeOff: Slack gives a socket's address and then no hello. Only opening the line shows it.
func TestSocketModeOff(t *testing.T) {
	t.Parallel()
	for _, off := range []bool{false, true} {
		sim, err := slacksim.Start(slacksim.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(sim.Close)
		if off {
			if err := sim.SetDoor(slacksim.DoorOff); err != nil {
				t.Fatal(err)
			}
		}
		one, err := slack.New(slack.Config{Name: "acme", APIURL: sim.URL(), BotToken: "xoxb-sim", AppToken: "xapp-sim"})
		if err != nil {
			t.Fatal(err)
		}
		f := bridge.Findings{Part: "acme"}
		openLine(t.Context(), &f, "slack.line", one)
		if len(f.List) != 1 || (f.List[0].Level == bridge.FindingFault) != off || off && !strings.Contains(f.List[0].Fix, "Enable Socket Mode") {
			t.Errorf("Socket Mode off %t: %+v", off, f.List)
		}
	}
}
