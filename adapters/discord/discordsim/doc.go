// Package discordsim is a stateful, strict Discord on a loopback port: the REST API (/api/v9 and /api/v10) and the
// gateway. It serves the tests of the Discord adapter, benchmarks and demonstrations, in one process with the bridge or
// beside it.
//
// What Discord refuses it refuses, with the same status and error code. Every break of a rule by the client, refused or
// not, is noted and can be read with [Sim.Violations]; a test that leaves such notes fails. Injuries come on command:
// [Sim.Fail] for REST, the methods of faults.go for the gateway.
//
//	sim, err := discordsim.Start(discordsim.Config{})
//	defer sim.Close()
//	guild := sim.AddGuild("")
//	help := sim.AddChannel(guild, "", discordsim.Text)
//	ann := sim.AddUser(discordsim.User{Name: "ann"})
//	thread, err := sim.StartThread(help, ann, discordsim.NewThread{Name: "broken kettle"})
//	id, err := sim.Post(thread, ann, "hello")
//	err = sim.Until(ctx, func(v *discordsim.View) bool { return len(v.Messages(thread)) == 2 })
//
// A client reaches it by sending to [Sim.URL] what it would send to https://discord.com; GET /gateway answers with the
// address of the gateway. Attachment URLs name cdn.discordapp.com, but their path is served here too.
//
// # Names of the rules
//
// Routes, for faults and records, are written as method and pattern: "POST /channels/{channel}/messages". An unknown
// route is answered 404 and noted.
//
// # The control endpoint
//
// Under /_sim/ another process, or a person with curl, does what the methods do. Bodies and answers are JSON; errors
// are {"error": "…"} with status 400. Fields left out are empty.
//
//	POST /_sim/guild       {"id"}                                     → {"id"}
//	POST /_sim/channel     {"guild","id","type"}                      → {"id"}   type 0 text, 2 voice, 4 category, 5 announcement, 15 forum
//	POST /_sim/user        {"id","name","global_name","roles"}        → {"id"}
//	POST /_sim/dm          {"user"}                                   → {"id"}   of the channel
//	POST /_sim/post        {"channel","user","content","extra":{…}}   → {"id"}   extra as in Extra
//	POST /_sim/edit        {"message","content"}   /_sim/delete {"message"}   /_sim/unfurl {"message"}
//	POST /_sim/thread      {"channel","user","thread":{"name","from","private"}}   → {"id"}
//	POST /_sim/forum       {"channel","user","title","content"}       → {"id"}
//	POST /_sim/archive     {"thread"}   also unarchive, lock, unlock
//	POST /_sim/remove      {"channel"}             deletes a thread or channel
//	POST /_sim/kick        {"guild"}               the bot is removed
//	POST /_sim/outage      {"guild","on"}
//	POST /_sim/slash       {"user","channel","command","options":{…}} → {"id"}   of the interaction
//	POST /_sim/click       {"user","message","custom_id"}             → {"id"}
//	POST /_sim/context     {"user","message","command"}               → {"id"}   a message command
//	POST /_sim/permissions {"channel","bits"}      what the bot may do there, by an overwrite of its own
//	POST /_sim/role        {"guild","id","name","bits"}      /_sim/bot-roles {"guild","roles"}
//	POST /_sim/overwrite   {"channel","id","bits","deny"}    of a role, or else of a member
//	POST /_sim/token       {"token"}               the old bot token stops working
//	POST /_sim/advance     {"seconds"}             moves the simulator's clock forward
//	POST /_sim/fault       a Fault; Delay in nanoseconds. /_sim/heal takes all faults away, those of the gateway too
//	POST /_sim/gateway     {"do","on","n","event","guild","data","raw"}   do is one of:
//	     silent, refuse, no_ack, mute, invalid_session (with "on"); op7_before_hello, op7_after_identify, duplicate, close (with
//	     "n"); swap, zombie, reconnect, request_heartbeat, forget, drop; raw (with "raw"); emit (with event, guild, data)
//	GET  /_sim/messages?channel=   /_sim/interaction?id=   /_sim/threads?parent=   /_sim/commands?guild=
//	GET  /_sim/calls   /_sim/violations   /_sim/gateway
package discordsim
