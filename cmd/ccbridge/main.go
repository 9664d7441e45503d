// Command ccbridge carries conversations between chat platforms and a contact centre.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"ccbridge/cmd/ccbridge/config"
	"ccbridge/cmd/ccbridge/demo"
	"ccbridge/cmd/ccbridge/doctor"
	"ccbridge/cmd/ccbridge/service"
)

const usage = `usage:
  ccbridge run   [-config config.toml]   run the bridge
  ccbridge demo  [-addr 127.0.0.1:0] [-v]
                                         everything outside simulated, on a page in your browser
  ccbridge demo  -terminal | -script [-platform slack|discord] [-v]
                                         the same in this terminal; a conversation that plays and checks itself
  ccbridge demo  -sims                   the simulators alone, on fixed ports
  ccbridge init  [-config config.toml]   ask for what is needed and write the configuration; -h: flags
  ccbridge manifest slack|discord [-config config.toml] [-adapter NAME] [-format FORMAT]
                                         the Slack app's manifest, the Discord bot's invitation
  ccbridge check [-config config.toml]   read the configuration and print every fault
  ccbridge doctor [-config config.toml] [-live] [-json] [-adapter NAME]
                                         look at all that the bridge needs, and say what to do
  ccbridge shadow [-since 24h] [-texts]
                                         what would have been done on routes with shadow = true
  ccbridge backup [-config config.toml] FILE
                                         copy the database, also while the bridge runs
  ccbridge health [-config config.toml | -addr host:port] [-ready]
                                         ask a running bridge whether it lives, or is ready
  ccbridge sessions [list [-all] | show THREAD | end THREAD]
  ccbridge trace  MESSAGE                every step of one message
  ccbridge dead   [list [-texts] | resend | drop] [ID... | -all | -thread THREAD | -direction up|down]
                                         what could not be delivered
  ccbridge export [-thread THREAD] [-from TIME] [-to TIME] [-format jsonl|text] [-o FILE]
                                         a transcript
  ccbridge erase  CUSTOMER [-adapter NAME] [-yes]
                                         remove a person's words for good
                                         These five and shadow take -config and -json, and work on a running
                                         bridge and on a stopped one. THREAD and MESSAGE are links or ids.
  ccbridge password                      ask for a password and print its hash, for the operator's page
  ccbridge version [-json]               name the build: version, commit, date, Go, system
`

// errUsage means that the command line was wrong and that this was said.
var errUsage = errors.New("wrong usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends ctx; then signals have their usual effect again, so a second one kills.
	context.AfterFunc(ctx, stop)
	os.Exit(exitCode(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr), os.Stderr))
}

// exitCode prints err, unless that was done or help was asked for, and returns the code for it.
func exitCode(err error, stderr io.Writer) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	default:
		fmt.Fprintf(stderr, "ccbridge: %v\n", err)
		return 1
	}
}

// run carries out the command line args, without the program's name.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return errUsage
	}
	switch command, args := args[0], args[1:]; command {
	case "run":
		path, err := configFlag(command, args, stdout, stderr)
		if err != nil {
			return err
		}
		return loadAndRun(ctx, path, stderr)
	case "demo":
		var opts demo.Options
		flags := flag.NewFlagSet(command, flag.ContinueOnError)
		opts.Define(flags)
		if err := parse(flags, args, stdout, stderr); err != nil {
			return err
		}
		if err := opts.Check(); err != nil {
			return misused(stderr, command, err)
		}
		return demo.Run(ctx, opts, stdin, stdout, stderr)
	case "init":
		return runInit(ctx, args, stdin, stdout, stderr)
	case "manifest":
		return runManifest(args, stdout, stderr)
	case "doctor":
		return runDoctor(ctx, args, doctor.ThisMachine(), stdout, stderr)
	case "check":
		path, err := configFlag(command, args, stdout, stderr)
		if err != nil {
			return err
		}
		return runCheck(path, stdout, stderr)
	case "shadow":
		return runShadow(ctx, args, stdin, stdout, stderr)
	case "backup":
		return runBackup(ctx, args, stdout, stderr)
	case "health":
		return runHealth(ctx, args, stdout, stderr)
	case "sessions":
		return runSessions(ctx, args, stdin, stdout, stderr)
	case "trace":
		return runTrace(ctx, args, stdin, stdout, stderr)
	case "dead":
		return runDead(ctx, args, stdin, stdout, stderr)
	case "export":
		return runExport(ctx, args, stdin, stdout, stderr)
	case "erase":
		return runErase(ctx, args, stdin, stdout, stderr)
	case "password":
		return runPassword(ctx, args, stdin, stdout, stderr)
	case "version":
		return runVersion(args, stdout, stderr)
	case "help", "-h", "-help", "--help":
		fmt.Fprint(stdout, usage)
		return nil
	default:
		fmt.Fprintf(stderr, "ccbridge: no command %q\n%s", command, usage)
		return errUsage
	}
}

// loadAndRun runs the bridge if its configuration is sound, and else prints the faults. SIGHUP has the configuration read
// again.
func loadAndRun(ctx context.Context, path string, stderr io.Writer) error {
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	cfg, faults := config.Load(path, os.LookupEnv)
	if config.Broken(faults) {
		printFaults(stderr, faults)
		return faultyConfig(path, faults)
	}
	return service.RunLogged(ctx, cfg, faults, stderr, reload)
}

// configFlag parses a command line whose only flag is -config.
func configFlag(command string, args []string, stdout, stderr io.Writer) (string, error) {
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	path := flags.String("config", "config.toml", "the configuration `file`")
	err := parse(flags, args, stdout, stderr)
	return *path, err
}

// parse parses args, says what is wrong with them, and accepts nothing but flags.
func parse(flags *flag.FlagSet, args []string, stdout, stderr io.Writer) error {
	words, err := parseWords(flags, args, stdout, stderr)
	if err == nil && len(words) > 0 {
		err = misused(stderr, flags.Name(), fmt.Errorf("unexpected argument %q", words[0]))
	}
	return err
}

// parseWords reads flags, which may stand before, between and behind words, and gives the words.
func parseWords(flags *flag.FlagSet, args []string, stdout, stderr io.Writer) (words []string, err error) {
	flags.SetOutput(io.Discard)
	for {
		switch err := flags.Parse(args); {
		case errors.Is(err, flag.ErrHelp):
			help(flags, stdout)
			return nil, err
		case err != nil:
			return nil, misused(stderr, flags.Name(), errors.New(shown(err.Error())))
		}
		if args = flags.Args(); len(args) == 0 {
			return words, nil
		}
		words, args = append(words, args[0]), args[1:]
	}
}

// misused says what is wrong with the command line of command; the whole usage would push that off a small screen.
func misused(stderr io.Writer, command string, err error) error {
	fmt.Fprintf(stderr, "ccbridge %s: %v\nusage: ccbridge %s -h\n", command, err, command)
	return errUsage
}

// help answers -h.
func help(flags *flag.FlagSet, stdout io.Writer) {
	fmt.Fprintf(stdout, "%s\nflags of %s:\n", usage, flags.Name())
	flags.SetOutput(stdout)
	flags.PrintDefaults()
}
