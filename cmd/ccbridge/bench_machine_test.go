package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ccbridge/bridge/store"
)

// machine is what the figures depend on beside the program: the disk of the store's folder, and how busy all is.
type machine struct {
	cpus       int
	cpu        time.Duration // of decoding a small JSON object 1,000 times
	fileSystem string
	fsync      time.Duration // an append of 4 KiB and its fsync
	commit     time.Duration // one small transaction of the store, from the call to its return
}

// measureMachine looks at the disk of dir. A file system in memory is refused: there a commit costs nothing.
func measureMachine(b *testing.B, dir string) machine {
	b.Helper()
	m := machine{cpus: runtime.NumCPU(), cpu: timeCPU(b), fileSystem: fileSystem(b, dir), fsync: timeSync(b, dir), commit: timeCommit(b, dir)}
	if m.fileSystem == "tmpfs" {
		b.Fatalf("%s is in memory: set TMPDIR to a folder on a disk", dir)
	}
	return m
}

func (m machine) String() string {
	return fmt.Sprintf("%d CPUs, 1,000 JSON objects %s; %s, fsync %s, commit %s", m.cpus, millis(m.cpu), m.fileSystem, millis(m.fsync), millis(m.commit))
}

func fileSystem(b *testing.B, dir string) string {
	b.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		b.Fatal(err)
	}
	names := map[int64]string{0xef53: "ext4", 0x01021994: "tmpfs", 0x58465342: "xfs", 0x9123683e: "btrfs", 0x794c7630: "overlay"}
	if name, ok := names[int64(st.Type)]; ok {
		return name
	}
	return fmt.Sprintf("file system %#x", st.Type)
}

const rounds = 200

// timeSync is the median over rounds.
func timeSync(b *testing.B, dir string) time.Duration {
	b.Helper()
	f, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, 4096)
	return median(rounds, func() {
		if _, err := f.Write(page); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	})
}

// timeCommit is the median over rounds.
func timeCommit(b *testing.B, dir string) time.Duration {
	b.Helper()
	st, err := store.Open(b.Context(), filepath.Join(dir, "commit.db"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	return median(rounds, func() {
		if err := st.Healthy(b.Context()); err != nil {
			b.Fatal(err)
		}
	})
}

func median(n int, do func()) time.Duration {
	took := make([]time.Duration, n)
	for i := range took {
		start := time.Now()
		do()
		took[i] = time.Since(start)
	}
	return quantile(took, 0.5)
}

// quantile sorts list. It is 0 of nothing.
func quantile(list []time.Duration, q float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[min(int(float64(len(list))*q), len(list)-1)]
}

func millis(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1000) }

// figure is one measured number and its target.
type figure struct {
	name, unit string // unit is that of b.ReportMetric
	value      float64
	target     float64
	atLeast    bool // the target is a lower bound
}

func (f figure) String() string {
	sign, met := "≤", f.value <= f.target
	if f.atLeast {
		sign, met = "≥", f.value >= f.target
	}
	verdict := "met"
	if !met {
		verdict = "MISSED"
	}
	return fmt.Sprintf("%s: %.4g %s (target %s %.4g: %s)", f.name, f.value, f.unit, sign, f.target, verdict)
}

// report tells the figures with what they were measured on and how to measure them again.
func report(b *testing.B, m machine, benchtime string, figures ...figure) {
	b.Helper()
	var lines []string
	for _, f := range figures {
		b.ReportMetric(f.value, f.unit)
		lines = append(lines, f.String())
	}
	b.ReportMetric(0, "ns/op") // means nothing here: leaves it out
	b.Logf("%s\n    on: %s\n    by: go test ./cmd/ccbridge -run '^$' -bench '^%s$' -benchtime %s", strings.Join(lines, "\n    "),
		m, strings.ReplaceAll(b.Name(), "/", "$/^"), benchtime)
}

// timeCPU is the median of 20.
func timeCPU(b *testing.B) time.Duration {
	b.Helper()
	text := []byte(`{"envelope_id":"e-1","payload":{"event":{"type":"message","user":"U0ADA","text":"` + words + `","ts":"1700000000.000100"}}}`)
	return median(20, func() {
		for range 1000 {
			var v map[string]any
			if err := json.Unmarshal(text, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// cpuOf is the user and system time a process has used, to 10 ms (proc(5): stat, fields 14 and 15 in ticks of 1/100 s).
func cpuOf(b *testing.B, pid int) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // from field 3
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// memory is what a process has resident, in MiB (proc(5): status). Of file, the pages of the program itself and of
// the mapped database, the kernel may take back what it likes.
type memory struct{ all, anon, file, highest float64 }

func memoryOf(b *testing.B, pid int) (m memory) {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		kb, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		switch name {
		case "VmRSS":
			m.all = kb / 1024
		case "RssAnon":
			m.anon = kb / 1024
		case "RssFile":
			m.file = kb / 1024
		case "VmHWM":
			m.highest = kb / 1024
		}
	}
	if m.all == 0 {
		b.Fatal("no VmRSS")
	}
	return m
}

// tell reports memory beside the figures.
func (m memory) tell(b *testing.B) {
	b.ReportMetric(m.anon, "MiB-anon")
	b.ReportMetric(m.file, "MiB-file")
	b.ReportMetric(m.highest, "MiB-highest")
}

// ownCPU is what this process, the simulators and the load, has used.
func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	return cpuOf(b, os.Getpid())
}
