package discord

import "sync"

// cache is a map that holds at most limit entries; the oldest makes room. It is safe for concurrent use.
type cache[K comparable, V any] struct {
	mu      sync.Mutex
	limit   int
	entries map[K]V
	order   []K // ring: the keys as they came in
	next    int
}

func newCache[K comparable, V any](limit int) *cache[K, V] {
	return &cache[K, V]{limit: limit, entries: make(map[K]V)}
}

func (c *cache[K, V]) find(k K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.entries[k]
	return v, ok
}

func (c *cache[K, V]) put(k K, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.entries[k]; !ok {
		if len(c.order) < c.limit {
			c.order = append(c.order, k)
		} else {
			delete(c.entries, c.order[c.next])
			c.order[c.next] = k
			c.next = (c.next + 1) % c.limit
		}
	}
	c.entries[k] = v
}
