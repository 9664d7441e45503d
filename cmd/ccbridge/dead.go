package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"ccbridge/bridge"
)

// runDead lists dead letters, sends them again, or drops them.
func runDead(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	o := newOperator("dead", stdin, stdout, stderr)
	texts := o.flags.Bool("texts", false, "show what they say")
	all := o.flags.Bool("all", false, "all of them")
	thread := o.flags.String("thread", "", "those of a thread, by `id or link`")
	direction := o.flags.String("direction", "", "those that go `up` (to the centre) or down (to the customer)")
	words, err := o.parse(args)
	if err != nil {
		return err
	}
	if len(words) == 0 {
		words = []string{"list"}
	}
	what, ids := words[0], words[1:]
	chosen := *all || *thread != "" || *direction != ""
	switch {
	case what != "list" && what != "resend" && what != "drop":
		return o.wrong("write list, resend or drop, not %q", what)
	case *direction != "" && *direction != string(bridge.Up) && *direction != string(bridge.Down):
		return o.wrong("-direction is up or down, not %q", *direction)
	case *all && (*thread != "" || *direction != ""):
		return o.wrong("-all goes with neither -thread nor -direction")
	case what == "list" && len(ids) > 0:
		return o.wrong("list takes no ids")
	case what != "list" && *texts:
		return o.wrong("-texts goes with list only")
	case what != "list" && (len(ids) > 0) == chosen:
		return o.wrong("name dead letters by their ids, or choose them with -all, -thread or -direction")
	}
	return o.with(ctx, func() error {
		if len(ids) > 0 {
			var named []bridge.DeadID
			for _, id := range ids {
				named = append(named, bridge.DeadID(id))
			}
			return o.actOnDead(ctx, what, named)
		}
		list, err := o.chooseDead(ctx, *texts, *thread, bridge.Direction(*direction))
		if err != nil {
			return err
		}
		if what == "list" {
			return o.print(list, func() { o.printDead(list) })
		}
		var named []bridge.DeadID
		for _, d := range list {
			named = append(named, d.ID)
		}
		return o.actOnDead(ctx, what, named)
	})
}

// chooseDead lists the dead letters of a thread ("": of all) and a direction ("": both).
func (o *operator) chooseDead(ctx context.Context, texts bool, thread string, direction bridge.Direction) ([]bridge.DeadView, error) {
	var in bridge.ThreadID
	var err error
	if thread != "" {
		if in, err = o.thread(ctx, thread); err != nil {
			return nil, err
		}
	}
	all, err := o.Dead(ctx, texts)
	if err != nil {
		return nil, err
	}
	list := []bridge.DeadView{}
	for _, d := range all {
		if (in == "" || d.Thread.ID() == in) && (direction == "" || d.Direction == direction) {
			list = append(list, d)
		}
	}
	return list, nil
}

func (o *operator) printDead(list []bridge.DeadView) {
	if len(list) == 0 {
		fmt.Fprintln(o.stdout, "There are no dead letters.")
		return
	}
	t := tabwriter.NewWriter(o.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tWHEN\tWAY\tREASON\tPLACE")
	for _, d := range list {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", d.ID, moment(d.At), d.Direction, shown(d.Reason), shown(d.Thread.String()))
		for _, text := range d.Texts {
			fmt.Fprintf(t, "\t%s\n", shown(text))
		}
	}
	t.Flush() //nolint:errcheck // as any other write to stdout
}

// actOnDead sends dead letters again, or drops them. It goes on after one that is no more, and fails in the end.
func (o *operator) actOnDead(ctx context.Context, what string, ids []bridge.DeadID) error {
	act, said := o.Resend, "sent again"
	if what == "drop" {
		act, said = o.Drop, "dropped"
	}
	done, gone := []bridge.DeadID{}, 0
	for _, id := range ids {
		err := act(ctx, id)
		switch {
		case errors.Is(err, bridge.ErrNoLetter):
			gone++
			fmt.Fprintf(o.stderr, "ccbridge: there is no dead letter %s, or no more\n", shown(string(id)))
		case err != nil:
			return err
		default:
			done = append(done, id)
		}
	}
	err := o.print(map[string]any{what: done, "now": o.running}, func() {
		fmt.Fprintf(o.stdout, "Dead letters %s: %d.\n", said, len(done))
		if len(done) > 0 {
			o.later()
		}
	})
	if gone > 0 && err == nil {
		err = fmt.Errorf("dead letters not found: %d", gone)
	}
	return err
}
