package ccmsim

import (
	"slices"
	"time"
)

var queueFields = []field{{"userId", true, 32}, {"channelConfigId", true, 0}, {"channel", true, 0}}

// queueAnswer is the answer of queryQueueInfo; the numbers are null unless the
// visitor is queuing. "configMaxcWaitTime" is the service's own spelling.
type queueAnswer struct {
	ResultCode            string `json:"resultCode"`
	Position              *int   `json:"position"`
	TotalWaitTime         *int   `json:"totalWaitTime"`
	CurrentDeviceWaitTime *int   `json:"currentDeviceWaitTime"`
	ConfigMaxWaitTime     *int   `json:"configMaxcWaitTime"`
	LongestWaitTime       *int   `json:"longestWaitTime"`
	EstimateWaitTime      *int   `json:"estimateWaitTime"`
}

// queryQueueInfo tells whether there is a session, and with whom (cec_07_0110).
func (s *Sim) queryQueueInfo(c *call) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, rep := s.checkVisitor(c)
	if v == nil {
		return rep
	}
	if rep, ok := s.checkBody(c, queueFields); !ok {
		return rep
	}
	switch {
	case c.text("userId") != v.id:
		return s.refuse(c, "userId is not the token's user")
	case c.text("channelConfigId") != s.cfg.ChannelID:
		return s.refuse(c, "channelConfigId is not the token's channel")
	case c.text("channel") != "WEB":
		return s.refuse(c, "channel is not WEB")
	}
	now := time.Now()
	if s.sw.QueuePace > 0 && now.Sub(v.askedAt) < s.sw.QueuePace {
		s.violateLocked("queue %s: asked again within %s", v.id, s.sw.QueuePace)
	}
	v.askedAt = now
	answer := queueAnswer{ResultCode: s.queueCode(v)}
	if v.state == StateQueued {
		seconds := func(d time.Duration) *int { n := int(d.Seconds()); return &n }
		place := slices.Index(s.queue, v) + 1
		answer.Position = &place
		answer.TotalWaitTime = seconds(now.Sub(v.queuedAt))
		answer.CurrentDeviceWaitTime = answer.TotalWaitTime
		answer.ConfigMaxWaitTime = seconds(time.Minute)
		answer.LongestWaitTime = seconds(now.Sub(s.queue[0].queuedAt))
		answer.EstimateWaitTime = seconds(time.Duration(place) * time.Minute)
	}
	rep = jsonReply(answer)
	rep.code = answer.ResultCode
	return rep
}

// queueCode is the documented code for where the visitor is.
func (s *Sim) queueCode(v *visitor) string {
	state := v.state
	if state == StateDormant {
		state = v.former
	}
	switch state {
	case StateQueued:
		return "0"
	case StateAgent:
		return "160021"
	case StateRobot:
		return "160022"
	}
	switch {
	case s.sw.EndedCode != "" && v.state == StateEnded:
		return s.sw.EndedCode
	case v.state == StateNone || v.endedBy == "lost":
		return "160004"
	}
	return "5"
}
