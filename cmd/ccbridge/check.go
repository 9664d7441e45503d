package main

import (
	"fmt"
	"io"
	"os"

	"ccbridge/cmd/ccbridge/config"
)

// runCheck reads the configuration at path and prints every fault and warning to
// stdout, one line each. It fails if there is a fault. Nothing is opened or
// called but the file and those it refers to.
func runCheck(path string, stdout, stderr io.Writer) error {
	_, faults := config.Load(path, os.LookupEnv)
	printFaults(stdout, faults)
	if config.Broken(faults) {
		return faultyConfig(path, faults)
	}
	fmt.Fprintf(stderr, "ccbridge: %s has no faults; warnings: %d\n", path, len(faults))
	return nil
}

// printFaults writes one line for each fault and warning.
func printFaults(w io.Writer, faults []config.Fault) {
	for _, f := range faults {
		fmt.Fprintln(w, f)
	}
}

// faultyConfig is the error for a configuration whose faults were printed.
func faultyConfig(path string, faults []config.Fault) error {
	n := 0
	for _, f := range faults {
		if !f.Warning {
			n++
		}
	}
	return fmt.Errorf("%s: faults in the configuration: %d", path, n)
}
