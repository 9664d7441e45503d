package ccm

import (
	"context"
	"encoding/json"
)

const (
	opQueueInfo = "queryQueueInfo"

	codeQueueToken = "3"
	codePlatform   = "160001"
)

// QueueState is where a visitor's session stands.
type QueueState int

const (
	UnknownState QueueState = iota // a code that says nothing about it
	Queuing                        // waiting for an agent
	WithAgent                      // talking to one
	WithRobot                      // talking to the robot, not in the queue
	Over                           // ended, or not there
)

// QueueInfo is the answer of queryQueueInfo (cec_07_0110). Its numbers are valid only while Queuing.
type QueueInfo struct {
	Code         string // resultCode
	Position     int    // place in the queue
	TotalWait    int    // seconds waited
	QueueWait    int    // seconds waited in the present skill queue
	MaxWait      int    // seconds one may wait, as configured at the centre
	LongestWait  int    // seconds the first in the queue has waited
	EstimateWait int    // seconds still to wait, estimated
}

// State tells where the session stands.
func (q QueueInfo) State() QueueState {
	switch q.Code {
	case codeOK:
		return Queuing
	case "160021":
		return WithAgent
	case "160022":
		return WithRobot
	case "5", "6", codeNoSession:
		return Over
	}
	return UnknownState
}

// QueueInfo asks where the visitor's session stands (queryQueueInfo). An answer that tells is no error, also when it
// says that the session is over. Ask at most every 10 s.
func (c *Client) QueueInfo(ctx context.Context, v Visitor) (QueueInfo, error) {
	if err := v.check(opQueueInfo); err != nil {
		return QueueInfo{}, err
	}
	body, err := json.Marshal(map[string]string{
		"userId": v.UserID, "channelConfigId": v.ChannelID, "channel": channelWeb,
	})
	if err != nil {
		return QueueInfo{}, invalid(opQueueInfo, "cannot be written as JSON")
	}
	r := request{op: opQueueInfo, call: "queryQueueInfo", url: c.config.BaseURL + messagingPath + "queryQueueInfo",
		body: body, timeout: c.config.CallTimeout, tokenRefused: func(a response) bool {
			var res result
			return decode(a.body, &res) == nil && res.code() == codeQueueToken
		}}
	a, err := c.callVisitor(ctx, v, r)
	if err != nil {
		return QueueInfo{}, err
	}
	res, info, err := decodeQueue(a.body)
	switch {
	case err != nil:
		return QueueInfo{}, unclear(opQueueInfo, err.Error())
	case info.Code == "":
		return QueueInfo{}, unclear(opQueueInfo, "answer has no resultCode")
	case info.State() != UnknownState:
		return info, nil
	}
	e := refusal(r, a, res)
	if e.Code == codePlatform { // the centre's own parts cannot reach each other
		e.Scope = ScopeCentre
	}
	return QueueInfo{}, e
}

func decodeQueue(body []byte) (result, QueueInfo, error) {
	var answer struct {
		result
		Position              text `json:"position"`
		TotalWaitTime         text `json:"totalWaitTime"`
		CurrentDeviceWaitTime text `json:"currentDeviceWaitTime"`
		ConfigMaxcWaitTime    text `json:"configMaxcWaitTime"` // sic
		LongestWaitTime       text `json:"longestWaitTime"`
		EstimateWaitTime      text `json:"estimateWaitTime"`
	}
	if err := decode(body, &answer); err != nil {
		return result{}, QueueInfo{}, err
	}
	return answer.result, QueueInfo{
		Code:         answer.code(),
		Position:     answer.Position.number(),
		TotalWait:    answer.TotalWaitTime.number(),
		QueueWait:    answer.CurrentDeviceWaitTime.number(),
		MaxWait:      answer.ConfigMaxcWaitTime.number(),
		LongestWait:  answer.LongestWaitTime.number(),
		EstimateWait: answer.EstimateWaitTime.number(),
	}, nil
}
