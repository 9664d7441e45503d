package ccmsim

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// BenchmarkChat sends texts while 1,000 other visitors hold a long poll.
func BenchmarkChat(b *testing.B) {
	sim := startSim(b, Config{Robot: Robot{Silent: true}, Switches: Switches{PollWait: time.Minute}})
	var held sync.WaitGroup
	for i := range 1000 {
		c := newClient(b, sim, fmt.Sprintf("waiting-%d", i))
		held.Go(func() { _, _ = c.try(c.request("GET", c.pollPath(), nil)) })
	}
	within(b, sim, func(v View) bool { return v.Calls("poll") == 1000 })
	b.ResetTimer()
	b.SetParallelism(8)
	var mu sync.Mutex
	number := 0
	b.RunParallel(func(pb *testing.PB) {
		mu.Lock()
		number++
		c := newClient(b, sim, fmt.Sprintf("talking-%d", number))
		mu.Unlock()
		c.send("CONNECT", "")
		for pb.Next() {
			c.send("CHAT", "hello")
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
	b.StopTimer()
	sim.Close()
	held.Wait()
}
