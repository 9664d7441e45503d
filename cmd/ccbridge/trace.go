package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"ccbridge/bridge"
	"ccbridge/cmd/ccbridge/console"
)

// runTrace prints every step of a message.
func runTrace(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	o := newOperator("trace", stdin, stdout, stderr)
	words, err := o.parse(args)
	if err != nil {
		return err
	}
	if len(words) != 1 {
		return o.wrong("write one link to a message, or one id")
	}
	l, err := console.ParseLink(words[0])
	if err == nil && l.ID == "" {
		err = fmt.Errorf("this link leads to no message")
	}
	if err != nil {
		return o.wrong("%q: %v", words[0], err)
	}
	return o.with(ctx, func() error {
		traces, err := o.Trace(ctx, l)
		if err != nil {
			return err
		}
		if len(traces) == 0 {
			return fmt.Errorf("nothing is known of %s: it never reached this bridge, or is older than what it keeps (store.ledger)", shown(words[0]))
		}
		return o.print(traces, func() { printTraces(stdout, traces) })
	})
}

func printTraces(w io.Writer, traces []bridge.Trace) {
	for i, t := range traces {
		if i > 0 {
			fmt.Fprintln(w)
		}
		way := "from the customer's side to the centre"
		if t.Direction == bridge.Down {
			way = "from the centre to the thread"
		}
		fmt.Fprintf(w, "thread %s (%s), session %d, %s\n", t.Thread.ID(), shown(t.Thread.String()), t.Session, way)
		lines := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		for _, s := range t.Steps {
			fmt.Fprintf(lines, "%s\t%s\t%s\t%s\n", finely(s.At), s.What, shown(s.ID), shown(s.Detail))
		}
		lines.Flush() //nolint:errcheck // as any other write to stdout
	}
}
