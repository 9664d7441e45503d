// Package build names the build that runs.
package build

import (
	"runtime"
	"runtime/debug"
	"sync"
)

// What the release recipe sets with -ldflags "-X ccbridge/cmd/ccbridge/build.version=…"; "" elsewhere.
var version, commit, date string

// Info is what is known of a build. Fields may be "unknown".
type Info struct {
	Version string `json:"version"` // "v1.2.0", or "(devel)"
	Commit  string `json:"commit"`  // "+changes" is added if it had changes that were not committed
	Date    string `json:"date"`    // of the commit, RFC 3339
	Go      string `json:"go"`
	System  string `json:"system"` // operating system and architecture
}

// Read tells what the release recipe set, or else what the Go command noted.
var Read = sync.OnceValue(func() Info {
	info := Info{Version: version, Commit: commit, Date: date, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
	if b, ok := debug.ReadBuildInfo(); ok {
		info.fill(b)
	}
	for _, field := range []*string{&info.Version, &info.Commit, &info.Date} {
		if *field == "" {
			*field = "unknown"
		}
	}
	return info
})

// fill takes what is missing from what the Go command noted.
func (i *Info) fill(b *debug.BuildInfo) {
	noted := map[string]string{}
	for _, s := range b.Settings {
		noted[s.Key] = s.Value
	}
	if i.Version == "" {
		i.Version = b.Main.Version
	}
	if i.Commit == "" && noted["vcs.revision"] != "" {
		i.Commit = noted["vcs.revision"]
		if noted["vcs.modified"] == "true" {
			i.Commit += "+changes"
		}
	}
	if i.Date == "" {
		i.Date = noted["vcs.time"]
	}
}

// String is one line for people.
func (i Info) String() string {
	return "ccbridge " + i.Version + ", commit " + i.Commit + " of " + i.Date + ", " + i.Go + ", " + i.System
}
