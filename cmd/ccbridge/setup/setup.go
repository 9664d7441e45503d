// Package setup makes a configuration file from a few questions, for `ccbridge init`.
package setup

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"ccbridge/cmd/ccbridge/config"
)

// Options are the flags of `ccbridge init`, and where its answers come from.
type Options struct {
	Path    string  // of the file to write
	Force   bool    // replace a file that is there
	Secrets string  // "env" or "file": where the configuration says that secrets are
	Answers answers // given on the command line

	Terminal bool                        // somebody can be asked
	Env      func(string) (string, bool) // as os.LookupEnv
}

// answers are what is known, by the name of the question, which is also the flag's.
type answers map[string]string

// Define makes the command line fill in o.
func (o *Options) Define(flags *flag.FlagSet) {
	o.Answers = answers{}
	flags.StringVar(&o.Path, "config", "config.toml", "the configuration `file` to write")
	flags.BoolVar(&o.Force, "force", false, "replace the file if it is there")
	flags.StringVar(&o.Secrets, "secrets", inEnv, "env: secrets come from environment variables; file: from files in secrets/")
	for _, q := range questions {
		flags.Func(q.name, q.ask, func(value string) error {
			o.Answers[q.name] = value
			return nil
		})
	}
}

// Check finds flags that contradict each other.
func (o *Options) Check() error {
	if o.Secrets != inEnv && o.Secrets != inFile {
		return fmt.Errorf("-secrets is %q or %q", inEnv, inFile)
	}
	return nil
}

// Run asks what the flags leave open, writes the file, and says what to do next.
func Run(ctx context.Context, o Options, stdin io.Reader, stdout io.Writer) error {
	if err := mayWrite(o.Path, o.Force); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d := &dialogue{opts: o, known: answers{}, out: stdout}
	if o.Terminal {
		d.lines = readLines(ctx, stdin)
	}
	if err := d.run(ctx); err != nil {
		return err
	}
	text := render(d.known, o.Secrets)
	if err := write(o.Path, text, o.Force); err != nil {
		return err
	}
	if o.Secrets == inFile {
		if err := makeSecretFiles(o.Path, d.known); err != nil {
			return err
		}
	}
	_, faults := config.Load(o.Path, o.Env)
	unset, rest := config.Pending(faults)
	if config.Broken(rest) {
		return fmt.Errorf("%s was written, but: %s", o.Path, rest[0])
	}
	_, err := io.WriteString(stdout, next(o, d.known, unset))
	return err
}

// dialogue collects the answers.
type dialogue struct {
	opts  Options
	known answers
	lines <-chan string // what is typed; closed at the end of the input
	out   io.Writer
}

// readLines reads until stdin or ctx ends. Reading a terminal cannot be interrupted: after Ctrl-C the goroutine stays in
// that call until the process exits, which is at once.
func readLines(ctx context.Context, stdin io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(stdin); scanner.Scan(); {
			select {
			case lines <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

// run goes through the questions. Without a terminal every fault of the flags, and every one that is missing, is told at
// once.
func (d *dialogue) run(ctx context.Context) error {
	var missing, faults []string
	for _, q := range questions {
		if q.when != nil && !q.when(d.known) {
			if _, given := d.opts.Answers[q.name]; given {
				faults = append(faults, fmt.Sprintf("-%s: %s", q.name, cmp.Or(q.unless, "is not needed with the other answers; leave it out")))
			}
			continue
		}
		value, given := d.opts.Answers[q.name]
		if given {
			problem := d.judge(q, value)
			if problem == "" {
				continue
			}
			if !d.opts.Terminal || q.flagOnly {
				faults = append(faults, "-"+q.name+": "+problem)
				d.known[q.name] = q.sample
				continue
			}
			fmt.Fprintf(d.out, "-%s: %s\n", q.name, problem)
		}
		switch {
		case d.opts.Terminal && !q.flagOnly:
			if err := d.askFor(ctx, q); err != nil {
				return err
			}
		case q.required:
			missing = append(missing, fmt.Sprintf("-%s   %s", q.name, q.ask))
			d.known[q.name] = q.sample
		default:
			d.known[q.name] = q.standard
		}
	}
	if len(faults) > 0 {
		return errors.New("these flags are not right:\n  " + strings.Join(faults, "\n  "))
	}
	if len(missing) > 0 {
		return errors.New("there is no terminal to ask on, and these flags are missing:\n  " + strings.Join(missing, "\n  "))
	}
	return nil
}

// askFor asks until the answer is right.
func (d *dialogue) askFor(ctx context.Context, q question) error {
	fmt.Fprintf(d.out, "\n%s\n", q.ask)
	if q.hint != "" {
		fmt.Fprintf(d.out, "  %s\n", q.hint)
	}
	for {
		prompt := "> "
		if q.standard != "" {
			prompt = "[" + q.standard + "] > "
		} else if !q.required {
			prompt = "[none] > "
		}
		fmt.Fprint(d.out, prompt)
		problem := ""
		select {
		case <-ctx.Done():
			return errors.New("interrupted; nothing was written")
		case typed, more := <-d.lines:
			if !more {
				return errors.New("the input ended before all was asked; nothing was written")
			}
			problem = d.judge(q, typed)
		}
		if problem == "" {
			return nil
		}
		fmt.Fprintf(d.out, "  ✗ %s\n", problem)
	}
}

// judge takes an answer, or says what is wrong with it: the configuration's own checks judge a file with this answer and
// samples where none is known yet. A warning is shown, and the answer taken.
func (d *dialogue) judge(q question, value string) (problem string) {
	value = cmp.Or(strings.TrimSpace(value), q.standard)
	switch {
	case value == "" && q.required:
		return "an answer is needed here"
	case strings.ContainsFunc(value, notPrintable):
		return "contains a character that cannot be seen"
	}
	before, had := d.known[q.name]
	d.known[q.name] = value
	if q.check != nil {
		problem = q.check(value)
	}
	if problem == "" {
		problem = d.faultsOf(q)
	}
	if problem != "" {
		delete(d.known, q.name)
		if had {
			d.known[q.name] = before
		}
	}
	return problem
}

func (d *dialogue) faultsOf(q question) string {
	if q.key == nil {
		return ""
	}
	draft := answers{}
	for _, other := range questions {
		draft[other.name] = cmp.Or(d.known[other.name], other.sample)
	}
	draft["platforms"] = cmp.Or(d.known["platforms"], "slack")
	draft[q.name] = d.known[q.name]
	_, faults := config.Parse(d.opts.Path, render(draft, d.opts.Secrets), d.opts.Env)
	_, faults = config.Pending(faults)
	for _, f := range faults {
		if !strings.HasPrefix(f.Key, q.key(draft)) {
			continue
		}
		if !f.Warning {
			return f.Text + "; write " + f.Write
		}
		fmt.Fprintf(d.out, "  ! %s; better %s\n", f.Text, f.Write)
	}
	return ""
}
