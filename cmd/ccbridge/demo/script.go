package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"ccbridge/ccm/ccmsim"
)

// stepTime is how long one step of the script may take.
const stepTime = 8 * time.Second

// script is a conversation that plays itself. Whether something happened is read from the simulators' records only.
type script struct {
	*stage
	thread  string
	wrote   []string // the customer's words, in order
	visitor string   // of the present session
}

// step is one thing that must happen.
type scriptStep struct {
	title string
	do    func(*script, context.Context) error
}

// playScript plays the whole conversation, prints each step, and fails at the first that did not happen.
func playScript(ctx context.Context, s *stage, stdout io.Writer) error {
	p := &script{stage: s}
	fmt.Fprintln(stdout, s.chat.name())
	for _, step := range scriptSteps {
		begun := time.Now()
		err := p.play(ctx, step)
		took := fmt.Sprintf("%5d ms", time.Since(begun).Milliseconds())
		if err != nil {
			fmt.Fprintf(stdout, "  ✗ %s  %s\n               %v\n", took, step.title, err)
			return fmt.Errorf("step %q: %w", step.title, err)
		}
		fmt.Fprintf(stdout, "  ✓ %s  %s\n", took, step.title)
	}
	return nil
}

func (p *script) play(ctx context.Context, step scriptStep) error {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	return step.do(p, ctx)
}

// say writes as the customer and remembers it.
func (p *script) say(ctx context.Context, texts ...string) error {
	for _, text := range texts {
		if err := p.chat.say(ctx, p.thread, text); err != nil {
			return fmt.Errorf("write into the thread: %w", err)
		}
		p.wrote = append(p.wrote, text)
	}
	return nil
}

// press presses the newest button of an action, once it is there.
func (p *script) press(ctx context.Context, action string) error {
	var found button
	err := p.sees(ctx, "a button "+action, func(lines []line) bool {
		b, there := buttonWith(lines, action)
		found = b
		return there
	})
	if err != nil {
		return err
	}
	return p.chat.press(found)
}

// sees waits until the thread is as cond wants it.
func (p *script) sees(ctx context.Context, what string, cond func([]line) bool) error {
	err := p.chat.until(ctx, func(see func(string) []line) bool { return cond(see(p.thread)) })
	if err != nil {
		return fmt.Errorf("%s not seen in the thread, which shows %q (%w)", what, texts(p.chat.lines(p.thread)), err)
	}
	return nil
}

// reads waits until the thread shows these texts of one speaker, in this order.
func (p *script) reads(ctx context.Context, who string, want ...string) error {
	return p.sees(ctx, fmt.Sprintf("%q by %s", want, who), func(lines []line) bool {
		rest := want
		for _, l := range lines {
			if len(rest) > 0 && l.Who == who && l.Text == rest[0] {
				rest = rest[1:]
			}
		}
		return len(rest) == 0
	})
}

// centreHas waits until the present session is as cond wants it.
func (p *script) centreHas(ctx context.Context, what string, cond func(ccmsim.Session) bool) error {
	err := p.centre.Until(ctx, func(v ccmsim.View) bool { return cond(v.Session(p.visitor)) })
	if err != nil {
		have := p.centre.Session(p.visitor)
		return fmt.Errorf("%s did not come about; the session is %q, robot got %q, agent got %q (%w)",
			what, have.State, have.ToRobot, have.ToAgent, err)
	}
	return nil
}

func (p *script) centreIs(ctx context.Context, state ccmsim.State) error {
	return p.centreHas(ctx, fmt.Sprintf("state %q at the centre", state), func(s ccmsim.Session) bool { return s.State == state })
}

// deeds counts what the centre accepted.
func (p *script) deeds(op string) int {
	n := 0
	for _, e := range p.centre.Log() {
		if e.Op == op {
			n++
		}
	}
	return n
}

// once compares everything the centre got and gave with what was written and shown: each exactly once, in order.
func (p *script) once() error {
	var got, gave []string
	for _, v := range visitors(p.centre.Log()) {
		for _, l := range p.centre.Session(v).Transcript {
			switch l.Source {
			case "CUSTOMER":
				got = append(got, l.Content)
			case "ROBOT", "AGENT":
				gave = append(gave, l.Content)
			}
		}
	}
	if !slices.Equal(got, p.wrote) {
		return fmt.Errorf("the customer wrote %q, the centre got %q", p.wrote, got)
	}
	var shown []string
	for _, text := range texts(p.chat.lines(p.thread)) {
		if slices.Contains(gave, text) { // not the bridge's own words
			shown = append(shown, text)
		}
	}
	if !slices.Equal(gave, shown) {
		return fmt.Errorf("the centre said %q, the thread shows %q", gave, shown)
	}
	return nil
}

// visitors are those of the sessions, in the order in which they connected.
func visitors(log []ccmsim.Entry) []string {
	var ids []string
	for _, e := range log {
		if e.Effect == ccmsim.EffectNew {
			ids = append(ids, e.Visitor)
		}
	}
	return ids
}

// connected waits for the n-th session and makes it the present one.
func (p *script) connected(ctx context.Context, n int) error {
	var ids []string
	err := p.centre.Until(ctx, func(v ccmsim.View) bool {
		ids = visitors(v.Log())
		return len(ids) >= n
	})
	if err != nil {
		return fmt.Errorf("session %d did not come about (%w)", n, err)
	}
	if len(ids) > n {
		return fmt.Errorf("the centre has %d sessions, not %d", len(ids), n)
	}
	p.visitor = ids[n-1]
	return p.centreIs(ctx, ccmsim.StateRobot)
}

func texts(lines []line) []string {
	var all []string
	for _, l := range lines {
		all = append(all, l.Text)
	}
	return all
}

var errTwice = errors.New("the customer was put into the queue more than once")
