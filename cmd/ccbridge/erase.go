package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"ccbridge/bridge"
)

// runErase removes a person from the store.
func runErase(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	o := newOperator("erase", stdin, stdout, stderr)
	adapter := o.flags.String("adapter", "", "only what came through the adapter of this `name`")
	yes := o.flags.Bool("yes", false, "do not ask")
	words, err := o.parse(args)
	if err != nil {
		return err
	}
	if len(words) != 1 || words[0] == "" || strings.ContainsAny(words[0], " /:%\"") {
		return o.wrong("write one person's user id, as the platform shows it")
	}
	if !*yes {
		if !isTerminal(stdin) {
			return o.wrong("nobody can be asked here: write -yes if you mean it")
		}
		fmt.Fprintf(stdout, "Every word, name and file name of %s goes for good, and their open conversations end. Write yes to go on: ", shown(words[0]))
		line, _ := bufio.NewReader(stdin).ReadString('\n')
		if strings.TrimSpace(line) != "yes" {
			return fmt.Errorf("nothing was erased")
		}
	}
	return o.with(ctx, func() error {
		done, err := o.Erase(ctx, *adapter, bridge.UserID(words[0]))
		if err != nil {
			return err
		}
		if done == (bridge.Erased{}) {
			return fmt.Errorf("nothing of %s is in the store", shown(words[0]))
		}
		return o.print(done, func() {
			fmt.Fprintf(stdout, "Erased: %d conversations of theirs, %d records.\n", done.Threads, done.Rows)
			if done.Ended > 0 {
				fmt.Fprintf(stdout, "Sessions that were open and end: %d.\n", done.Ended)
				o.later()
			}
			if done.Waiting > 0 {
				fmt.Fprintf(stdout, "Texts and posts that were on their way and are no longer delivered: %d.\n", done.Waiting)
			}
			fmt.Fprintln(stdout, "Copies of the database, exported transcripts, the platform and the centre keep what they have.")
		})
	})
}
