package main

import (
	"context"
	"errors"
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
	words, err := parseWords(flags, args, stdout, stderr)
	if err != nil {
		return err
	}
	if len(words) != 1 || words[0] == "" {
		return misused(stderr, "backup", errors.New("the file to write is missing, or is not the only word"))
	}
	target := words[0]
	cfg, faults := config.Load(*path, os.LookupEnv)
	if cfg.Store.Path == "" {
		printFaults(stderr, faults)
		return faultyConfig(*path, faults)
	}
	if err := store.Backup(ctx, cfg.Store.Path, target); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s is a copy of %s\n", target, cfg.Store.Path)
	return nil
}
