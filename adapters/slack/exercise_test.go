package slack

import (
	"testing"
	"time"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/bridge/bridgetest"
)

func TestExercise(t *testing.T) {
	bridgetest.ExerciseAdapter(t, func(t *testing.T) bridgetest.AdapterRig {
		// Without the retry that comes almost at once: it would bring the root to a line that has just come up.
		r := newRig(t, slacksim.Config{NoLimits: true, Retries: []time.Duration{time.Minute}}, nil)
		root := r.post(t, say(ada, "", "root"))
		return bridgetest.AdapterRig{
			Adapter: r.adapter, Thread: key(general, root),
			Say:   func(text string) { r.post(t, say(ada, root, text)) },
			Shown: func() []string { return texts(r.sim.Thread(general, root)) },
			Drop:  func() { r.sim.DropSockets() },
			Limit: func() {
				r.sim.Inject(slacksim.Fault{Method: "chat.postMessage", Status: 429, Header: map[string]string{"Retry-After": "1"}})
			},
			Lose: func() { r.sim.Inject(slacksim.Fault{Method: "chat.postMessage", After: true, Drop: true}) },
			Log:  r.log.String, Secrets: []string{"xoxb-sim", "xapp-sim"},
		}
	})
}
