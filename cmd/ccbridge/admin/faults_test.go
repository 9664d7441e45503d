package admin

import (
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestFaults: warnings and errors are kept with their attributes, and everything goes on to the log as it was.
func TestFaults(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	faults := &Faults{}
	log := slog.New(faults.Tee(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})))
	log.Debug("unseen")
	log.Info("fine")
	log.With("part", "acme").WithGroup("call").Warn("slow", "took", time.Second, slog.Group("of", "name", "x"))
	log.Error("broken", "error", fmt.Errorf("no %d", 1))
	const want = "level=INFO msg=fine\nlevel=WARN msg=slow part=acme call.took=1s call.of.name=x\nlevel=ERROR msg=broken error=\"no 1\"\n"
	if out.String() != want {
		t.Errorf("log:\n%s", &out)
	}
	last, total := faults.Last()
	for i := range last {
		if last[i].At.IsZero() {
			t.Error("no time")
		}
		last[i].At = time.Time{}
	}
	if wanted := []Fault{{Level: "ERROR", What: "broken", Details: []Detail{{"error", "no 1"}}},
		{Level: "WARN", What: "slow", Details: []Detail{{"part", "acme"}, {"call.took", "1s"}, {"call.of.name", "x"}}}}; total != 2 || !reflect.DeepEqual(last, wanted) {
		t.Errorf("%d kept: %+v", total, last)
	}
}

// TestFaultsAreBounded: in number, in attributes and in length; also with a log that only shows errors.
func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()
	faults := &Faults{}
	log := slog.New(faults.Tee(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError})))
	var many []any
	for i := range 3 * maxDetails {
		many = append(many, slog.String(fmt.Sprint("k", i), strings.Repeat("x", 3*maxDetail)))
	}
	for i := range maxFaults + 7 {
		log.Warn(fmt.Sprint("fault ", i), many...)
	}
	last, total := faults.Last()
	if len(last) != maxFaults || total != maxFaults+7 || last[0].What != "fault 106" || last[maxFaults-1].What != "fault 7" {
		t.Errorf("%d of %d kept, from %q to %q", len(last), total, last[len(last)-1].What, last[0].What)
	}
	if d := last[0].Details; len(d) != maxDetails || len(d[0].Value) > maxDetail+len("…") {
		t.Errorf("%d details", len(d))
	}
}

// TestFaultsShared: loggers made from each other do not write into each other's attributes.
func TestFaultsShared(t *testing.T) {
	t.Parallel()
	faults := &Faults{}
	log := slog.New(faults.Tee(slog.DiscardHandler)).With("x", 1).With("y", 1).With("z", 1) // with room for one more
	one, two := log.With("b", 1), log.With("b", 2)
	one.Warn("one", "c", 1)
	two.Warn("two", "c", 2)
	last, _ := faults.Last()
	if got := fmt.Sprint(last[1].Details, last[0].Details); got != "[{x 1} {y 1} {z 1} {b 1} {c 1}] [{x 1} {y 1} {z 1} {b 2} {c 2}]" {
		t.Error(got)
	}
}
