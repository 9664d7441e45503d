// Package slacksim is a stateful, strict Slack workspace on a loopback port: the Web API under /api/, Socket Mode
// WebSockets, response_urls, and the people who write, edit, delete and click.
//
// It imports nothing of the bridge. Tests and benchmarks start it in their own process with Start; because the
// client speaks to it over the network only, the client may be another process that is killed and started again
// while the simulator keeps its channels, its records and its pending retries.
//
// # Strictness
//
// What Slack refuses is refused with the same error (ok:false and its code, or HTTP 429 with Retry-After). What Slack
// lets pass although a client must not do it is done and recorded: see [Sim.Violations]. A test that leaves
// violations should fail. Recorded are: a call made again and again before Retry-After was over, an acknowledgement of
// an unknown envelope, on another open socket than it came from, twice, with a payload where none is accepted, or of
// 20 KB and more; a thread_ts that is a reply's or never existed; link_names or parse=full. So is a call that is refused for its form.
//
// # Where Slack's behaviour is unknown
//
// Whether a retry keeps its envelope_id is undocumented: it is drawn by lot (Config.Seed). A reply to a deleted root
// is posted un-threaded into the channel, whether or not the root had replies. A text over 4,040 characters becomes
// several messages; the answer shows the first, and metadata is on the first. With no socket, events are retried as
// after a missing acknowledgement. Acknowledgements that arrive after their socket has gone are ignored and counted
// (Stats.StrayAcks): clients cannot take them back.
//
// # Control endpoints
//
// Another process, or a person with curl, works the same workspace through JSON under /_sim/ beside /api/:
//
//	POST manifest    an app manifest: its scopes, events, commands and shortcuts from now on
//	POST users       {"id","name","real_name","display_name","deleted","bot"}
//	POST channels    {"id","name","private","bot_absent","shared","read_only"}
//	POST dm          {"user"}                                        -> {"channel"}
//	POST post        {"channel","user","text","thread_ts","subtype",…}  (type Post) -> {"ts"}
//	POST edit        {"channel","ts","text"}
//	POST delete      {"channel","ts"}
//	POST unfurl      {"channel","ts"}
//	POST slash       {"user","channel","command","text"}             -> {"id"}
//	POST click       {"user","channel","ts","action_id","value"}     -> {"id"}
//	POST shortcut    {"user","channel","ts","callback_id"}           -> {"id"}
//	GET  interaction ?id=…                                           what became of a command, click or shortcut
//	POST join, kick, archive, unarchive   {"channel"}                the bot in, the bot out, …
//	POST leave       {"channel","user"}
//	POST revoke      {"token","code"}                                code "" makes the token valid again
//	POST uninstall   {}
//	POST scopes      {"scopes":[…]}            POST app-scopes {"scopes":[…]}, of the app token
//	POST fault       (type Fault)      POST event-fault (type EventFault)      POST clear-faults {}
//	POST ignore-acks {"count"}         POST read-lag {"delay"}
//	POST sockets     {"do":"drop"|"mute"|"disconnect","reason"}
//	POST door        {"door":"open"|"refuse"|"close"|"mute"|"too_many"|"off"}
//	GET  messages    ?channel=…         GET thread ?channel=…&root=…   GET ephemerals ?user=…
//	GET  calls       GET violations     GET stats
//
// For example:
//
//	curl -d '{"channel":"C0GENERAL","user":"U0ADA","text":"hello <@U0BRIDGE>"}' http://127.0.0.1:7801/_sim/post
//
// Durations in JSON are nanoseconds. A refused request answers 400 with {"error"}.
package slacksim
