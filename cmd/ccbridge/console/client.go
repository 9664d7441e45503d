package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"ccbridge/bridge"
)

// client is the Console of a running bridge.
type client struct{ http *http.Client }

var _ bridge.Console = client{}

// dialTimeout bounds reaching the socket, which is on this machine.
const dialTimeout = 5 * time.Second

// dial makes a client of the bridge that answers at path; an error if none does.
func dial(ctx context.Context, path string) (client, error) {
	var d net.Dialer
	connect := func(ctx context.Context, _, _ string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		return d.DialContext(ctx, "unix", path)
	}
	try, err := connect(ctx, "", "")
	if err != nil {
		return client{}, err
	}
	try.Close() //nolint:errcheck // it was only tried
	return client{&http.Client{Transport: &http.Transport{DialContext: connect}}}, nil
}

func (c client) close() error {
	c.http.CloseIdleConnections()
	return nil
}

// post asks for a method and hands on its answer if it is none of a failure.
func (c client) post(ctx context.Context, method string, in any) (*http.Response, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://ccbridge/v1/"+method, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask the running bridge: %w", err)
	}
	if answer.StatusCode == http.StatusOK {
		return answer, nil
	}
	defer answer.Body.Close()
	var f failure
	if err := json.NewDecoder(answer.Body).Decode(&f); err != nil {
		f.Error = answer.Status
	}
	return nil, f.err()
}

// remote is an error that came over the socket.
type remote struct {
	text  string
	known error
}

func (r remote) Error() string { return r.text }
func (r remote) Unwrap() error { return r.known }

func (f failure) err() error { return remote{f.Error, codes[f.Code]} }

// call asks for a method and decodes its answer.
func call[Out any](ctx context.Context, c client, method string, in any) (out Out, err error) {
	answer, err := c.post(ctx, method, in)
	if err != nil {
		return out, err
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&out); err != nil {
		return out, fmt.Errorf("read the running bridge's answer: %w", err)
	}
	return out, nil
}

// The methods of bridge.Console.

func (c client) Sessions(ctx context.Context, all bool) ([]bridge.SessionView, error) {
	return call[[]bridge.SessionView](ctx, c, "sessions", sessionsRequest{all})
}

func (c client) Session(ctx context.Context, t bridge.ThreadID) (bridge.SessionDetail, error) {
	return call[bridge.SessionDetail](ctx, c, "session", threadRequest{t})
}

func (c client) Find(ctx context.Context, l bridge.Link) ([]bridge.ThreadRef, error) {
	return call[[]bridge.ThreadRef](ctx, c, "find", l)
}

func (c client) Trace(ctx context.Context, l bridge.Link) ([]bridge.Trace, error) {
	return call[[]bridge.Trace](ctx, c, "trace", l)
}

func (c client) Shadows(ctx context.Context, since time.Time, texts bool) ([]bridge.ShadowView, error) {
	return call[[]bridge.ShadowView](ctx, c, "shadows", shadowsRequest{since, texts})
}

func (c client) Dead(ctx context.Context, texts bool) ([]bridge.DeadView, error) {
	return call[[]bridge.DeadView](ctx, c, "dead", deadRequest{texts})
}

func (c client) Resend(ctx context.Context, id bridge.DeadID) error {
	_, err := call[none](ctx, c, "resend", letterRequest{id})
	return err
}

func (c client) Drop(ctx context.Context, id bridge.DeadID) error {
	_, err := call[none](ctx, c, "drop", letterRequest{id})
	return err
}

func (c client) End(ctx context.Context, t bridge.ThreadID) error {
	_, err := call[none](ctx, c, "end", threadRequest{t})
	return err
}

func (c client) Erase(ctx context.Context, adapter string, who bridge.UserID) (bridge.Erased, error) {
	return call[bridge.Erased](ctx, c, "erase", eraseRequest{adapter, who})
}

func (c client) Transcript(ctx context.Context, span bridge.Span, each func(bridge.Entry) error) error {
	answer, err := c.post(ctx, "transcript", span)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	lines := json.NewDecoder(answer.Body)
	for {
		var l line
		switch err := lines.Decode(&l); {
		case errors.Is(err, io.EOF):
			return errors.New("the running bridge's answer ended too early")
		case err != nil:
			return fmt.Errorf("read the running bridge's answer: %w", err)
		case l.End:
			return nil
		case l.Entry == nil:
			return l.err()
		}
		if err := each(*l.Entry); err != nil {
			return err
		}
	}
}
