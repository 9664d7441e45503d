package discord

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSnowflakes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := snowflake(rapid.Uint64Range(1, 1<<63).Draw(t, "x"))
		y := snowflake(rapid.Uint64Range(1, 1<<63).Draw(t, "y"))
		if got := strings.Compare(x.order(), y.order()); (got < 0) != (x < y) || (got == 0) != (x == y) {
			t.Errorf("%s and %s are ordered as text %d", x, y, got)
		}
		if back, err := parseSnowflake(x.String()); err != nil || back != x {
			t.Errorf("%s is read as %s, %v", x, back, err)
		}
		at := x.time()
		if snowflakeAt(at) > x || lastAt(at) < x || snowflakeAt(at.Add(time.Millisecond)) != lastAt(at)+1 {
			t.Errorf("%s was not made at %s", x, at)
		}
	})
	for _, s := range []string{"", "0", "-1", "1.5", "x", "99999999999999999999"} {
		if id, err := parseSnowflake(s); err == nil {
			t.Errorf("%q is read as %s", s, id)
		}
	}
	if snowflakeAt(time.Time{}) != 0 {
		t.Error("before the first id")
	}
}
