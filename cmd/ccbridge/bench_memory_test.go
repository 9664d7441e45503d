package main

import (
	"testing"
	"time"
)

// liveSessions is how many sessions are on long polls in BenchmarkMemory/sessions.
const liveSessions = 1000

// BenchmarkMemory measures the resident memory of a bridge that nobody talks to, 10 s after it was ready or had its
// last message; one operation is one such wait. Targets of the issue: 25 MiB with nothing, 80 MiB with 1,000 live
// sessions, each on its long poll.
func BenchmarkMemory(b *testing.B) {
	b.Run("idle", func(b *testing.B) { resident(b, 0, 25) })
	b.Run("sessions", func(b *testing.B) { resident(b, liveSessions, 80) })
}

func resident(b *testing.B, sessions int, target float64) {
	w := newBenchWorld(b)
	b.Cleanup(w.clean)
	w.startBridge(w.dir, w.centre.URL())
	w.awaitReady()
	w.openThreads(sessions)
	var most float64
	pid := w.process.Process.Pid
	cpu, start := cpuOf(b, pid), time.Now()
	for b.Loop() {
		<-time.After(10 * time.Second)
		m := memoryOf(b, pid)
		m.tell(b)
		most = max(most, m.all)
	}
	polled := 0
	for _, s := range w.centre.Sessions() {
		polled += s.Pollers
	}
	if polled < sessions*9/10 { // the others are between two polls
		b.Errorf("%d sessions are polled, want %d", polled, sessions)
	}
	b.ReportMetric(100*(cpuOf(b, pid)-cpu).Seconds()/time.Since(start).Seconds(), "%cpu")
	report(b, w.machine, "1x", figure{name: "resident memory, " + b.Name(), value: most, unit: "MiB", target: target})
}
