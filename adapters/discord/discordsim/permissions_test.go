package discordsim

import "testing"

// TestOverwriteOrder: @everyone's first, then all roles' denials and grants, then the member's (Discord: permissions).
func TestOverwriteOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{NoLimits: true})
	const one, two = "1100000000000000801", "1100000000000000802"
	w.ok(w.SetRole(w.guild, Role{ID: one}))
	w.ok(w.SetRole(w.guild, Role{ID: two}))
	w.ok(w.GiveBot(w.guild, one, two))
	for _, c := range []struct {
		name      string
		overwrite func(channel string)
		want      bool
	}{
		{"nothing", func(string) {}, true},
		{"@everyone is denied", func(ch string) { w.ok(w.Overwrite(ch, w.guild, 0, SendMessages)) }, false},
		{"a role grants it back", func(ch string) {
			w.ok(w.Overwrite(ch, one, SendMessages, 0))
			w.ok(w.Overwrite(ch, w.guild, 0, SendMessages))
		}, true},
		{"of two roles the grant wins", func(ch string) {
			w.ok(w.Overwrite(ch, one, SendMessages, 0))
			w.ok(w.Overwrite(ch, two, 0, SendMessages))
		}, true},
		{"the member is denied", func(ch string) {
			w.ok(w.Overwrite(ch, w.bot.ID, 0, SendMessages))
			w.ok(w.Overwrite(ch, one, SendMessages, 0))
		}, false},
		{"a role that it has not", func(ch string) { w.ok(w.Overwrite(ch, w.guild+"1", 0, SendMessages)) }, true},
		{"without the view there is nothing", func(ch string) { w.ok(w.Overwrite(ch, one, 0, ViewChannel)) }, false},
	} {
		channel := w.AddChannel(w.guild, "", Text)
		c.overwrite(channel)
		if r := w.call("POST", "/channels/"+channel+"/messages", `{"content":"x"}`); (r.status == 200) != c.want {
			t.Errorf("%s: %d %s", c.name, r.status, r.body)
		}
	}
	w.ok(w.SetRole(w.guild, Role{ID: two, Permissions: administrator}))
	channel := w.AddChannel(w.guild, "", Text)
	w.ok(w.Overwrite(channel, w.bot.ID, 0, ViewChannel|SendMessages))
	if r := w.call("POST", "/channels/"+channel+"/messages", `{"content":"x"}`); r.status != 200 {
		t.Errorf("an administrator is refused: %d %s", r.status, r.body)
	}
}
