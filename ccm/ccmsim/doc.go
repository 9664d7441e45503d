// Package ccmsim is a contact centre that speaks the CC-Messaging HTTP API on a
// loopback port: a stateful, strict server for tests, benchmarks and the demo.
//
// It keeps sessions, queue, robot, agent's desk and history as the service's
// documentation describes them. What the service would refuse it refuses with
// the same status and code, and every break of a rule by the client is recorded
// (Sim.Violations). Where the documentation is silent the behaviour is the
// harsher plausible one, and a switch gives the other.
//
//	sim, err := ccmsim.Start(ccmsim.Config{Switches: ccmsim.Switches{PollWait: 50 * time.Millisecond}})
//	…
//	sim.Fail("send:CHAT", 1, ccmsim.DropAfter())
//	err = sim.Until(ctx, func(v ccmsim.View) bool { return len(v.Waiting()) == 1 })
//	err = sim.Desk().Accept(sim.Desk().Waiting()[0], "Ada")
//
// # Operations
//
// Faults and counters name a call by its operation:
//
//	tokenByAkSk applyToken poll history queue
//	send:CONNECT send:CHAT send:TRANS2AGENT send:DISCONNECT send:INPUT send:READ
//	sendAsync:CHAT … (as send)
//	leave survey saveSurvey robotFeedback upload download
//
// The operation "*" stands for all of them and "send" for every send.
//
// # Sessions
//
//	CONNECT ──► robot ──TRANS2AGENT, keyword──► queued ──accept──► agent
//	   └──(StraightToAgent)───────────────────────┘
//	idle in robot or agent: ended, or dormant when Async is set; a CHAT wakes a dormant session
//	DISCONNECT, Desk.End, no poll for SessionTimeout: ended
//
// A poll removes what it returns. What waits for a visitor whose session is
// lost, or who disconnects, is dropped and stays in the history only.
//
// # Control from another process
//
// Beside the API the server answers these JSON endpoints, for programs in other
// processes and for a person with curl. A failure is status 400 and {"error": …}.
// Durations are strings such as "250ms".
//
//	GET    /_sim/state                        waiting visitors, sessions, violations, counters
//	GET    /_sim/sessions?visitor=ID          one session, or all without visitor
//	GET    /_sim/log?after=SEQ&wait=5s        entries after SEQ; with wait, held until there is one
//	GET    /_sim/violations
//	GET    /_sim/switches                     all fields of Switches
//	POST   /_sim/switches  {"OffHours":true}  changes the fields named
//	POST   /_sim/desk      {"do":"accept","visitor":ID,"nickname":"Ada"}
//	                       do: accept, say, robot, system (with text), put (with fields),
//	                       end, read, timeout, lose
//	POST   /_sim/faults    {"op":"send:CHAT","count":1,"fault":{"Drop":true,"Deed":true}}
//	DELETE /_sim/faults                       takes all faults away
//	POST   /_sim/tokens    {"do":"expire-access"}, {"do":"expire-visitor","visitor":ID},
//	                       {"do":"rotate","visitor":ID}
package ccmsim
