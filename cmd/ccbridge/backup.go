package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"ccbridge/bridge/store"
	"ccbridge/cmd/ccbridge/config"
)

// runBackup writes a copy of the database to a new file, also while a bridge is at work on it.
func runBackup(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("backup", flag.ContinueOnError)
	path := flags.String("config", "config.toml", "the configuration `file` that names the database")
	var target string
	if n := len(args); n > 0 && args[n-1] != "" && args[n-1][0] != '-' {
		args, target = args[:n-1], args[n-1]
	}
	if err := parse(flags, args, stdout, stderr); err != nil {
		return err
	}
	if target == "" {
		fmt.Fprintf(stderr, "ccbridge backup: the file to write is missing\n%s", usage)
		return errUsage
	}
	cfg, faults := config.Load(*path, os.LookupEnv)
	if cfg.Store.Path == "" {
		return faultyConfig(*path, faults)
	}
	if err := store.Backup(ctx, cfg.Store.Path, target); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s is a copy of %s\n", target, cfg.Store.Path)
	return nil
}
