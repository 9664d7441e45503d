package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"ccbridge/bridge"
)

// runExport writes a transcript.
func runExport(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	o := newOperator("export", stdin, stdout, stderr)
	thread := o.flags.String("thread", "", "of one thread, by `id or link`")
	from := o.flags.String("from", "", "from this `time` on")
	to := o.flags.String("to", "", "before this `time`")
	format := o.flags.String("format", "", "jsonl or text")
	file := o.flags.String("o", "", "the `file` to write, readable for you alone")
	words, err := o.parse(args)
	if err != nil {
		return err
	}
	var span bridge.Span
	now := time.Now()
	var err1, err2 error
	span.From, err1 = parseMoment(*from, now)
	span.To, err2 = parseMoment(*to, now)
	if *format == "" {
		*format = map[bool]string{true: "jsonl", false: "text"}[*o.json]
	}
	switch {
	case len(words) > 0:
		return o.wrong("unexpected argument %q", words[0])
	case *format != "jsonl" && *format != "text" || *o.json && *format == "text":
		return o.wrong("-format is jsonl or text, not %q", *format)
	case err1 != nil || err2 != nil:
		return o.wrong("%v", errors.Join(err1, err2))
	case !span.From.IsZero() && !span.To.IsZero() && !span.From.Before(span.To):
		return o.wrong("-from is not before -to")
	}
	return o.with(ctx, func() error {
		if *thread != "" {
			if span.Thread, err = o.thread(ctx, *thread); err != nil {
				return err
			}
			if _, err := o.Session(ctx, span.Thread); errors.Is(err, bridge.ErrNoThread) {
				return fmt.Errorf("there is no thread %s", span.Thread)
			}
		}
		if *file == "" {
			return o.export(ctx, span, *format, stdout)
		}
		return o.exportTo(ctx, span, *format, *file)
	})
}

// parseMoment reads a time: a day, a day and a time of this machine's zone, RFC 3339, or how long ago. "" is none.
func parseMoment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 15:04:05"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: write 2026-07-31, \"2026-07-31 14:00\", 2026-07-31T14:00:00Z, or 24h for that long ago", text)
}

// exportTo writes into a file that only its owner can read. A file that is not whole is removed.
func (o *operator) exportTo(ctx context.Context, span bridge.Span, format, file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the transcript: %w", err)
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() { // a device is neither to be closed to others nor removed
		return errors.Join(fmt.Errorf("write the transcript: %s is no file; leave -o away to write to stdout", file), err, f.Close())
	}
	err = f.Chmod(0o600)
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		err = o.export(ctx, span, format, f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return nil
}

func (o *operator) export(ctx context.Context, span bridge.Span, format string, w io.Writer) error {
	out := bufio.NewWriter(w)
	var last bridge.ThreadKey
	err := o.Transcript(ctx, span, func(e bridge.Entry) error {
		if format == "jsonl" {
			return printJSON(out, e)
		}
		if e.Thread != last {
			if last != (bridge.ThreadKey{}) {
				fmt.Fprintln(out)
			}
			last = e.Thread
			fmt.Fprintf(out, "thread %s (%s)\n", e.Thread.ID(), shown(e.Thread.String()))
		}
		_, err := fmt.Fprintln(out, entryLine(e))
		return err
	})
	return errors.Join(err, out.Flush())
}

// entryLine is one line of a readable transcript.
func entryLine(e bridge.Entry) string {
	who := e.Who
	if e.Name != "" {
		who += " " + shown(e.Name)
	}
	var marks []string
	if e.Edited {
		marks = append(marks, "changed")
	}
	if e.Deleted {
		marks = append(marks, "taken back")
	}
	for _, f := range e.Files {
		marks = append(marks, "file "+shown(f))
	}
	if e.Verb != "" {
		marks = append(marks, "asked: "+string(e.Verb))
	}
	if e.Outcome != "" && e.Outcome != bridge.Delivered {
		marks = append(marks, string(e.Outcome))
	}
	text := shown(e.Text)
	if len(marks) > 0 {
		text = strings.TrimSpace(text + " [" + strings.Join(marks, ", ") + "]")
	}
	return fmt.Sprintf("%s  #%d  %s: %s", moment(e.At), e.Session, who, text)
}
