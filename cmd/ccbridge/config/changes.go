package config

import (
	"slices"
	"strings"
)

// Changes lists the keys that differ between two configurations, in the order of the newer one. Adapters and routes that
// only one of them has are named as a whole: "adapters.acme", "routes[2]".
func Changes(older, newer Config) []string {
	was := map[string]Setting{}
	for _, s := range older.Settings {
		was[s.Key] = s
	}
	var keys []string
	add := func(key string) {
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	for _, s := range newer.Settings {
		switch old, found := was[s.Key]; {
		case !found:
			add(wholeOf(s.Key))
		case old.Value != s.Value, older.hidden[s.Key].Reveal() != newer.hidden[s.Key].Reveal():
			add(s.Key)
		}
		delete(was, s.Key)
	}
	for _, s := range older.Settings {
		if _, gone := was[s.Key]; gone {
			add(wholeOf(s.Key))
		}
	}
	return keys
}

// wholeOf is the adapter or route to which a key belongs.
func wholeOf(key string) string {
	if strings.HasPrefix(key, "adapters.") {
		return strings.Join(strings.SplitN(key, ".", 3)[:2], ".")
	}
	whole, _, _ := strings.Cut(key, ".")
	return whole
}
