package discordsim

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// receive handles one payload of the client. The caller holds the lock.
func (s *Sim) receive(c *conn, kind int, data []byte) {
	var p struct {
		Op *int            `json:"op"`
		D  json.RawMessage `json:"d"`
	}
	if kind != websocket.TextMessage || len(data) > maxFrame || json.Unmarshal(data, &p) != nil || p.Op == nil {
		s.hangUp(c, 4002, "payload that is no JSON object with op, or over 4096 bytes")
		return
	}
	c.sends.add(s.now())
	if !s.cfg.NoLimits && c.sends.within(s.now()) > sendsPerMinute {
		s.hangUp(c, 4008, "more than 120 payloads in a minute")
		return
	}
	if c.frozen {
		return
	}
	switch *p.Op {
	case 1:
		c.extend(s.cfg.HeartbeatInterval)
		s.gateway.heartbeats++
		s.changedLocked()
		if !s.gateway.noACK {
			c.control(object{"op": 11})
		}
	case 2:
		s.identify(c, p.D)
	case 6:
		s.resume(c, p.D)
	case 3, 4, 8:
		if c.sess == nil {
			s.hangUp(c, 4003, "payload before Identify")
		}
	default:
		s.hangUp(c, 4001, fmt.Sprintf("unknown op %d", *p.Op))
	}
}

// hangUp closes with a code that is the client's fault.
func (s *Sim) hangUp(c *conn, code int, fault string) {
	s.violate("gateway: %s (%d)", fault, code)
	if code != 4000 {
		s.detach(c, true)
	}
	c.close(code)
}

func (s *Sim) validToken(token string) bool { return strings.TrimPrefix(token, "Bot ") == s.token }

// refuseSession sends op 9 with false.
func (s *Sim) refuseSession(c *conn) {
	if c.refused++; c.refused > invalidSessions {
		c.close(4008)
		return
	}
	c.control(object{"op": 9, "d": false})
}

func (s *Sim) identify(c *conn, d json.RawMessage) {
	var p struct {
		Token    string  `json:"token"`
		Intents  *int    `json:"intents"`
		Compress bool    `json:"compress"`
		Shard    *[2]int `json:"shard"`
		// Properties are sent by every client and tell nothing that matters here.
	}
	if json.Unmarshal(d, &p) != nil {
		s.hangUp(c, 4002, "malformed Identify")
		return
	}
	if c.sess != nil {
		s.hangUp(c, 4005, "Identify on an identified connection")
		return
	}
	shard := [2]int{0, 1}
	if p.Shard != nil {
		shard = *p.Shard
	}
	switch {
	case !s.validToken(p.Token):
		s.hangUp(c, 4004, "Identify with a wrong token")
		return
	case shard[0] < 0 || shard[0] >= shard[1]:
		s.hangUp(c, 4010, "invalid shard")
		return
	case p.Intents == nil || *p.Intents&^validIntents != 0:
		s.hangUp(c, 4013, "invalid intents")
		return
	case *p.Intents&privilegedNotGranted != 0 || s.cfg.NoMessageContent && *p.Intents&intentContent != 0:
		s.hangUp(c, 4014, "privileged intents that are not enabled in the portal")
		return
	}
	if !s.identifyAllowed(c) {
		return
	}
	c.compress = p.Compress
	if s.gateway.op7AfterIdentify > 0 {
		s.gateway.op7AfterIdentify--
		c.control(object{"op": 7, "d": nil})
		return
	}
	x := &session{id: fmt.Sprintf("%032x", s.newID()), intents: *p.Intents, shard: shard, conn: c}
	s.gateway.sessions[x.id] = x
	c.sess, c.next = x, 1
	s.ready(x)
}

// identifyAllowed keeps the limits of Identify.
func (s *Sim) identifyAllowed(c *conn) bool {
	g, now := &s.gateway, s.now()
	last := g.lastTry
	g.lastTry = now
	g.identifies.add(now)
	if s.cfg.NoLimits {
		return true
	}
	if g.identifies.within(now) > s.cfg.IdentifyTotal {
		s.token = "reset-" + format(s.newID())
		clear(g.sessions)
		s.hangUp(c, 4004, "more Identify in 24 h than allowed: the token was reset")
		return false
	}
	if now.Sub(last) < s.cfg.IdentifySpacing {
		s.violate("gateway: Identify %s after the last, less than %s", now.Sub(last).Round(10*time.Millisecond), s.cfg.IdentifySpacing)
		s.refuseSession(c)
		return false
	}
	return true
}

// ready sends READY and the guilds.
func (s *Sim) ready(x *session) {
	unavailable := []object{}
	for _, id := range s.guildOrder {
		if !s.guilds[id].absent && x.sees(id) {
			unavailable = append(unavailable, object{"id": id, "unavailable": true})
		}
	}
	event := func(name string, o object, live bool) {
		b, _ := json.Marshal(o)
		x.append(name, b, live)
	}
	event("READY", object{
		"v": 9, "user": *s.bot, "guilds": unavailable, "session_id": x.id, "session_type": "normal",
		"resume_gateway_url": s.gatewayURL() + "/resume", "shard": x.shard, "private_channels": []any{},
		"relationships": []any{}, "application": object{"id": s.cfg.AppID, "flags": 1 << 19},
	}, true)
	if x.intents&intentGuilds == 0 {
		return
	}
	for _, id := range s.guildOrder {
		if g := s.guilds[id]; !g.absent && !g.out && x.sees(id) {
			event("GUILD_CREATE", s.guildCreate(g), false)
		}
	}
	s.changedLocked()
}

func (s *Sim) resume(c *conn, d json.RawMessage) {
	var p struct {
		Token   string `json:"token"`
		Session string `json:"session_id"`
		Seq     *int64 `json:"seq"`
	}
	if json.Unmarshal(d, &p) != nil || p.Seq == nil {
		s.hangUp(c, 4002, "malformed Resume")
		return
	}
	if c.sess != nil {
		s.hangUp(c, 4005, "Resume on an identified connection")
		return
	}
	if !s.validToken(p.Token) {
		s.hangUp(c, 4004, "Resume with a wrong token")
		return
	}
	s.expireSessions()
	x := s.gateway.sessions[p.Session]
	if x == nil || *p.Seq+1 < x.oldest() {
		s.refuseSession(c)
		return
	}
	if *p.Seq > x.seq {
		delete(s.gateway.sessions, x.id)
		s.hangUp(c, 4007, "Resume with a seq that was never sent")
		return
	}
	if s.gateway.op7AfterIdentify > 0 {
		s.gateway.op7AfterIdentify--
		c.control(object{"op": 7, "d": nil})
		return
	}
	if old := x.conn; old != nil {
		s.detach(old, false)
		old.close(4000)
	}
	s.replay(c, x, *p.Seq)
	s.gateway.resumed++
}

// replay attaches the session and queues what came after seq, then RESUMED. Earlier READY and RESUMED are not
// repeated.
func (s *Sim) replay(c *conn, x *session, seq int64) {
	for _, f := range x.frames[max(seq+1-x.oldest(), 0):] {
		if !f.live {
			c.backlog = append(c.backlog, f.data)
		}
	}
	c.sess, x.conn = x, c
	c.next = x.seq + 1
	x.append("RESUMED", []byte(`{"_trace":["discordsim"]}`), true)
	s.changedLocked()
}
