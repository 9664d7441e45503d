// Package bridge is the core: it carries conversations between chat platforms and a contact centre, and decides what
// happens next. It knows no platform, no SQL, no HTTP server and no configuration file. DESIGN.md has the diagram of the
// states, the goroutines and the decisions.
//
// # Words
//
//	platform, adapter       Slack or Discord; the package that speaks to it. A configured adapter has a name (acme-slack).
//	thread                  the place of one conversation: a Slack thread, a Discord thread or forum post, a direct-message
//	                        channel. ThreadKey: adapter, space (Slack team, Discord guild), channel, root.
//	customer                whom the thread belongs to: who opened it. Others in it are staff (configured) or bystanders.
//	centre, robot, agent    the contact centre; its automatic answerer; its human.
//	session                 one conversation at the centre, from CONNECT to DISCONNECT. A thread has one at a time, numbered 1, 2, …
//	visitor                 what the centre knows a session by: a hash of store, adapter, thread and session number. A new
//	                        session is a new visitor, so its history is exactly this session and a late answer cannot reach
//	                        the next one.
//	event                   anything that comes in: from a platform, a downlink from the centre, the result of a delivery, a timer.
//	delivery                one call that goes out: to the centre, or one post to a platform. Long text is several posts, each
//	                        a delivery of its own.
//	intent                  the note, stored before a call, that it is being made until a deadline. After the deadline an
//	                        intent without a result is a delivery in doubt.
//	look                    asking the outside whether a delivery in doubt was done.
//	lane                    the deliveries of one thread to one target (centre, thread, person): one at a time, in order.
//	held, asked, letter     text that waits for its turn; for the customer's word; dead text that can be sent again.
//	ledger                  what is kept of all events and deliveries: the transcript, and the answer to "what happened to
//	                        this message?"
//
// # What always holds
//
//  1. Stored before acknowledged: an event is on disk before its platform hears "received", and before the next poll.
//  2. In order, per thread, both ways. A slow or failing thread delays nobody else.
//  3. Once in effect: the same event twice has one effect; after a crash the bridge looks and repeats only what was not
//     done. Where the outside gives no way to look it is at least once, marked in the ledger and counted.
//  4. Only into its own thread.
//  5. Nothing vanishes silently: what cannot be delivered is shown to its writer with a way to send it again, what cannot
//     be shown is told to the agent. Both are counted and kept as dead letters.
//  6. One worker at a time per thread.
//  7. Secrets and message texts stay out of logs and out of error strings.
//
// All seven hold under kill -9 at any instant.
//
// # Files, in the order of the data
//
//	message.go route.go     events, texts, verbs, messages, deliveries, results and their ids; routes and limits
//	adapter.go centre.go    what the core needs of a platform and of the centre
//	store.go                what it needs of the store; package store implements it
//	inbox.go                events come in: accepted by a route, stored once, then acknowledged
//	parking.go arriving.go  what comes before its thread's root; what is just being stored
//	worker.go recent.go     a thread's events and due timers, one step at a time; sessions just stepped
//	session.go              the session and its states
//	apply.go                Session.Apply, the pure function that decides, and its tools
//	apply_text.go           text; apply_edit.go its edits and deletions; apply_verb.go verbs
//	apply_downlink.go       what the centre sends; apply_result.go what came of the calls; apply_timer.go due times
//	apply_pump.go           what waits goes when it may; the end of a session
//	apply_open.go           a session opens, first or again
//	shadow.go masking.go    sessions of which nothing goes out; what is replaced in texts, by package mask
//	words.go                every word of the bridge's own
//	outbox.go pace.go       the calls: intent, call, settle; places that share a limit take turns
//	doubt.go asking.go      refusals understood; looking, and deciding what was done; how often about a session
//	poll.go poll_history.go one long poll per live session; its history after a doubt
//	catchup.go              gaps of the platforms' lines; catchup_read.go what is read after one
//	silence.go              lines that are up and bring nothing
//	timers.go clock.go      due times; one heap, one timer
//	queue.go errors.go      work by key; how calls fail
//	bridge.go status.go     start, stop, state of the parts; limited.go what is left alone until when
//	finding.go console.go   what an examination finds; what an operator sees and does
//	settings.go             what may change while it works: adapters, routes, limits
//	meter.go changes.go     what is counted; what becomes of sessions, counted and logged
//	traced.go               what happens to an event or a delivery, step by step, for the log
package bridge
