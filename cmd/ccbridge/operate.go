package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"ccbridge/bridge"
	"ccbridge/cmd/ccbridge/config"
	"ccbridge/cmd/ccbridge/console"
)

// operator carries out one command of those that look into the bridge or act on it.
type operator struct {
	bridge.Console
	running bool // what is asked for is done at once
	flags   *flag.FlagSet
	config  *string
	json    *bool
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
}

func newOperator(command string, stdin io.Reader, stdout, stderr io.Writer) *operator {
	o := &operator{flags: flag.NewFlagSet(command, flag.ContinueOnError), stdin: stdin, stdout: stdout, stderr: stderr}
	o.config = o.flags.String("config", "config.toml", "the configuration `file`")
	o.json = o.flags.Bool("json", false, "JSON instead of text")
	return o
}

// parse reads flags, which may stand before, between and behind words, and gives the words.
func (o *operator) parse(args []string) (words []string, err error) {
	return parseWords(o.flags, args, o.stdout, o.stderr)
}

// wrong says what is wrong with the command line.
func (o *operator) wrong(format string, args ...any) error {
	return misused(o.stderr, o.flags.Name(), errors.New(shown(fmt.Sprintf(format, args...))))
}

// with opens the console of the configured bridge for do.
func (o *operator) with(ctx context.Context, do func() error) error {
	cfg, faults := config.Load(*o.config, os.LookupEnv)
	broken := 0
	for _, f := range faults { // secrets that are not at hand here are of no matter
		if !f.Warning && (strings.HasPrefix(f.Key, "(") || strings.HasPrefix(f.Key, "store") || strings.HasPrefix(f.Key, "admin.socket")) {
			broken++
			fmt.Fprintln(o.stderr, f)
		}
	}
	if broken > 0 {
		return fmt.Errorf("%s: faults in the configuration: %d", *o.config, broken)
	}
	c, running, done, err := console.Open(ctx, cfg)
	if err != nil {
		return err
	}
	o.Console, o.running = c, running
	return errors.Join(do(), done())
}

// later says when what was asked for is done, if that is not now.
func (o *operator) later() {
	if !o.running && !*o.json {
		fmt.Fprintln(o.stdout, "The bridge does not run: this is done after its next start.")
	}
}

// print writes v as JSON if that was asked for, and else has text write it.
func (o *operator) print(v any, text func()) error {
	if !*o.json {
		text()
		return nil
	}
	return printJSON(o.stdout, v)
}

// printJSON writes v in one line in which nothing can steer a terminal.
func printJSON(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode JSON: %w", err)
	}
	_, err = fmt.Fprintln(w, safeJSON(string(b)))
	return err
}

// safeJSON escapes what a terminal might obey; outside of strings JSON has no such characters.
func safeJSON(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case r == ' ' || unicode.IsPrint(r):
			out.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}

// shown is a text as it may stand on a terminal: in one line, with what is not printable escaped.
func shown(text string) string {
	var out strings.Builder
	for _, r := range text {
		if r == ' ' || unicode.IsPrint(r) {
			out.WriteRune(r)
			continue
		}
		out.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
	}
	return out.String()
}

// moment is a time as people read it: local, with its zone.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05 MST")
}

// finely is a moment with milliseconds.
func finely(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05.000 MST") }

// lasted is how long something lasts, in few characters.
func lasted(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return max(0, time.Since(t)).Round(time.Second).String()
}

var threadID = regexp.MustCompile(`^[a-z2-7]{24}$`)

// thread finds the thread that an id, its place as logs show it, or a link to it or into it, names.
func (o *operator) thread(ctx context.Context, name string) (bridge.ThreadID, error) {
	if threadID.MatchString(name) {
		return bridge.ThreadID(name), nil
	}
	if place := strings.Split(name, "/"); len(place) == 4 && !strings.Contains(name, "://") {
		return bridge.ThreadKey{Adapter: place[0], Space: place[1], Channel: place[2], Root: place[3]}.ID(), nil
	}
	l, err := console.ParseLink(name)
	if err != nil {
		return "", o.wrong("%q: %v", name, err)
	}
	found, err := o.Find(ctx, l)
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", fmt.Errorf("no conversation of this bridge is at %s", shown(name))
	case len(found) > 1:
		var list []string
		for _, t := range found {
			list = append(list, string(t.ID))
		}
		return "", fmt.Errorf("%s may be in several conversations; name one of them: %s", shown(name), strings.Join(list, " "))
	}
	return found[0].ID, nil
}
