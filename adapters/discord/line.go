package discord

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/bwmarrin/discordgo"
	"golang.org/x/time/rate"

	"ccbridge/bridge"
)

// Identify is limited to one in 5 s and 1000 a day, and going beyond resets the bot's token. At most dailyBurst +
// dailyRefill = 300 are used in any 24 hours.
const (
	dailyBurst  = 100
	dailyRefill = 200
)

// settle is the least pause between two connections: the SDK's heartbeat of the former one may still be about to close
// whatever connection it finds.
const settle = 200 * time.Millisecond

// keepLine keeps the gateway's line up until ctx ends, then returns nil. An error means that it can never be up.
func (a *Adapter) keepLine(ctx context.Context, in bridge.Inbox, gw gateway) error {
	day := rate.NewLimiter(rate.Every(24*time.Hour/dailyRefill), dailyBurst)
	for failures := 0; ctx.Err() == nil; failures++ {
		a.up.Store(false)
		cause := a.connect(ctx, in, gw, day)
		if ctx.Err() != nil {
			break
		}
		if cause.fatal {
			a.report(in, bridge.Line{State: bridge.LineFailed, Detail: cause.detail})
			return fmt.Errorf("discord gateway: %w", cause)
		}
		a.report(in, bridge.Line{State: bridge.LineDown, Detail: cause.detail})
		if a.up.Load() {
			failures = 0
		}
		if !a.lanes.drained(ctx) || sleep(ctx, a.backoff(failures)) != nil {
			break
		}
	}
	return nil
}

// connect makes one connection and serves it until it is down.
func (a *Adapter) connect(ctx context.Context, in bridge.Inbox, gw gateway, day *rate.Limiter) *lineError {
	address, resuming := gw.Resume()
	if address == "" {
		var err error
		if address, err = a.gatewayAddress(ctx, in, resuming); err != nil {
			return addressFailure(err)
		}
	}
	target, err := socketAddress(address)
	if err != nil {
		return &lineError{detail: err.Error()}
	}
	if !resuming && (a.spaced(ctx) != nil || day.Wait(ctx) != nil) {
		return &lineError{detail: "stopped", stopped: true}
	}
	return gw.Serve(ctx, target)
}

// spaced waits until one more Identify may go out. The last one counts from when it really went: Hello may have been slow.
func (a *Adapter) spaced(ctx context.Context) error {
	last := a.identified.Load()
	if last == 0 {
		return nil
	}
	return sleep(ctx, time.Until(time.Unix(0, last).Add(a.cfg.Waits.IdentifyGap)))
}

// gatewayAddress asks for the gateway's address, and waits if no Identify is left (GET /gateway/bot).
func (a *Adapter) gatewayAddress(ctx context.Context, in bridge.Inbox, resuming bool) (string, error) {
	for {
		var answer struct {
			URL   string `json:"url"`
			Limit *struct {
				Remaining  int   `json:"remaining"`
				ResetAfter int64 `json:"reset_after"` // milliseconds
			} `json:"session_start_limit"`
		}
		if err := a.askGateway(ctx, &answer); err != nil {
			return "", fmt.Errorf("gateway's address: %w", err)
		}
		if resuming || answer.Limit == nil || answer.Limit.Remaining > 0 {
			return answer.URL, nil
		}
		wait := time.Duration(answer.Limit.ResetAfter) * time.Millisecond
		a.report(in, bridge.Line{State: bridge.LineDown, Detail: "no session starts left today"})
		if err := sleep(ctx, max(wait, time.Second)); err != nil {
			return "", fmt.Errorf("wait for session starts: %w", err)
		}
	}
}

// askGateway waits for short limits only: a long one is an outage that shall be seen.
func (a *Adapter) askGateway(ctx context.Context, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, restTime)
	defer cancel()
	err := a.rest.patientGet(ctx, discordgo.EndpointGatewayBot, answer)
	if notFound(err) {
		err = a.rest.patientGet(ctx, discordgo.EndpointGateway, answer)
	}
	return err
}

func addressFailure(err error) *lineError {
	if hasStatus(err, http.StatusUnauthorized) {
		return &lineError{detail: "HTTP 401: the bot token is not valid", fatal: true}
	}
	return &lineError{detail: err.Error(), refused: true}
}

// socketAddress completes a gateway address.
func socketAddress(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "ws" && u.Scheme != "wss") {
		return "", errors.New("gateway's address is no WebSocket address")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	q := u.Query()
	q.Set("v", discordgo.APIVersion)
	q.Set("encoding", "json")
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// backoff is how long to wait before the next connection; failures counts those in a row. Half of it is chance.
func (a *Adapter) backoff(failures int) time.Duration {
	d := a.cfg.Waits.BackoffMax
	if failures < 16 {
		d = min(a.cfg.Waits.Backoff<<failures, d)
	}
	return settle + d/2 + rand.N(d/2+1)
}

// lineUp reports that READY (gap) or RESUMED came.
func (a *Adapter) lineUp(in bridge.Inbox, gap bool) {
	a.up.Store(true)
	detail := "resumed"
	if gap {
		detail = "new session"
		a.gaps.Add(1)
	}
	a.report(in, bridge.Line{State: bridge.LineUp, Gap: gap, Detail: detail, Reconnect: a.connections.Add(1) > 1})
}

// report passes a line on. The core logs its changes.
func (a *Adapter) report(in bridge.Inbox, l bridge.Line) {
	a.log.Debug("discord line", "state", l.State, "gap", l.Gap, "detail", l.Detail)
	in.Report(a.cfg.Name, l)
}
