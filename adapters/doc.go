// Package adapters holds one folder per chat platform. This page is for whoever adds one.
//
// An adapter implements bridge.Adapter: a Receiver that brings in what people write, and a Sender that posts. The comments
// there are the contract; in short:
//
//   - Hand an event to Inbox.Put and acknowledge it to the platform only after Put returned nil.
//   - Give the same event the same id whenever and however it comes again: live, redelivered, read by catch-up.
//   - Drop what the bridge itself posted, bots, and every kind of message you do not know.
//   - Report the line: up, down, failed; up with Gap before the first event after a gap.
//   - Render is pure and splits long text before anything is sent. Text is hostile: it must appear as written, ping nobody
//     and look like nobody else's.
//   - Send makes one call, never retries, never waits for a limit, and fails with *bridge.SendError: what is certain, what
//     it concerns, when to try again.
//   - Find looks whether a delivery in doubt was done. "Absent" needs a complete answer; not being allowed to look is an error.
//   - No secret and nobody's words in a log or an error.
//   - Examine (bridge.Examiner, optional) looks at the platform from outside for `ccbridge doctor`: it changes nothing, and
//     each finding says what it means for customers and exactly what to do. What it wants of rights comes from the same list
//     as the manifest or invitation. Package reach tells why a platform cannot be reached.
//
// The usual mistakes: trusting the SDK to retry (it doubles), to reconnect (it storms, or never comes back), to keep
// events in order (it starts a goroutine for each), or to obey a context (it sleeps through rate limits). Run the SDK
// against a strict simulator before believing anything about it.
//
// To add a platform: a folder with the same files and its own simulator, its section in cmd/ccbridge's configuration and
// in config.toml.example, and one line in newAdapter (cmd/ccbridge/service/service.go). Nothing else changes.
package adapters
