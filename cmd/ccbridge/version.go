package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"

	"ccbridge/cmd/ccbridge/build"
)

// runVersion names the build.
func runVersion(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("version", flag.ContinueOnError)
	asJSON := flags.Bool("json", false, "as JSON")
	if err := parse(flags, args, stdout, stderr); err != nil {
		return err
	}
	if !*asJSON {
		fmt.Fprintln(stdout, build.Read())
		return nil
	}
	return json.NewEncoder(stdout).Encode(build.Read())
}
