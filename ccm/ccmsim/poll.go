package ccmsim

import (
	"encoding/json"
	"slices"
	"time"
)

// defaultPollGrace is how long a second poll of a visitor waits for the first to prove
// abandoned before it counts as a rule break: the server learns of a client
// that hung up or died later than its successor's request arrives, by much on a busy machine.
const defaultPollGrace = time.Second

// poll hands over what waits for the visitor and removes it; without anything
// it is held for PollWait (cec_07_0108, cec_07_0093). It is also the heartbeat.
func (s *Sim) poll(c *call) reply {
	v, rep := s.beginPoll(c)
	if v == nil {
		return rep
	}
	defer s.endPoll(c, v)
	wantRead := c.req.URL.Query().Get("isNeedRead") == "true"
	s.mu.Lock()
	wait := s.sw.PollWait
	s.mu.Unlock()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		batch, wake := s.takeMessages(v, wantRead)
		if len(batch) > 0 {
			return pollReply(batch)
		}
		select {
		case <-wake:
		case <-timer.C:
			return pollReply(nil)
		case <-c.req.Context().Done():
			return pollReply(nil)
		case <-s.closing:
			return pollReply(nil)
		}
	}
}

func pollReply(batch []json.RawMessage) reply {
	if batch == nil {
		batch = []json.RawMessage{}
	}
	rep := jsonReply(struct {
		ResultCode       string            `json:"resultCode"`
		ResultDesc       string            `json:"resultDesc"`
		DownlinkMessages []json.RawMessage `json:"downlinkMessages"`
	}{"0", "query user messages success.", batch})
	rep.messages = len(batch)
	return rep
}

// beginPoll checks the request and counts the poll as held; the visitor is nil
// if the reply is the answer.
func (s *Sim) beginPoll(c *call) (*visitor, reply) {
	s.mu.Lock()
	v, rep := s.checkVisitor(c)
	if v == nil {
		s.mu.Unlock()
		return nil, rep
	}
	query := c.req.URL.Query()
	why := ""
	switch {
	case query.Get("receiverId") != v.id:
		why = "receiverId is not the token's user"
	case query.Get("channel") != "WEB":
		why = "channel is not WEB"
	}
	if why != "" {
		defer s.mu.Unlock()
		return nil, s.refuse(c, why)
	}
	v.lastPoll = time.Now()
	v.pollers++
	former := v.pollLeft
	if former == nil {
		v.pollLeft = make(chan struct{})
	}
	s.noteChange()
	s.mu.Unlock()
	if former != nil {
		s.judgeSecondPoll(c, v, former)
	}
	return v, reply{}
}

// judgeSecondPoll records two polls at once for one visitor, unless the first
// belongs to a client that is gone.
func (s *Sim) judgeSecondPoll(c *call, v *visitor, firstLeft <-chan struct{}) {
	timer := time.NewTimer(s.pollGrace)
	defer timer.Stop()
	select {
	case <-firstLeft:
	case <-timer.C:
	case <-c.req.Context().Done():
	case <-s.closing:
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-firstLeft:
		if v.pollGone {
			return
		}
	default:
	}
	s.violateLocked("poll %s: two polls at once", v.id)
}

func (s *Sim) endPoll(c *call, v *visitor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.lastPoll = time.Now()
	v.pollers--
	if v.pollLeft != nil {
		v.pollGone = c.req.Context().Err() != nil
		close(v.pollLeft)
		v.pollLeft = nil
	}
	if v.pollers > 0 {
		v.pollLeft = make(chan struct{})
	}
	s.noteChange()
}

// takeMessages removes what waits for the visitor. If nothing does, it returns
// a channel that is closed when something arrives.
func (s *Sim) takeMessages(v *visitor, wantRead bool) ([]json.RawMessage, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var batch []json.RawMessage
	for _, d := range slices.Concat(v.repeated, v.pending) {
		if !d.read || wantRead {
			batch = append(batch, d.body)
		}
	}
	v.repeated = nil
	if s.sw.Redeliver {
		v.repeated = v.pending
	}
	v.pending = nil
	if s.sw.Reorder {
		slices.Reverse(batch)
	}
	if len(batch) > 0 {
		s.noteChange()
		return batch, nil
	}
	if v.wake == nil {
		v.wake = make(chan struct{})
	}
	return nil, v.wake
}
