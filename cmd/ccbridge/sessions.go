package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"ccbridge/bridge"
)

// runSessions lists conversations, shows one, or ends one.
func runSessions(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	o := newOperator("sessions", stdin, stdout, stderr)
	all := o.flags.Bool("all", false, "also those that are over")
	words, err := o.parse(args)
	if err != nil {
		return err
	}
	if len(words) == 0 {
		words = []string{"list"}
	}
	switch {
	case words[0] == "list" && len(words) == 1:
		return o.with(ctx, func() error { return o.listSessions(ctx, *all) })
	case words[0] == "show" && len(words) == 2 && !*all:
		return o.with(ctx, func() error { return o.showSession(ctx, words[1]) })
	case words[0] == "end" && len(words) == 2 && !*all:
		return o.with(ctx, func() error { return o.endSession(ctx, words[1]) })
	}
	return o.wrong("write list, or show or end with one thread's id or link")
}

func (o *operator) listSessions(ctx context.Context, all bool) error {
	list, err := o.Sessions(ctx, all)
	if err != nil {
		return err
	}
	return o.print(append([]bridge.SessionView{}, list...), func() {
		if len(list) == 0 {
			fmt.Fprintln(o.stdout, "There are no open sessions.")
			return
		}
		t := tabwriter.NewWriter(o.stdout, 0, 8, 2, ' ', 0)
		fmt.Fprintln(t, "THREAD\tSTATE\tFOR\tWAITING\tOLDEST\tCUSTOMER\tPLACE")
		for _, s := range list {
			state := string(s.State)
			if s.Shadow {
				state += " (shadow)"
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n", s.ID, state, lasted(s.Since), s.Waiting, lasted(s.Oldest), shown(string(s.Customer.ID)), shown(s.Thread.String()))
		}
		t.Flush() //nolint:errcheck // as any other write to stdout
	})
}

func (o *operator) showSession(ctx context.Context, name string) error {
	id, err := o.thread(ctx, name)
	if err != nil {
		return err
	}
	s, err := o.Session(ctx, id)
	if errors.Is(err, bridge.ErrNoThread) {
		return fmt.Errorf("there is no thread %s", id)
	}
	if err != nil {
		return err
	}
	return o.print(s, func() {
		t := tabwriter.NewWriter(o.stdout, 0, 8, 2, ' ', 0)
		line := func(name string, value any) { fmt.Fprintf(t, "%s\t%v\n", name, value) }
		line("thread", s.ID)
		line("place", shown(s.Thread.String()))
		line("customer", shown(string(s.Customer.ID)))
		line("session", s.No)
		line("state", fmt.Sprintf("%s since %s", s.State, moment(s.Since)))
		if s.EndedBy != "" && !s.State.Open() {
			line("ended by", s.EndedBy)
		}
		if s.Shadow {
			line("shadow", "nothing of it goes out")
		}
		line("visitor", s.Visitor)
		line("events not yet worked", s.Events)
		line("texts that wait for their turn", s.Held)
		line("texts that wait for the customer's word", s.Asked)
		line("dead letters with a button", s.Letters)
		for _, k := range slices.Sorted(maps.Keys(s.Timers)) {
			line("timer "+string(k), moment(s.Timers[k]))
		}
		for _, d := range s.Outgoing {
			line("delivery "+string(d.ID), outgoing(d))
		}
		t.Flush() //nolint:errcheck // as any other write to stdout
	})
}

// outgoing says what a delivery is and why it is not settled.
func outgoing(d bridge.Outgoing) string {
	text := fmt.Sprintf("%s to the %s, made %s, tries %d", d.Kind, d.To, moment(d.Made), d.Tries)
	if d.Repeats > 0 {
		text += fmt.Sprintf(", repeated in doubt %d", d.Repeats)
	}
	if !d.Deadline.IsZero() {
		text += ", under way until " + moment(d.Deadline)
	}
	if !d.NotBefore.IsZero() {
		text += ", not before " + moment(d.NotBefore)
	}
	return text
}

func (o *operator) endSession(ctx context.Context, name string) error {
	id, err := o.thread(ctx, name)
	if err != nil {
		return err
	}
	err = o.End(ctx, id)
	if errors.Is(err, bridge.ErrNoThread) {
		return fmt.Errorf("there is no open session in thread %s", id)
	}
	if err != nil {
		return err
	}
	return o.print(map[string]any{"ended": id, "now": o.running}, func() {
		fmt.Fprintf(o.stdout, "The session of thread %s ends.\n", id)
		o.later()
	})
}
