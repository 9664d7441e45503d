// Package slack is the bridge's adapter for Slack: Socket Mode in, Web API out, on github.com/slack-go/slack.
//
// # In
//
// Two supervised sockets (socket.go) feed one receiver (receive.go): an envelope is decoded from its raw payload
// (payload.go, message.go, interactions.go), queued by thread, put into the inbox and only then acknowledged, on the
// socket it came from. Threads are shared out among a fixed number of workers; a worker takes what waits in its queue
// in one Put, so a thread keeps its order and many threads commit together. A full queue drops the envelope without
// acknowledging it: Slack sends it again.
//
// Slack's own decoder is used for the line only. Payloads are decoded here, leniently: an envelope the library cannot
// read (an unknown block, say) is carried all the same.
//
// # Out
//
// Render (format.go) cuts text to Slack's length, Send (send.go) posts one piece with the delivery's id as metadata,
// Find (find.go) looks for that id. A reply to a deleted root is posted by Slack into the channel for all to see:
// Send compares the returned thread and takes such a stray back at once; what it could not take back Find does.
//
// # Length, literal text
//
// Text travels escaped (& < >) with mrkdwn switched off, so that it appears as written and notifies nobody. Lengths
// are counted in UTF-16 units after escaping, never fewer than characters.
package slack
