package discord

import (
	"testing"

	"ccbridge/adapters/discord/discordsim"
	"ccbridge/bridge/bridgetest"
)

func TestExercise(t *testing.T) {
	bridgetest.ExerciseAdapter(t, func(t *testing.T) bridgetest.AdapterRig {
		w := newWorld(t, discordsim.Config{NoLimits: true}, false)
		t.Cleanup(w.clean)
		post := w.id(w.sim.ForumPost(w.forum, w.ann, "title", "root"))
		return bridgetest.AdapterRig{
			Adapter: w.adapter, Thread: w.key(w.forum, post),
			Say: func(text string) { w.post(post, w.ann, text) },
			Shown: func() (texts []string) {
				for _, m := range w.sim.Messages(post) {
					texts = append(texts, m.Content)
				}
				return texts
			},
			Drop: w.sim.DropGateway,
			Limit: func() {
				w.sim.Fail(discordsim.Fault{Route: createMessage, Status: 429, Body: `{"message":"slow down","retry_after":0.2,"global":false}`})
			},
			Lose: func() { w.sim.Fail(discordsim.Fault{Route: createMessage, Deed: true, Drop: true}) },
			Log:  w.log.String, Secrets: []string{simToken},
		}
	})
}
