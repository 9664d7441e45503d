package bridgetest

import (
	"maps"
	"sync"
	"time"

	"ccbridge/bridge"
)

// Meter counts what happens, by name: "delivered <target> <result>", "repeated", "dead <direction>", "possible loss",
// "limited <adapter>", "reconnected <adapter>", "caught up <adapter>", "missed <adapter>", "call <to> <call>",
// "looked <to> <found>", "poll failed", "defect", "opened <adapter>", "ended <adapter> <by>", "transferred <result>", "agent came", "event <adapter> <result>", "gap <adapter>".
type Meter struct {
	mu     sync.Mutex
	counts map[string]int
}

var _ bridge.Meter = (*Meter)(nil)

// Counts gives all counts.
func (m *Meter) Counts() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.counts)
}

// Count gives one of them.
func (m *Meter) Count(name string) int { return m.Counts()[name] }

func (m *Meter) add(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counts == nil {
		m.counts = map[string]int{}
	}
	m.counts[name]++
}

// Delivered implements bridge.Meter.
func (m *Meter) Delivered(to bridge.Target, result string) {
	m.add("delivered " + string(to) + " " + result)
}

// Repeated implements bridge.Meter.
func (m *Meter) Repeated() { m.add("repeated") }

// DeadLetter implements bridge.Meter.
func (m *Meter) DeadLetter(d bridge.Direction) { m.add("dead " + string(d)) }

// PossibleLoss implements bridge.Meter.
func (m *Meter) PossibleLoss() { m.add("possible loss") }

// CallTook implements bridge.Meter.
func (m *Meter) CallTook(to, call string, _ time.Duration) { m.add("call " + to + " " + call) }

// Limited implements bridge.Meter.
func (m *Meter) Limited(adapter string, _ time.Duration) { m.add("limited " + adapter) }

// Reconnected implements bridge.Meter.
func (m *Meter) Reconnected(adapter string) { m.add("reconnected " + adapter) }

// CaughtUp implements bridge.Meter.
func (m *Meter) CaughtUp(adapter string) { m.add("caught up " + adapter) }

// Missed implements bridge.Meter.
func (m *Meter) Missed(adapter string) { m.add("missed " + adapter) }

// Looked implements bridge.Meter.
func (m *Meter) Looked(to string, found bridge.Certainty) {
	m.add("looked " + to + " " + found.String())
}

// PollFailed implements bridge.Meter.
func (m *Meter) PollFailed() { m.add("poll failed") }

// Defect implements bridge.Meter.
func (m *Meter) Defect() { m.add("defect") }

// Opened implements bridge.Meter.
func (m *Meter) Opened(adapter string) { m.add("opened " + adapter) }

// Ended implements bridge.Meter.
func (m *Meter) Ended(adapter string, by bridge.EndedBy) {
	m.add("ended " + adapter + " " + string(by))
}

// Transferred implements bridge.Meter.
func (m *Meter) Transferred(result bridge.TransferResult) { m.add("transferred " + string(result)) }

// AgentCame implements bridge.Meter.
func (m *Meter) AgentCame(time.Duration) { m.add("agent came") }

// Event implements bridge.Meter.
func (m *Meter) Event(adapter string, result bridge.EventResult) {
	m.add("event " + adapter + " " + string(result))
}

// Gap implements bridge.Meter.
func (m *Meter) Gap(adapter string) { m.add("gap " + adapter) }
