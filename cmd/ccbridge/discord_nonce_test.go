package main

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"ccbridge/adapters/discord/discordsim"
)

// TestDiscordNonceTooOld: the bridge is killed over a post, and comes back when Discord has forgotten the nonce. The
// history tells whether the post is there.
func TestDiscordNonceTooOld(t *testing.T) {
	t.Parallel()
	each(t, map[string]discordsim.Fault{
		"answer lost": {Deed: true, Drop: true},
		"call lost":   {Drop: true},
	}, func(t *testing.T, f discordsim.Fault) {
		w := discordWorld(t, echo, limits(`look_gap = "50ms"`, `call_timeout = "3s"`))
		c := w.spawn(0)
		w.logged("\"caught up\" adapter=guild")
		k := w.openDiscord("one")
		k.agent()
		k.agentSays("alpha")
		k.reads("**Grace:** alpha")
		f.Route = postRoute
		before := postsTo(w, k.place)
		w.discord.Fail(f)
		k.agentSays("beta *and* _more_")
		w.poll("the post in doubt", func() bool { return postsTo(w, k.place) > before })
		c.kill()
		w.age(4 * time.Minute)
		w.discord.Advance(4 * time.Minute)
		w.runDiscord()
		k.agentSays("gamma")
		k.reads("**Grace:** gamma")
		k.finish()
		k.shows(greeting, "one", "**Grace:** alpha", `**Grace:** beta \*and\* \_more\_`, "**Grace:** gamma", lineEnded)
		w.wants("ccbridge_repeats_total", 0)
		w.clean()
	})
}

// age makes everything that the stopped bridge has not settled older.
func (w *world) age(by time.Duration) {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "bridge.db"))
	must(w.t, err)
	defer db.Close()
	done, err := db.Exec(`UPDATE delivery SET made_at = made_at - $1, deadline = max(deadline - $1, 1),
		body = json_set(body, '$.made', strftime('%Y-%m-%dT%H:%M:%fZ', json_extract(body, '$.made'), $2))`,
		by.Nanoseconds(), fmt.Sprintf("-%d seconds", int(by.Seconds())))
	must(w.t, err)
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		w.t.Errorf("%d deliveries are not settled, want 1: %v", n, err)
	}
}
