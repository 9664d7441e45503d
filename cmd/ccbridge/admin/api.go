package admin

import (
	"context"
	"encoding/json"
	"net/http"

	"ccbridge/bridge"
)

// answerer makes the answer to a program, to be written as JSON.
type answerer func(ctx context.Context, r *http.Request) (any, error)

// program answers a program that bears the token, or the script of somebody who is signed in.
func (p *Page) program(answer answerer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !p.admitted(w, r) {
			return
		}
		said, err := answer(r.Context(), r)
		if err != nil {
			code, text := explain(err)
			p.logFailure(r, code, err)
			fail(w, code, text)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(said) //nolint:errcheck // the client went away
	}
}

// fail answers a program that something is wrong.
func fail(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(map[string]string{"error": text}) //nolint:errcheck // the client went away
}

// outcome is what came of what a program asked for.
type outcome struct {
	OK   bool     `json:"ok"`
	Said string   `json:"said"`
	More []string `json:"more,omitempty"`
}

// answerDone does what a program asks for, as a form would.
func (p *Page) answerDone(do doer) answerer {
	return func(ctx context.Context, r *http.Request) (any, error) {
		n, _, err := do(ctx, r)
		p.glance.forget()
		return outcome{n.Level != "bad", n.Text, n.Lines}, err
	}
}

// news is the answer to /admin/api/overview.
type news struct {
	Version  string               `json:"version"`
	Ready    bool                 `json:"ready"`
	Parts    []part               `json:"parts"`
	Limited  []bridge.Limit       `json:"limited"`
	Sessions map[bridge.State]int `json:"sessions"`
	Dead     int                  `json:"dead"`
	Faults   int                  `json:"faults"` // since the start
}

func (p *Page) apiOverview(ctx context.Context, _ *http.Request) (any, error) {
	sessions, dead, err := p.look(ctx)
	if err != nil {
		return nil, err
	}
	n := news{Version: p.Version, Limited: list(p.Limited()), Sessions: map[bridge.State]int{}, Dead: len(dead)}
	n.Parts, n.Ready = p.parts()
	_, n.Faults = p.Faults.Last()
	for _, s := range sessions {
		n.Sessions[s.State]++
	}
	return n, nil
}

func (p *Page) apiSessions(ctx context.Context, r *http.Request) (any, error) {
	if r.FormValue("all") != "" {
		sessions, err := p.Console.Sessions(ctx, true)
		return list(sessions), err
	}
	sessions, _, err := p.look(ctx)
	return list(sessions), err
}

func (p *Page) apiTranscript(ctx context.Context, r *http.Request) (any, error) {
	s, err := p.thread(ctx, bridge.ThreadID(r.FormValue("thread")))
	if err != nil {
		return nil, err
	}
	entries, _, err := p.transcript(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	p.opened(r, "transcript", s.Thread.String())
	return list(entries), nil
}

func (p *Page) apiDead(ctx context.Context, _ *http.Request) (any, error) {
	_, dead, err := p.look(ctx)
	return list(dead), err
}

func (p *Page) apiFaults(context.Context, *http.Request) (any, error) {
	faults, _ := p.Faults.Last()
	return list(faults), nil
}

func (p *Page) apiSettings(context.Context, *http.Request) (any, error) {
	return list(p.Config().Settings), nil
}

// list makes JSON's [] of none.
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
