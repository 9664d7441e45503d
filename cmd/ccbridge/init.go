package main

import (
	"context"
	"flag"
	"io"
	"os"

	"ccbridge/cmd/ccbridge/setup"
)

// runInit carries out `ccbridge init`: it asks on a terminal, and takes flags without one.
func runInit(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	var opts setup.Options
	flags := flag.NewFlagSet("init", flag.ContinueOnError)
	opts.Define(flags)
	if err := parse(flags, args, stdout, stderr); err != nil {
		return err
	}
	if err := opts.Check(); err != nil {
		return misused(stderr, "init", err)
	}
	opts.Terminal, opts.Env = isTerminal(stdin), os.LookupEnv
	return setup.Run(ctx, opts, stdin, stdout)
}

// isTerminal tells whether somebody can be asked.
func isTerminal(stdin io.Reader) bool {
	f, ok := stdin.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull) // a device too
	return err != nil || !os.SameFile(info, null)
}
