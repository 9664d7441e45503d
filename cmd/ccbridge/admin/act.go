package admin

import (
	"context"
	"log/slog"
	"net/http"

	"ccbridge/bridge"
)

// endSession ends the open session of a thread.
func (p *Page) endSession(ctx context.Context, r *http.Request) (Notice, string, error) {
	id := bridge.ThreadID(r.FormValue("thread"))
	if err := p.Console.End(ctx, id); err != nil {
		return Notice{}, root + "/sessions", err
	}
	p.done(r, "session ended", slog.String("id", visible(string(id))))
	return Notice{Level: "ok", Text: "The session is being ended; the customer is told."}, root + "/sessions/" + string(id), nil
}

// resend sends a dead letter again.
func (p *Page) resend(ctx context.Context, r *http.Request) (Notice, string, error) {
	id := bridge.DeadID(r.FormValue("id"))
	if err := p.Console.Resend(ctx, id); err != nil {
		return Notice{}, root + "/dead", err
	}
	p.done(r, "dead letter sent again", slog.String("id", visible(string(id))))
	return Notice{Level: "ok", Text: "The dead letter is on its way again."}, root + "/dead", nil
}

// drop forgets a dead letter.
func (p *Page) drop(ctx context.Context, r *http.Request) (Notice, string, error) {
	id := bridge.DeadID(r.FormValue("id"))
	if err := p.Console.Drop(ctx, id); err != nil {
		return Notice{}, root + "/dead", err
	}
	p.done(r, "dead letter dropped", slog.String("id", visible(string(id))))
	return Notice{Level: "ok", Text: "The dead letter is dropped."}, root + "/dead", nil
}

// reload reads the configuration again.
func (p *Page) reload(ctx context.Context, r *http.Request) (Notice, string, error) {
	const next = root + "/settings"
	if p.Reload == nil {
		return Notice{Level: "bad", Text: "This program cannot read its configuration again: restart it."}, next, nil
	}
	p.done(r, "reload asked for")
	said, err := p.Reload(ctx)
	if err != nil {
		return Notice{Level: "bad", Text: "Nothing was changed: " + err.Error(), Lines: said}, next, nil
	}
	n := Notice{Level: "ok", Text: "The configuration was read again and is in force.", Lines: said}
	if len(said) > 0 {
		n.Level = "info"
	}
	return n, next, nil
}
