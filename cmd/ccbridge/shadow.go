package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"ccbridge/bridge"
)

// runShadow reports what the routes in shadow mode would have done, from a running bridge or a stopped one's store.
func runShadow(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	o := newOperator("shadow", stdin, stdout, stderr)
	since := o.flags.Duration("since", 24*time.Hour, "how far to look back")
	texts := o.flags.Bool("texts", false, "with the words, as the ledger keeps them")
	words, err := o.parse(args)
	if err != nil {
		return err
	}
	if len(words) > 0 {
		return o.wrong("unexpected argument %q", words[0])
	}
	return o.with(ctx, func() error {
		views, err := o.Shadows(ctx, time.Now().Add(-*since), *texts)
		if err != nil {
			return err
		}
		if *o.json {
			return printJSON(stdout, struct {
				Threads []bridge.ShadowView `json:"threads"`
				Sum     bridge.ShadowView   `json:"sum"`
			}{append([]bridge.ShadowView{}, views...), sumOf(views)})
		}
		return printShadows(stdout, views, *since)
	})
}

// sumOf adds up all threads.
func sumOf(views []bridge.ShadowView) bridge.ShadowView {
	sum := bridge.ShadowView{Calls: map[bridge.CallKind]int{}, Posts: map[bridge.MessageKind]int{}}
	for _, v := range views {
		for k, n := range v.Calls {
			sum.Calls[k] += n
		}
		for k, n := range v.Posts {
			sum.Posts[k] += n
		}
		sum.Refused += v.Refused
	}
	return sum
}

func printShadows(w io.Writer, views []bridge.ShadowView, since time.Duration) error {
	if len(views) == 0 {
		_, err := fmt.Fprintf(w, "Nothing would have been done in the last %s. (Routes with shadow = true are reported here.)\n", since)
		return err
	}
	var b strings.Builder
	for _, v := range views {
		fmt.Fprintf(&b, "%s\n    %s\n", v.Thread, inWords(v))
		for _, l := range v.Lines {
			fmt.Fprintf(&b, "    %s  session %d  %s: %q\n", l.At.UTC().Format("2006-01-02 15:04:05"), l.Session, l.Kind, l.Text)
		}
	}
	fmt.Fprintf(&b, "in sum, %d threads in the last %s\n    %s\n", len(views), since, inWords(sumOf(views)))
	_, err := io.WriteString(w, b.String())
	return err
}

// inWords says what would have been done: to the centre, then shown.
func inWords(v bridge.ShadowView) string {
	text := fmt.Sprintf("sessions %d, texts to the centre %d, transfers %d, ends %d; posts", v.Calls[bridge.CallConnect], v.Calls[bridge.CallChat],
		v.Calls[bridge.CallTransfer], v.Calls[bridge.CallDisconnect])
	for _, kind := range slices.Sorted(maps.Keys(v.Posts)) {
		text += fmt.Sprintf(" %s %d,", kind, v.Posts[kind])
	}
	if len(v.Posts) == 0 {
		text += " none,"
	}
	return fmt.Sprintf("%s refused texts %d", text, v.Refused)
}
