package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"ccbridge/ccm"
)

// relaySamples is how many messages the relay carries.
const relaySamples = 400

// bareRelay carries messages between the simulators and keeps nothing: no store, no order, no checks. It runs in their
// process. What it needs is the least any bridge could, and counts as the simulators' own time.
type bareRelay struct {
	*benchWorld
	visitor ccm.Visitor
	client  *ccm.Client
	thread  benchThread
	conn    *websocket.Conn
}

// relay measures the bare relay in the load's directions at the offered rate. The bridge must have been stopped.
func (l *load) relay() []time.Duration {
	l.b.Helper()
	ctx, cancel := context.WithCancel(l.ctx)
	client, err := ccm.New(ccm.Config{BaseURL: l.centre.URL(), AppKey: l.centre.AppKey(), AppSecret: l.centre.AppSecret()})
	if err != nil {
		l.b.Fatal(err)
	}
	r := &bareRelay{benchWorld: l.benchWorld, client: client, thread: l.threads[0], visitor: ccm.Visitor{UserID: "relay", ChannelID: l.centre.ChannelID()}}
	if err := client.Send(ctx, r.visitor, ccm.SendRequest{Control: ccm.Connect}); err != nil {
		l.b.Fatal(err)
	}
	r.dial()
	var wg sync.WaitGroup
	wg.Go(r.up)
	wg.Go(func() { r.down(ctx) })

	l.threads = []benchThread{{channel: r.thread.channel, user: r.thread.user, root: r.thread.root, visitor: r.visitor.UserID}}
	l.rebase()
	up, down := l.sentUp, l.sentDown
	tick := time.NewTicker(time.Second / offered)
	for range relaySamples {
		<-tick.C
		l.send()
	}
	tick.Stop()
	l.await("the relay's last message", time.Millisecond, func() bool { return l.underWay() <= 0 })
	l.rest(300 * time.Millisecond)
	cancel()
	r.conn.Close()
	wg.Wait()
	client.Close()
	return l.latencies(up, down)
}

// dial opens one socket (Slack: apps.connections.open) and reads its hello.
func (r *bareRelay) dial() {
	answer := r.slackCall("apps.connections.open", "xapp-sim", url.Values{})
	conn, _, err := websocket.DefaultDialer.Dial(answer.URL, nil)
	if err != nil {
		r.b.Fatal(err)
	}
	if _, _, err := conn.ReadMessage(); err != nil {
		r.b.Fatal(err)
	}
	r.conn = conn
}

// up carries what customers write until the socket is closed.
func (r *bareRelay) up() {
	for {
		var env struct {
			ID      string `json:"envelope_id"`
			Payload struct {
				Event struct {
					User, Text string
					BotID      string `json:"bot_id"`
				}
			}
		}
		_, frame, err := r.conn.ReadMessage()
		if err != nil {
			return
		}
		if err := json.Unmarshal(frame, &env); err != nil || env.ID == "" {
			r.b.Errorf("the relay cannot read an envelope: %v", err)
			return
		}
		if err := r.conn.WriteJSON(map[string]string{"envelope_id": env.ID}); err != nil {
			return
		}
		if env.Payload.Event.BotID != "" {
			continue
		}
		if err := r.client.Send(r.ctx, r.visitor, ccm.SendRequest{Control: ccm.Chat, Content: env.Payload.Event.Text}); err != nil {
			r.b.Errorf("relay: %v", err)
			return
		}
	}
}

// down carries what the agent says until ctx ends.
func (r *bareRelay) down(ctx context.Context) {
	for ctx.Err() == nil {
		list, err := r.client.Poll(ctx, r.visitor)
		if err != nil && ctx.Err() == nil {
			r.b.Errorf("relay: %v", err)
			return
		}
		for _, d := range list {
			if d.Source == "AGENT" {
				r.slackCall("chat.postMessage", "xoxb-sim", url.Values{"channel": {r.thread.channel}, "thread_ts": {r.thread.root}, "text": {d.Content}})
			}
		}
	}
}

type slackAnswer struct {
	OK         bool
	URL, Error string
}

func (r *bareRelay) slackCall(method, token string, form url.Values) (answer slackAnswer) {
	req, err := http.NewRequestWithContext(r.ctx, http.MethodPost, r.slack.URL()+method, strings.NewReader(form.Encode()))
	if err == nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Authorization", "Bearer "+token)
		var resp *http.Response
		if resp, err = http.DefaultClient.Do(req); err == nil {
			err = json.NewDecoder(resp.Body).Decode(&answer)
			resp.Body.Close()
		}
	}
	if err == nil && !answer.OK {
		err = fmt.Errorf("%s", answer.Error)
	}
	if err != nil {
		r.b.Errorf("relay: %s: %v", method, err)
	}
	return answer
}
