// Package discord carries threads, forum posts and direct messages of Discord to the core of the bridge.
//
// Data comes in by the gateway: relay.go (frames between Discord and the SDK) → session.go (the SDK's session) →
// line.go (keeps it up) → receive.go (dispatches into lanes) → lanes.go (in order per thread, to the inbox). It goes
// out by REST: format.go and split.go (Render) → send.go (Send) → rest.go, with find.go to look and catchup.go to read
// what was missed.
//
// The SDK (discordgo v0.29) does the gateway's handshake, heartbeats and resuming, and gives names to endpoints, codes
// and types. All REST calls are made directly: the SDK neither obeys contexts while it waits for limits, nor keeps the
// status and headers of a failure, nor knows the nonce.
package discord
