package demo

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// process is the bridge as a child of the demo, so that it can be killed for real.
type process struct {
	command []string          // the program and its arguments
	hear    func(line []byte) // takes each line of its log; the slice is valid during the call only
	tell    func(event, detail string)

	rests time.Duration // restTime outside tests
	again chan struct{} // asks for a start

	mu      sync.Mutex
	running *exec.Cmd // nil while it does not run
	killed  bool      // the present end is our doing
	view    processView
}

// processView is what the page shows of the process.
type processView struct {
	State string    `json:"state"` // "running", "killed", "ended"
	PID   int       `json:"pid,omitempty"`
	Since time.Time `json:"since"`
	Kills int       `json:"kills"`
	// Again is when it starts again by itself; zero: it does not.
	Again time.Time `json:"again,omitzero"`
}

const (
	// restTime is how long a killed bridge stays dead, unless somebody starts it before.
	restTime = 8 * time.Second
	// stopTime is how long the bridge may take to stop in order.
	stopTime = 5 * time.Second
	// maxLogLine bounds the line of the log that is looked at; what is longer is left out.
	maxLogLine = 64 << 10
)

func newProcess(command []string, hear func([]byte), tell func(event, detail string)) *process {
	return &process{command: command, hear: hear, tell: tell, rests: restTime, again: make(chan struct{}, 1), view: processView{State: "ended", Since: time.Now()}}
}

// run keeps the bridge running until ctx ends; then it stops it and waits for it.
func (p *process) run(ctx context.Context) {
	// On Linux the child dies with the thread that started it: this one must live as long as the demo.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for ctx.Err() == nil {
		err := p.live(ctx)
		if ctx.Err() != nil {
			return
		}
		p.rest(ctx, err)
	}
}

// live starts the bridge and returns when it has ended.
func (p *process) live(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, p.command[0], p.command[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTime
	diesWithUs(cmd)
	log, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.running, p.killed = cmd, false
	p.view.State, p.view.PID, p.view.Since, p.view.Again = "running", cmd.Process.Pid, time.Now(), time.Time{}
	p.mu.Unlock()
	p.tell("started", "")
	p.read(log)
	return cmd.Wait()
}

// read hears the log until it ends.
func (p *process) read(log io.Reader) {
	lines := bufio.NewReaderSize(log, maxLogLine)
	for {
		line, err := lines.ReadSlice('\n')
		for errors.Is(err, bufio.ErrBufferFull) {
			line = nil
			_, err = lines.ReadSlice('\n')
		}
		if len(line) > 0 {
			p.hear(line)
		}
		if err != nil {
			return
		}
	}
}

// rest notes how the bridge ended and waits until it shall start again.
func (p *process) rest(ctx context.Context, err error) {
	p.mu.Lock()
	killed := p.killed
	p.running = nil
	p.view.State, p.view.PID, p.view.Since = "ended", 0, time.Now()
	var due <-chan time.Time
	if killed {
		timer := time.NewTimer(p.rests)
		defer timer.Stop()
		due = timer.C
		p.view.State, p.view.Again = "killed", time.Now().Add(p.rests)
	}
	p.mu.Unlock()
	switch {
	case killed:
		p.tell("killed", "SIGKILL")
	case err != nil:
		p.tell("ended", err.Error())
	default:
		p.tell("ended", "by itself")
	}
	select {
	case <-ctx.Done():
	case <-p.again:
	case <-due:
	}
}

// kill is kill -9.
func (p *process) kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil || p.killed {
		return errors.New("the bridge does not run")
	}
	if err := p.running.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	p.killed = true
	p.view.Kills++
	select { // a wish from before
	case <-p.again:
	default:
	}
	return nil
}

// start starts a bridge that is not running, at once.
func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running != nil && !p.killed {
		return errors.New("the bridge runs already")
	}
	select {
	case p.again <- struct{}{}:
	default: // asked for already
	}
	return nil
}

func (p *process) now() processView {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.view
}
