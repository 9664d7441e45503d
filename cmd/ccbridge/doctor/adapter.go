package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ccbridge/bridge"
	"ccbridge/cmd/ccbridge/config"
)

// lineTime bounds the opening of one line.
const lineTime = 30 * time.Second

// adapter lets an adapter look at its platform, and opens its line if that was asked for and takes nothing from anybody.
func (s Subject) adapter(ctx context.Context, f *bridge.Findings, a config.Adapter, o Options, running bool) {
	one, err := s.Adapter(a)
	if err != nil {
		f.Fault(a.Platform+".settings", "", fmt.Sprintf("The adapter cannot be set up: %s.", err), "The bridge does not start.", "Correct [adapters."+a.Name+"].")
		return
	}
	faulty := false
	if e, ok := one.(bridge.Examiner); ok {
		for _, found := range e.Examine(ctx, s.Routes(a.Name), o.Quick) {
			faulty = faulty || found.Level == bridge.FindingFault
			f.Add(found)
		}
	}
	check := a.Platform + ".line"
	switch {
	case !o.Live || ctx.Err() != nil:
	case running:
		f.OK(check, "", "Its line was not opened: a bridge runs, or may run, on the store.")
	case faulty:
		f.OK(check, "", "Its line was not opened: first the faults above.")
	default:
		openLine(ctx, f, check, one)
		rest := time.NewTimer(s.Machine.Rest)
		defer rest.Stop()
		select {
		case <-rest.C:
		case <-ctx.Done():
		}
	}
}

// openLine lets the adapter connect as a bridge does, and stops it as soon as the platform has said hello.
func openLine(ctx context.Context, f *bridge.Findings, check string, one bridge.Adapter) {
	ctx, cancel := context.WithTimeout(ctx, lineTime)
	defer cancel()
	in := &deaf{heard: make(chan bridge.Line, 1)}
	ended := make(chan error, 1)
	go func() { ended <- one.Run(ctx, in) }()
	var l bridge.Line
	var err error
	select {
	case l = <-in.heard:
		cancel()
		<-ended
	case err = <-ended:
	}
	const means = "What customers write does not arrive."
	fix := "See what is said above; if nothing is, look at what is between: a proxy or a firewall that lets no WebSocket through."
	if check == "slack.line" { // Slack gives a socket's address all the same
		fix = "See that Socket Mode is on: https://api.slack.com/apps, the app, Socket Mode, Enable Socket Mode. If it is, look at what is between: a proxy or a firewall that lets no WebSocket through."
	}
	switch {
	case l.State == bridge.LineUp:
		f.OK(check, "", "Its line was opened, and closed again.")
	case l.Detail != "":
		f.Fault(check, "", "Its line cannot be opened: "+l.Detail+".", means, fix)
	case err != nil:
		f.Fault(check, "", fmt.Sprintf("Its line cannot be opened: %s.", err), means, fix)
	default:
		f.Fault(check, "", fmt.Sprintf("Its line did not open within %s.", lineTime), means, fix)
	}
}

// deaf is an inbox that takes nothing, so that nothing is acknowledged.
type deaf struct{ heard chan bridge.Line }

var _ bridge.Inbox = (*deaf)(nil)

var errDeaf = errors.New("the doctor takes no events")

// Put implements bridge.Inbox.
func (d *deaf) Put(context.Context, ...bridge.Event) error { return errDeaf }

// OpenThreads implements bridge.Inbox.
func (d *deaf) OpenThreads(context.Context, string, string, bridge.UserID) ([]bridge.ThreadKey, error) {
	return nil, errDeaf
}

// Report implements bridge.Inbox: the first word about the line counts.
func (d *deaf) Report(_ string, l bridge.Line) {
	select {
	case d.heard <- l:
	default:
	}
}
