package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/term"
)

// A password has at least minPassword bytes, and at most the maxPassword that bcrypt looks at. passwordCost makes a
// check take about a quarter of a second.
const (
	minPassword  = 12
	maxPassword  = 72
	passwordCost = 12
)

// runPassword asks for a password, twice on a terminal, and prints its hash for [admin].
func runPassword(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if err := parse(flag.NewFlagSet("password", flag.ContinueOnError), args, stdout, stderr); err != nil {
		return err
	}
	password, err := readPassword(ctx, stdin, stderr)
	if err != nil {
		return fmt.Errorf("read the password: %w", err)
	}
	if n := len(password); n < minPassword || n > maxPassword {
		return fmt.Errorf("the password has %d bytes: it must have from %d to %d", n, minPassword, maxPassword)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), passwordCost)
	if err != nil {
		return fmt.Errorf("make the password's hash: %w", err)
	}
	fmt.Fprintln(stdout, string(hash))
	fmt.Fprintf(stderr, "Put this hash into the environment of ccbridge (in single quotes, for it contains $), and into the configuration:\n"+
		"  [admin]\n  password_hash = \"env:CCBRIDGE_ADMIN_PASSWORD_HASH\"\n")
	return nil
}

// readPassword reads one line, on a terminal twice and unseen.
func readPassword(ctx context.Context, stdin io.Reader, stderr io.Writer) (string, error) {
	f, ok := stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(stdin, 4<<10)).ReadString('\n')
		if err != nil && (!errors.Is(err, io.EOF) || line == "") {
			return "", err
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	first, err := readUnseen(ctx, f, "New password: ", stderr)
	if err != nil {
		return "", err
	}
	second, err := readUnseen(ctx, f, "The same again: ", stderr)
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two are not the same")
	}
	return first, nil
}

// readUnseen reads a line from a terminal without showing it. When ctx ends the terminal is as it was; the reading
// itself cannot be ended, but then the program does.
func readUnseen(ctx context.Context, terminal *os.File, prompt string, stderr io.Writer) (string, error) {
	fd := int(terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	type result struct {
		line []byte
		err  error
	}
	read := make(chan result, 1)
	fmt.Fprint(stderr, prompt)
	go func() {
		line, err := term.ReadPassword(fd)
		read <- result{line, err}
	}()
	defer fmt.Fprintln(stderr)
	select {
	case r := <-read:
		return string(r.line), r.err
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), term.Restore(fd, before))
	}
}
